"""Laws of the API: whatever is asked, rows, buckets, pages and CSV are the total, to the nano-USD.

The oracle is a list of charges that is added up in plain Python, as for the questions below it.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from asked.tables import write
from property.test_question_laws import BEGIN_S, DAYS, GROUPED, ZONES, random_charges

from processor.core.budgets import Policy
from processor.core.budgets.zones import ReportingZones
from processor.core.model import Calendar
from processor.io.ledger.reading.connection import ReadConnection
from processor.io.ledger.reading.view import SqliteView
from processor.surfaces.api import Sources, get, table_of, write_csv
from processor.surfaces.queries import CostQueries

NOW_S = BEGIN_S + (DAYS + 2) * 86400


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


def random_query(chance, charges):
    """A query as somebody writes it, and the charges that it is about."""
    zone = ZoneInfo(chance.choice(ZONES))
    days = sorted(chance.sample(range(DAYS + 1), 2))
    dates = [f"{datetime.fromtimestamp(BEGIN_S + day * 86400, UTC):%Y-%m-%d}" for day in days]
    query = [("time_zone", zone.key), ("starting_at", dates[0]), ("ending_at", dates[1])]
    edges_ns = [
        datetime.fromisoformat(each).replace(tzinfo=zone).timestamp() * 10**9 for each in dates
    ]
    asked = [each for each in charges if edges_ns[0] <= each.end_ns < edges_ns[1]]
    for name in chance.sample(GROUPED, chance.choice((0, 0, 1, 2))):
        values = sorted({chance.choice(charges).value(name) for _ in range(chance.randrange(1, 4))})
        query.append((f"filter[{name}]", ",".join(values)))
        asked = [each for each in asked if each.value(name) in values]
    return query, asked


def random_shape(chance):
    """How the answer is divided."""
    shape = [("group_by", name) for name in chance.sample(GROUPED, chance.randrange(3))]
    if chance.random() < 0.6:
        shape.append(("bucket", chance.choice(("1d", "1w", "1mo"))))
    shape.append(("limit", str(chance.choice((1, 3, 20)))))
    return shape


def usd(texts):
    return sum(map(Decimal, texts), Decimal(0))


async def check(sources, chance, charges):
    query, asked = random_query(chance, charges)
    shape = random_shape(chance)
    document = await get(sources, "/costs", [*query, *shape])
    total = Decimal(sum(each.totals.cost_nano_usd for each in asked)) / 10**9
    assert Decimal(document.totals.cost_usd) == total
    assert document.totals.calls == len(asked)
    assert usd(row.cost_usd for row in document.data) == total
    assert sum(row.calls for row in document.data) == len(asked)
    if document.buckets:
        assert usd(row.cost_usd for row in document.buckets) == total
    rows = list(csv.DictReader(io.StringIO(write_csv(table_of(document)))))
    assert usd(row["cost_usd"] for row in rows) == total
    assert [row["cost_usd"] for row in rows] == [row.cost_usd for row in document.data]
    return query, total


async def check_pages(sources, query, total):
    """Calls, page after page, have cost what the costs say."""
    costs, more = [], []
    while True:
        page = await get(sources, "/calls", [*query, *more, ("limit", "50")])
        costs += [call.cost_usd for call in page.data if call.cost_usd is not None]
        if page.next_cursor is None:
            break
        more = [("cursor", page.next_cursor)]
    assert usd(costs) == total


async def check_ledger(path, zone, questions, seed):
    chance = random.Random(seed)
    charges = random_charges(chance, 300)
    write(path, charges, ReportingZones.of(ZoneInfo(zone))).close()
    connection = ReadConnection(path)
    policy = Policy(calendar=Calendar(ZoneInfo(zone)), dimensions=("team", "env"))
    queries = CostQueries(
        lambda: policy, ReaderInPlace(connection.database), lambda: None, lambda: NOW_S * 10**9
    )
    sources = Sources(queries)
    for number in range(questions):
        try:
            query, total = await check(sources, chance, charges)
            if number % 5 == 0:
                await check_pages(sources, query, total)
        except AssertionError as error:
            raise AssertionError(f"{zone}, seed {seed}, question {number}") from error
    connection.close()


@pytest.mark.parametrize("zone", ZONES)
async def test_some_answers_add_up(tmp_path, zone):
    """Guarantees: the law below, for a part of the questions."""
    await check_ledger(tmp_path / "l.db", zone, 15, 1)


@pytest.mark.full
@pytest.mark.parametrize("zone", ZONES)
async def test_a_thousand_answers_add_up(tmp_path, zone):
    """Guarantees: rows, buckets, the table and pages of calls are the total to the nano-dollar, in
    any time zone, and the total is what the charges of the range add up to."""
    await check_ledger(tmp_path / "l.db", zone, 170, 2)
