"""Ledgers of random charges, whose sums plain Python knows."""

from __future__ import annotations

import random
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from asked.tables import write
from property.test_question_laws import BEGIN_S, DAYS, random_charges

from processor.core.budgets import Policy
from processor.core.budgets.zones import ReportingZones
from processor.core.model import Calendar
from processor.io.ledger.reading.connection import ReadConnection
from processor.io.ledger.reading.view import SqliteView
from processor.surfaces.exports import ExportQueries
from processor.surfaces.queries import CostQueries

NOW_S = BEGIN_S + (DAYS + 2) * 86400


class ReaderInPlace:
    """Answers in the thread that asks; `after` is called between two questions."""

    def __init__(self, database):
        self.database = database
        self.after = lambda: None

    async def ask(self, work):
        self.database.execute("BEGIN")
        try:
            return work(SqliteView(self.database))
        finally:
            self.database.execute("ROLLBACK")
            self.after()


@pytest.fixture
def opened(tmp_path):
    """Opens a ledger with these charges; days are those of a zone."""
    connections = []

    def ledger(charges, zone="UTC"):
        path = tmp_path / f"{len(connections)}.db"
        writer = write(path, charges, ReportingZones.of(ZoneInfo(zone)))
        connection = ReadConnection(path)
        connections.extend((connection, writer))
        policy = Policy(calendar=Calendar(ZoneInfo(zone)), dimensions=("team", "env"))
        reader = ReaderInPlace(connection.database)
        return SimpleNamespace(
            exports=ExportQueries(lambda: policy, reader, lambda: NOW_S * 10**9),
            costs=CostQueries(lambda: policy, reader, lambda: None, lambda: NOW_S * 10**9),
            reader=reader,
            writer=writer,
        )

    yield ledger
    for each in connections:
        each.close()


@pytest.fixture(scope="session")
def charges():
    """Some hundred charges of 45 days, some of unknown cost and some beyond 64 bits."""
    return random_charges(random.Random(5), 300)


@pytest.fixture(scope="session")
def read():
    """All rows of an export as dicts, and the reading of each of its files."""

    async def rows_of(exports, request):
        asked = await exports.check(request)
        rows, readings = [], []
        for period in asked.periods:
            reading = exports.read(asked, period)
            async for some in reading.slices():
                for row in some:
                    assert len(row) == len(asked.columns)
                    rows.append(dict(zip([each.name for each in asked.columns], row, strict=True)))
            readings.append(reading)
        return rows, readings

    return rows_of
