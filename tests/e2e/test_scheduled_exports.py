"""Files that the process writes by itself once a day is over, and again once its calls change."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime

import pytest
from e2e.operators import batch
from e2e.processes import total_nano_usd, wait_until
from e2e.test_health import report
from e2e.test_telemetry import base_url, get
from pyarrow.parquet import read_table  # type: ignore[import-untyped]

DAY_S = 86_400
BATCH_S = 1_790_000_000
SOON_S = 6


def label(time_s):
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"


@pytest.fixture
def midnight_s():
    """The last one in UTC, the next one not being near."""
    while time.time() % DAY_S > DAY_S - 60:
        time.sleep(1.0)
    return int(time.time()) // DAY_S * DAY_S


@pytest.mark.timeout(180)
def test_a_day_is_written_once_it_is_over_and_anew_once_it_changes(operator, tmp_path, midnight_s):
    """Guarantees: the file comes by itself, has what the ledger has, and follows a late call.

    The day that ended at midnight is due some seconds after the second start: so long is the delay.
    """
    noon_s = midnight_s - DAY_S // 2
    processor = operator.start()
    calls = [(1, "gpt-4o", "s-1"), (2, "gpt-4o", "s-1"), (3, "gpt-4o", "s-2")]
    operator.send(batch(*calls, at_s=noon_s - BATCH_S))
    cost = total_nano_usd(processor.port, "total")
    assert processor.stop(signal.SIGKILL) != 0

    out, blocked = tmp_path / "out", tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"exports:\n"
        f"  calls: {{dataset: calls, format: parquet, folder: {out}, look_back: 2,\n"
        f"    time_zone: UTC, delay: {int(time.time()) - midnight_s + SOON_S}s}}\n"
        f"  elsewhere: {{folder: {blocked}}}\n"
    )
    plain = operator.serve
    operator.serve = lambda *flags, **more: plain("--config", settings, *flags, **more)
    processor = operator.start()
    yesterday = out / f"calls-{label(noon_s)}.parquet"
    processor.wait_for(f"export calls: {yesterday.name}: written, 3 rows", 60)
    table = read_table(yesterday)
    assert sum(table.column("cost_usd").to_pylist()) * 10**9 == cost
    assert table.column("session").to_pylist() == ["s-1", "s-1", "s-2"]

    wait_until(lambda: report(processor)[1]["status"] == "degraded")
    [reason] = report(processor)[1]["reasons"]
    assert reason == f"export elsewhere is not written: {blocked}: cannot be written: File exists"
    assert sum("export elsewhere failed" in line for line in processor.lines) == 1
    metrics = get(f"{base_url(processor)}/metrics")[1]
    assert 'exports_failed_attempts_total{export="elsewhere"} 1.0' in metrics
    assert 'exports_last_success_timestamp_seconds{export="elsewhere"} 0.0' in metrics
    assert 'exports_written_files_total{export="calls"} ' in metrics

    operator.send(batch((4, "gpt-4o", "s-2"), at_s=noon_s - BATCH_S))
    assert processor.stop(signal.SIGKILL) != 0
    blocked.unlink()
    processor = operator.start()
    processor.wait_for(f"export calls: {yesterday.name}: written, 4 rows", 60)
    assert read_table(yesterday).num_rows == 4
    processor.wait_for("export elsewhere: usage-", 60)
    wait_until(lambda: report(processor)[1] == {"status": "serving", "reasons": []})
    manifest = json.loads((out / "manifest-calls.json").read_text())
    rows = {each["name"]: each["rows"] for each in manifest["files"]}
    # The day before had no call, and was the last one that was due at first.
    before = f"calls-{label(noon_s - DAY_S)}.parquet"
    assert rows in ({before: 0, yesterday.name: 4}, {yesterday.name: 4})
    assert processor.stop() == 0
    assert not list(out.glob(".*.partial"))
