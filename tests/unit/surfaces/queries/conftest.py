"""Small ledgers whose answers can be worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from asked.calls import write_calls
from asked.tables import Charged, dimensions, write

from processor.core.budgets import Policy
from processor.core.model import Calendar, Totals
from processor.core.pricing import compile_catalog, parse_prices
from processor.io.ledger.reading.connection import ReadConnection
from processor.io.ledger.reading.view import SqliteView
from processor.surfaces.queries import CostQueries

NOW_S = 1_800_000_000  # 2027-01-15 08:00:00 UTC, a Friday
DAY_S = 86_400
TODAY_S = NOW_S // DAY_S * DAY_S


class ReaderInPlace:
    """Answers in the thread that asks."""

    def __init__(self, database):
        self.database = database

    async def ask(self, work):
        self.database.execute("BEGIN")
        try:
            return work(SqliteView(self.database))
        finally:
            self.database.execute("ROLLBACK")


def charged(span, at_s, cost=0, *, trace=1, parent=0, user="", session="", task="", **more):
    """A call that ended `at_s` seconds after today began; other words are sums or dimensions."""
    names = {name: more.pop(name) for name in list(more) if name in _SUMS}
    totals = Totals(**{"cost_nano_usd": cost, "calls": 1} | names)
    return Charged(
        trace, span, (TODAY_S + at_s) * 10**9, dimensions(**more), user, session, task, totals,
        parent=parent,
    )  # fmt: skip


_SUMS = frozenset(Totals.__dataclass_fields__)


@pytest.fixture
def ask(tmp_path, catalog):
    """Queries over a ledger with these charges; budgets and dimensions may be given."""
    opened = []

    def queries(*charges, zones=None, policy=None, dimensions=(), change=None):
        path = tmp_path / f"{len(opened)}.db"
        writer = write(path, charges, zones)
        if change is not None:
            change(writer)
        writer.close()
        opened.append(ReadConnection(path))
        utc = Calendar(ZoneInfo("UTC"))
        policy = policy or Policy(calendar=utc, dimensions=dimensions)
        reader = ReaderInPlace(opened[-1].database)
        return CostQueries(lambda: policy, reader, lambda: catalog, lambda: NOW_S * 10**9)

    yield queries
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def catalog():
    """Prices of one model."""
    text = "models: [{provider: openai, model: gpt-4o, prices: {input: 2.5, output: 10}}]"
    return compile_catalog(parse_prices(text, "p.yaml"), {})


@pytest.fixture(scope="session")
def given_calls():
    """What makes a charge, and the moments that it counts from."""
    return SimpleNamespace(charged=charged, TODAY_S=TODAY_S, NOW_S=NOW_S, DAY_S=DAY_S)


@pytest.fixture
def ask_written(tmp_path):
    """Queries over a ledger with these spans, priced and written as the pipeline does it."""
    opened = []

    async def queries(sent, catalog, *, policy=None, now_s=NOW_S, **more):
        path = tmp_path / f"written-{len(opened)}.db"
        await write_calls(path, sent, catalog)
        opened.append(ReadConnection(path))
        policy = policy or Policy(calendar=Calendar(ZoneInfo("UTC")))
        reader = ReaderInPlace(opened[-1].database)
        return CostQueries(lambda: policy, reader, lambda: catalog, lambda: now_s * 10**9, **more)

    yield queries
    for each in opened:
        each.close()
