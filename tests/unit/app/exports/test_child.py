"""The process that writes files ends with whoever has started it, and says why it failed."""

import asyncio
import os

import pytest

from processor.app.exports import child
from processor.app.exports.task import ExportTask
from processor.core.errors import ExportFailedError

TASK = ExportTask("a", "l.db", "UTC", (), 0.0, 0.0, 1, "out", "csv", {}, "")
LASTING = """
import os, signal, sys, time
{}
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Has another program run instead."""

    def given(text):
        (tmp_path / "written_by_a_test.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(child, "_MODULE", "written_by_a_test")

    return given


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("ignores", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
async def test_it_has_ended_once_a_stop_returns(program, monkeypatch, ignores):
    """Guarantees: whoever closes the ledger next is alone with its file."""
    program(LASTING.format(ignores))
    monkeypatch.setattr(child, "_END_TIMEOUT_S", 0.2)
    said = asyncio.Queue()
    work = asyncio.create_task(child.write_in_child(TASK, said.put_nowait))
    pid = int(await asyncio.wait_for(said.get(), 20))
    assert is_there(pid)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not is_there(pid)


async def test_one_that_takes_too_long_is_ended(program, monkeypatch):
    program(LASTING.format(""))
    monkeypatch.setattr(child, "_TIME_LIMIT_S", 0.5)
    with pytest.raises(ExportFailedError, match="it took more than"):
        await child.write_in_child(TASK, print)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.stderr.write('one\\ntwo\\n'); sys.exit(1)", "one; two"),
        ("raise RuntimeError('odd')", "RuntimeError: odd"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with code -9"),
    ],
)
async def test_why_it_failed_is_said(program, text, words):
    program(text)
    with pytest.raises(ExportFailedError, match=words):
        await child.write_in_child(TASK, print)


async def test_one_that_cannot_be_started_is_a_failure_like_others(monkeypatch):
    monkeypatch.setattr(child.sys, "executable", "/nowhere/python")
    with pytest.raises(ExportFailedError, match="cannot be started: No such file"):
        await child.write_in_child(TASK, print)
