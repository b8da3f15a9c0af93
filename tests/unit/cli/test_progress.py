"""What a terminal shows while long work of the ledger lasts."""

from __future__ import annotations

import asyncio
import sys

import pytest

from processor.cli import progress
from processor.cli.choice import RefusedError
from processor.core.model import JobProgress


class WorkingSet:
    """A ledger that answers each question about its progress with the next of some answers."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.is_done = asyncio.Event()

    async def work(self):
        await self.is_done.wait()
        return "done"

    async def job_progress(self):
        answer = self.answers.pop(0)
        if not self.answers:
            self.is_done.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def terminal(monkeypatch):
    """The lines that are shown one after the other in the place of one."""
    shown = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "show_progress", shown.append)
    monkeypatch.setattr(progress, "_SHOWN_S", 0)
    return shown


async def test_one_line_shows_how_far_it_has_come_and_is_cleared(terminal):
    ledger = WorkingSet(
        None,
        JobProgress("exclude", "charges", 1000, 500, 1),
        JobProgress("reprice", "traces", 1500, 0, 20),
    )
    found = await progress.showing_progress(ledger, ledger.work())
    assert found == "done"
    assert terminal == [
        "exclude: 1,000 of 1,500 charges, 1 call changed",
        "reprice: 1,500 of 1,500 traces, 20 calls changed",
        "",
    ]


async def test_of_a_forgetting_it_counts_rows(terminal):
    ledger = WorkingSet(JobProgress("forget", "rows", 1000, 500, 1))
    await progress.showing_progress(ledger, ledger.work())
    assert terminal == ["forget: 1,000 of 1,500 rows, 1 of them changed", ""]


async def test_a_processor_that_does_not_know_the_question_is_waited_for(terminal):
    ledger = WorkingSet(RefusedError("unknown"))
    assert await progress.showing_progress(ledger, ledger.work()) == "done"
    assert terminal == [""]


async def test_without_a_terminal_nothing_is_asked(terminal, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    ledger = WorkingSet()
    ledger.is_done.set()
    assert await progress.showing_progress(ledger, ledger.work()) == "done"
    assert terminal == []
