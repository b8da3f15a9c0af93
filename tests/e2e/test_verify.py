"""`llm-cost verify` beside a running processor under load, on a stopped one, and on a backup."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing

import apsw
import pytest
from conformance.durable import PRICES, Load
from e2e.processes import ROOT, Process, wait_until
from e2e.test_health import report


@pytest.fixture
def start(serve, backend, tmp_path):
    pricing = tmp_path / "pricing.yaml"
    pricing.write_text(PRICES)
    return lambda: serve("--forward-to", f"127.0.0.1:{backend.port}", "--pricing", pricing)


def verify(*words):
    """Exit code, what is printed, and what is said on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli", "verify", *map(str, words)],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_ledger_under_load_agrees_at_every_moment(start, tmp_path):
    """Guarantees: no difference where there is none, nothing is written, traffic goes on."""
    process = start()
    load = Load(process.port, senders=4)
    wait_until(lambda: len(load.acknowledged) >= 100)
    for _ in range(3):
        before = len(load.acknowledged)
        code, said, errors = verify("--data-dir", tmp_path / "data", "--full")
        assert (code, errors) == (0, ""), said
        assert "which a processor has open" in said
        assert said.endswith("everything agrees\n")
        assert len(load.acknowledged) > before
    assert load.refusals == set()
    load.end()
    assert process.stop() == 0
    before = (tmp_path / "data" / "ledger.db").stat().st_mtime_ns
    code, said, _ = verify("--data-dir", tmp_path / "data", "--json")
    assert (code, json.loads(said)["is_clean"]) == (0, True)
    assert (tmp_path / "data" / "ledger.db").stat().st_mtime_ns == before


def test_what_differs_is_said_with_what_to_do(start, tmp_path):
    process = start()
    load = Load(process.port, senders=2)
    wait_until(lambda: len(load.acknowledged) >= 20)
    load.end()
    assert process.stop() == 0
    ledger = tmp_path / "data" / "ledger.db"
    backup = tmp_path / "backup.db"
    words = ["backup", "--data-dir", ledger.parent, backup]
    subprocess.run(
        [sys.executable, "-m", "processor.cli", *map(str, words)], cwd=ROOT, timeout=60, check=True
    )
    with closing(apsw.Connection(str(ledger))) as database:
        query = "UPDATE totals SET cost = cost + 1 WHERE scope = 'session' AND id = 's-1'"
        database.execute(query)
    code, said, _ = verify("--data-dir", ledger.parent)
    assert code == 1
    assert "session 's-1': cost is " in said
    assert "(+1)" in said
    assert "make a backup of the file as it is" in said
    code, said, _ = verify("--data-dir", ledger.parent, "--json")
    found = json.loads(said)
    assert (code, found["is_clean"]) == (1, False)
    (first, *_) = [each for each in found["differences"] if each["check"] == "sessions"]
    assert (first["column"], first["kept"] - first["expected"]) == ("cost", 1)
    code, said, _ = verify(backup)
    assert (code, said.splitlines()[-1]) == (0, "everything agrees")


def test_what_cannot_be_checked_has_an_exit_code_of_its_own(tmp_path):
    code, _, errors = verify("--data-dir", tmp_path)
    assert (code, errors) == (
        2, f"llm-cost: {tmp_path / 'ledger.db'}: is not there (name its folder with --data-dir)\n"
    )  # fmt: skip
    (tmp_path / "ledger.db").write_text("a letter\n" * 1000)
    code, _, errors = verify("--data-dir", tmp_path)
    assert (code, "is not a ledger, or damaged" in errors) == (2, True)


def test_it_goes_on_where_it_was_interrupted(start, tmp_path):
    """Guarantees: a signal ends it at once, with the words that go on."""
    process = start()
    load = Load(process.port, senders=2)
    wait_until(lambda: len(load.acknowledged) >= 20)
    load.end()
    assert process.stop() == 0
    code = "import signal, sys; signal.raise_signal(signal.SIGINT)"
    patched = (
        "from processor.io.ledger.verifying import by_trace\n"
        "from processor.cli.dispatch import main\n"
        f"def interrupt(*_, **__):\n    {code}\n"
        "by_trace.SpanCharges.step = interrupt\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{patched}", "verify", "--data-dir", tmp_path / "data"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGINT
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("interrupted")]
    words = line.partition("llm-cost verify ")[2].split()
    code, said, _ = verify("--data-dir", tmp_path / "data", *words)
    assert (code, said.splitlines()[1].split()[0]) == (0, "spans")
    assert said.endswith("what was left agrees\n")
    code, _, errors = verify("--data-dir", tmp_path / "data", "--resume", "elsewhere:1")
    assert (code, "no such position" in errors) == (2, True)


def test_the_running_processor_finds_it_by_itself(start, spawn, backend, tmp_path):
    """Guarantees: in /health, in the metrics and in the log, while requests are served."""
    process = start()
    load = Load(process.port, senders=2)
    wait_until(lambda: len(load.acknowledged) >= 20)
    load.end()
    assert process.stop() == 0
    ledger = tmp_path / "data" / "ledger.db"
    with closing(apsw.Connection(str(ledger))) as database:
        database.execute("UPDATE usage_days SET cost = cost + 5")
    hurried = (
        "import sys\n"
        "from processor.cli.dispatch import main\n"
        "from processor.io.ledger.verifying import background\n"
        "background._FIRST_S = background._PAUSE_MIN_S = background._PAUSE_TIMES = 0\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    process = spawn(
        Process, "-c", hurried, "serve", "--listen", "127.0.0.1:0", "--data-dir", ledger.parent,
        "--forward-to", f"127.0.0.1:{backend.port}",
    )  # fmt: skip
    process.wait_for("of the ledger's sums differ from its charges, such as: day ")
    status, found = report(process)
    assert (status, found["status"]) == (200, "degraded")
    assert "not that of its charges, llm-cost verify says more: day " in found["reasons"][0]
    assert process.stop() == 0
