"""What becomes of a running processor, and of its next start, when somebody touches its ledger."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing

import apsw
import pytest
from conformance.durable import COST_NANO_USD, PRICES, Line, call
from e2e.processes import ROOT, wait_until
from e2e.test_health import report


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "data" / "ledger.db"


@pytest.fixture
def start(serve, backend, tmp_path):
    pricing = tmp_path / "pricing.yaml"
    pricing.write_text(PRICES)
    return lambda: serve("--forward-to", f"127.0.0.1:{backend.port}", "--pricing", pricing)


def run(command, path, *flags):
    """Exit code and what is said on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli", command, "--data-dir", path.parent, *flags],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def serve_in_vain(path):
    return run("serve", path, "--listen", "127.0.0.1:0", "--listen-http", "")


def test_a_ledger_that_is_moved_away_is_said_and_goes_on_when_it_is_back(start, ledger):
    """Guarantees: retryable and unhealthy, also without a request; then everything once."""
    process = start()
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    away = ledger.rename(ledger.with_name("away"))
    wait_until(lambda: report(process)[0] == 503)
    assert f"{ledger} was removed or moved (put it back" in report(process)[1]["reasons"][0]
    assert line.send(call(2)) == "UNAVAILABLE"
    process.wait_for("nothing is charged any more")
    away.rename(ledger)
    wait_until(lambda: report(process)[0] == 200)
    assert [line.send(call(2)), line.send(call(1))] == ["OK", "OK"]
    assert line.total_nano_usd() == 2 * COST_NANO_USD
    assert process.stop() == 0
    assert Line(start().port).total_nano_usd() == 2 * COST_NANO_USD


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_ledger_that_is_deleted_is_never_replaced_in_silence(start, ledger, how):
    """Guarantees: refused until somebody decides; a new one only where nothing is left."""
    process = start()
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    ledger.unlink()
    assert line.send(call(2)) == "UNAVAILABLE"
    process.stop(how)
    code, said = serve_in_vain(ledger)
    assert (code, ledger.exists()) == (2, False)
    assert said.startswith(f"llm-cost: {ledger}: is gone, but its log is not (put it back")
    assert run("check-config", ledger) == (2, said)
    for end in ("-wal", "-shm"):
        ledger.with_name(f"ledger.db{end}").unlink()
    assert Line(start().port).total_nano_usd() == 0


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_a_log_that_is_deleted_costs_a_restart_and_no_span(start, ledger, end):
    process = start()
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    ledger.with_name(f"ledger.db{end}").unlink()
    assert line.send(call(2)) == "UNAVAILABLE"
    wait_until(lambda: report(process)[0] == 503)
    process.stop(signal.SIGKILL)
    process = start()
    line = Line(process.port)
    assert line.total_nano_usd() == COST_NANO_USD
    assert line.send(call(2)) == "OK"
    assert line.total_nano_usd() == 2 * COST_NANO_USD


def test_a_backup_that_is_copied_over_an_open_ledger_stays_whole(start, ledger):
    process = start()
    line = Line(process.port)
    assert line.send(call(1)) == "OK"
    backup = ledger.with_name("backup.db")
    apsw.Connection(str(ledger)).execute("VACUUM INTO ?", (str(backup),))
    assert all(line.send(call(number, padding=9000)) == "OK" for number in range(2, 40))
    apsw.Connection(str(ledger)).wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
    wait_until(lambda: line.send(call(50)) == "OK")
    data = backup.read_bytes()
    if len(data) >= ledger.stat().st_size:
        data = data[: len(data) // 2]
    ledger.write_bytes(data)
    assert line.send(call(51)) == "UNAVAILABLE"
    wait_until(lambda: "was cut off or overwritten" in str(report(process)[1]["reasons"]))
    assert process.stop() == 0
    assert ledger.read_bytes() == data


def test_another_name_of_an_open_ledger_starts_no_second_writer(start, ledger, tmp_path):
    start()
    ledger.with_name("ledger.db.lock").unlink()
    other = tmp_path / "other" / "ledger.db"
    other.parent.mkdir()
    other.hardlink_to(ledger)
    code, said = serve_in_vain(other)
    assert code == 2
    assert "another process keeps this ledger" in said


def test_what_is_no_ledger_is_named_and_not_touched(ledger):
    """Guarantees: every command says the same, and leaves the file and the folder as they are."""
    ledger.parent.mkdir()
    for content in (b"", b"a letter to somebody\n" * 100):
        ledger.write_bytes(content)
        code, said = serve_in_vain(ledger)
        assert code == 2
        assert said.startswith(f"llm-cost: {ledger}: is {'not a ledger' if content else 'empty'}")
        for command in ("check-config", "unpriced"):
            assert run(command, ledger) == (2, said)
        assert ledger.read_bytes() == content
        assert {each.name for each in ledger.parent.iterdir()} <= {"ledger.db", "ledger.db.lock"}


def test_damage_that_the_start_meets_is_named(start, ledger):
    """Guarantees: an exit code and a line, and the file is left as it was for who repairs it."""
    process = start()
    line = Line(process.port)
    assert all(line.send(call(number, padding=5000)) == "OK" for number in range(1, 20))
    assert process.stop() == 0
    data = bytearray(ledger.read_bytes())
    # What names the tables stays, so that it is not noticed before something is read.
    with closing(apsw.Connection(str(ledger))) as database:
        query = "SELECT pageno FROM dbstat WHERE name <> 'sqlite_schema'"
        pages = [row[0] for row in database.execute(query)]
    for page in pages:
        data[(page - 1) * 4096 : (page - 1) * 4096 + 12] = b"\xff" * 12
    ledger.write_bytes(data)
    code, said = serve_in_vain(ledger)
    assert code == 2
    assert said.startswith(f"llm-cost: {ledger}: the ledger is damaged (")
    assert ledger.read_bytes() == data
    assert not ledger.with_name("ledger.db-wal").exists()
