"""A backup taken beside a running processor under load, and a start on it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing

import apsw
import pytest
from conformance.durable import COST_NANO_USD, PRICES, Line, Load, call, numbers
from e2e.processes import ROOT, wait_until

BUDGETS = """
version: 1
budgets: [{name: of-a-session, scope: session, limit_usd: 0.006, warn_at: [0.5]}]
"""
QUIET = range(10**9, 10**9 + 4)
"""Calls of a session that is over before the backup; the third one crosses its budget."""


@pytest.fixture
def start(serve, backend, tmp_path):
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)
    flags = "--forward-to", f"127.0.0.1:{backend.port}", "--pricing", pricing, "--budgets", budgets
    return lambda folder: serve(*flags, data_dir=folder)


def command(*words):
    return [sys.executable, "-m", "processor.cli", *map(str, words)]


def crossings(path):
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        return list(database.execute("SELECT * FROM crossings WHERE id = 'quiet' ORDER BY seq"))


def stamped(backend, number):
    """Every copy of a call's span that the backend has got, as bytes."""
    spans = [span for _, _, span in backend.spans() if span.span_id == number.to_bytes(8)]
    return [span.SerializeToString() for span in spans]


def test_a_restored_backup_counts_and_stamps_as_before(start, backend, tmp_path):
    """Guarantees: totals, crossings and stamps are those of the moment; what came later is charged
    once when it is sent again."""
    data, copy = tmp_path / "data", tmp_path / "backup.db"
    process = start(data)
    line = Line(process.port)
    payloads = {number: call(number, "quiet") for number in QUIET}
    assert {line.send(each) for each in payloads.values()} == {"OK"}
    quiet = line.total_nano_usd("session", "quiet")
    assert quiet == len(QUIET) * COST_NANO_USD
    load = Load(process.port, senders=4)
    wait_until(lambda: len(load.acknowledged) >= 50)
    before = len(load.acknowledged)
    done = subprocess.run(
        command("backup", "--data-dir", data, copy),
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=True,
    )  # fmt: skip
    after = len(load.acknowledged)
    assert f"{copy}: " in done.stdout
    wait_until(lambda: len(load.acknowledged) >= after + 50)
    sent = load.end()
    crossed = crossings(data / "ledger.db")
    assert process.stop() == 0

    restored = tmp_path / "restored"
    restored.mkdir()
    copy.rename(restored / "ledger.db")
    assert crossings(restored / "ledger.db") == crossed
    assert len(crossed) == 2
    process = start(restored)
    line = Line(process.port)
    assert line.total_nano_usd("session", "quiet") == quiet
    held = line.total_nano_usd() - quiet
    assert before * COST_NANO_USD <= held < len(sent) * COST_NANO_USD
    assert {line.send(each) for each in payloads.values()} == {"OK"}
    for number in QUIET:
        first, again = stamped(backend, number)
        assert first == again
    for number in sorted(sent):
        assert line.send(call(number, f"s-{number % 3}")) == "OK"
    assert line.total_nano_usd() == quiet + len(sent) * COST_NANO_USD
    assert set(numbers(backend)) == sent | set(QUIET)


def test_a_backup_that_is_asked_to_stop_leaves_nothing(start, tmp_path):
    """Guarantees: a container or a unit that is stopped while it copies has no half of a file."""
    data, copy = tmp_path / "data", tmp_path / "backup.db"
    start(data)
    with closing(apsw.Connection(str(data / "ledger.db"))) as database, database:
        rows = [(f"t{number}", "x" * 900, 0) for number in range(100_000)]
        database.executemany("INSERT INTO task_titles VALUES (?, ?, ?)", rows)
    partial = copy.with_name("backup.db.partial")
    stopped = subprocess.Popen(
        command("backup", "--data-dir", data, copy), cwd=ROOT, stdout=subprocess.PIPE
    )
    while not partial.exists() or not partial.stat().st_size:
        time.sleep(0.001)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(20) == 130
    stopped.stdout.close()
    assert not copy.exists()
    assert not partial.exists()
