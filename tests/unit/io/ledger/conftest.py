"""A ledger on a disk of its own, with a store that counts what it is asked and fails on demand."""

from __future__ import annotations

import threading

import pytest
from answers import total_of

from processor.core.errors import LedgerUnavailableError
from processor.io.ledger import Ledger, Limits, SqliteStore, stepped_trace
from processor.io.ledger.working_set import WorkingSet


class WatchedStore(SqliteStore):
    """SQLite, watched; `refuse_*` make the next calls fail as a full disk would."""

    def __init__(self, path):
        super().__init__(path)
        self.commits = 0
        self.refuse_commits = 0
        self.refuse_begins = 0
        self.poison = None
        """A span id whose rows cannot be written, and the error that says so."""
        self.gate = threading.Event()
        """Closed, it holds the ledger up, so that those who come now wait together."""
        self.gate.set()

    def begin(self):
        self.gate.wait(10)
        if self.refuse_begins:
            self.refuse_begins -= 1
            raise LedgerUnavailableError("refuses as the test asked")
        super().begin()

    def commit(self):
        if self.refuse_commits:
            self.refuse_commits -= 1
            raise LedgerUnavailableError("refuses as the test asked")
        super().commit()
        self.commits += 1

    def write(self, plan):
        ids = super().write(plan)
        if self.poison is not None and any(row.span_id == self.poison[0] for row in plan.rows):
            raise self.poison[1]
        return ids


class OpenedLedger:
    """A ledger that can be closed and opened again on the same file."""

    def __init__(self, given, path):
        self.given = given
        self.path = path
        self.policy = given.policy()
        self.limits = Limits()
        self.ledger = None

    async def open(self, *budgets, **limits):
        """(Re)open the ledger; budgets and limits stay as they are unless given anew."""
        await self.close()
        if budgets:
            self.policy = self.given.policy(*budgets)
        if limits:
            self.limits = Limits(**limits)
        self.store = WatchedStore(self.path)
        self.ledger = Ledger(self.store, self.policy, self.limits)
        await self.ledger.start()
        return self.ledger

    async def close(self):
        if self.ledger is not None:
            ledger, self.ledger = self.ledger, None
            await ledger.close()

    async def post(self, *specs, **more):
        """Posts one batch; returns its stamps by row."""
        return await self.ledger.post(self.given.batch(*specs, **more))

    async def cost(self, scope="total", scope_id=""):
        return (await total_of(self.ledger, scope, scope_id)).cost_nano_usd


@pytest.fixture
async def opened(given, tmp_path):
    opened = OpenedLedger(given, tmp_path / "ledger.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def changed_spans(monkeypatch):
    """How many spans each step of long work changes; large traces are read two rows at a time."""
    monkeypatch.setattr(stepped_trace, "_ROWS_READ", 2)
    monkeypatch.setattr(stepped_trace, "_SPANS_ATTACHED", 2)
    changed, real = [], WorkingSet.change

    def change(*given, **more):
        followed = real(*given, **more)
        changed.append(len(followed.posted.amended))
        return followed

    monkeypatch.setattr(WorkingSet, "change", change)
    return changed
