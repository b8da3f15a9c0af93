"""Laws of questions: whatever is asked, the parts add up to the whole, and nothing is lost.

The oracle is a list of charges that is added up in plain Python.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import apsw
import pytest
from asked.tables import Charged, dimensions, write
from asked.written import random_traces, write_ledger

from processor.core.budgets.window import Calendar
from processor.core.budgets.zones import ReportingZones
from processor.core.model import Parts, Totals
from processor.core.questions import (
    TIME_END_S,
    CallsQuestion,
    TooManyBucketsError,
    UsageQuestion,
    edges_of,
)
from processor.io.ledger.reading.connection import ReadConnection
from processor.io.ledger.reading.view import SqliteView

ZONES = (
    "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Europe/Berlin",
    "Pacific/Chatham",
)  # fmt: skip
BEGIN_S = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
DAYS = 45
"""In which the clocks of all zones but two change."""
GROUPED = (
    "provider", "model", "service", "agent", "org", "feature", "task_type", "purpose", "kind",
    "status", "team", "user", "session", "task", "trace",
)  # fmt: skip
MEASURES = ("cost", "calls", "tokens")


def random_charges(chance, count):
    """Charges whose values are unknown now and then, some of them beyond 64 bits."""

    def some(*values):
        return chance.choice(("", *values))

    charges = []
    for span in range(1, count + 1):
        cost = chance.choice([0, chance.randrange(10**10), -chance.randrange(10**6)])
        if chance.random() < 0.01:
            cost = chance.randrange(10**20)
        trace = chance.randrange(1, count // 4)
        # Some sessions have their traces for themselves, others share them.
        session = f"own{trace}" if trace % 3 else some(*(f"s{number}" for number in range(30)))
        totals = Totals(
            cost, chance.randrange(5000), chance.randrange(900), calls=1,
            unpriced=int(chance.random() < 0.1), saved_nano_usd=chance.randrange(100),
        )  # fmt: skip
        charges.append(
            Charged(
                trace=trace,
                span=span,
                # Some end at one moment.
                end_ns=(BEGIN_S + chance.randrange(DAYS * 86400) // 7000 * 7000) * 10**9
                + chance.choice((0, chance.randrange(10**9))),
                dimensions=dimensions(
                    provider=some("openai", "anthropic"),
                    model=some("a", "b", "c"),
                    service=some("web"),
                    agent=some("planner", "coder"),
                    org=some("acme", "umbrella"),
                    feature=some("x"),
                    task_type=some("review"),
                    purpose=some("explain"),
                    kind=chance.choice(("llm", "embedding")),
                    status=chance.choice(("exact", "unpriced")),
                    own=chance.choice(((), (("team", "red"),), (("env", "eu"), ("team", "blue")))),
                ),
                user=some(*(f"u{number}" for number in range(9))),
                session=session,
                task=f"own{trace}" if trace % 5 == 0 else some("t1", "t2"),
                totals=totals,
                parts=Parts(*(chance.randrange(1000) for _ in range(6))),
            )
        )
    return charges


def histories():
    """Ledgers with one reporting zone, and some whose zone has been changed."""
    for zone in ZONES:
        yield ReportingZones.of(ZoneInfo(zone))
    for first, second in (("UTC", "Asia/Kathmandu"), ("Australia/Lord_Howe", "America/New_York")):
        zones = ReportingZones.of(ZoneInfo(first))
        yield zones.with_zone(ZoneInfo(second), BEGIN_S + 20 * 86400 + 40_000)
        # In the last hour of a day, which then is not the last one of its zone.
        _, end_s = zones.day_of(BEGIN_S + 20 * 86400)
        yield zones.with_zone(ZoneInfo(second), end_s - 1800)


def random_question(chance, charges):
    """A question about any time, by any two dimensions, with any filters and buckets."""
    start_s, end_s = 0, TIME_END_S
    if chance.random() < 0.8:
        moments = [BEGIN_S + chance.randrange(-86400, (DAYS + 1) * 86400) for _ in range(2)]
        if chance.random() < 0.5:  # On a boundary that cells may have.
            moments = [moment // 3600 * 3600 for moment in moments]
        start_s, end_s = min(moments), max(moments) + 1
    group_by = tuple(chance.sample(GROUPED, chance.randrange(3)))
    filters = []
    for name in chance.sample(GROUPED, chance.choice((0, 0, 1, 1, 2))):
        values = {chance.choice(charges).value(name) for _ in range(chance.randrange(1, 4))}
        filters.append((name, tuple(sorted(values))))
    edges = ()
    width = chance.choice(("", "15min", "hour", "day", "week", "month"))
    if width and end_s < TIME_END_S:
        calendar = Calendar(ZoneInfo(chance.choice(ZONES)), chance.randrange(7))
        try:
            edges = edges_of(start_s, end_s, width, calendar)
        except TooManyBucketsError:
            edges = edges_of(start_s, end_s, "day", calendar)
    return UsageQuestion(
        start_s, end_s, group_by, tuple(filters), edges, chance.choice(MEASURES),
        limit=chance.choice((1, 3, 10, 10_000)), with_parts=chance.random() < 0.3,
    )  # fmt: skip


def added(rows, key):
    """Sums of numbers by a key."""
    sums = defaultdict(lambda: [0] * 18)
    for row in rows:
        numbers = (*row.totals.values(), *row.parts)
        sums[key(row)] = [one + more for one, more in zip(sums[key(row)], numbers, strict=True)]
    return {name: numbers for name, numbers in sums.items() if any(numbers)}


def expected(charges, question):
    """The charges that a question is about, by bucket and values."""
    edges = question.edges or (question.start_s, question.end_s)
    bounds = [edge * 10**9 for edge in edges]
    rows = []
    for each in charges:
        if not bounds[0] <= each.end_ns < bounds[-1]:
            continue
        if any(each.value(name) not in values for name, values in question.filters):
            continue
        bucket = next(
            at
            for at, (low, high) in enumerate(itertools.pairwise(bounds))
            if low <= each.end_ns < high
        )
        rows.append((bucket, tuple(each.value(name) for name in question.group_by), each))
    sums = defaultdict(lambda: [0] * 18)
    for bucket, values, each in rows:
        numbers = (*each.totals.values(), *(each.parts if question.with_parts else [0] * 6))
        key = bucket, values
        sums[key] = [one + more for one, more in zip(sums[key], numbers, strict=True)]
    return sums


def check_usage(view, charges, question):
    answer = view.usage(question)
    oracle = expected(charges, question)
    assert not answer.left_out
    whole = added(answer.totals, lambda row: row.bucket)
    by_bucket = defaultdict(lambda: [0] * 18)
    for (bucket, _), numbers in oracle.items():
        by_bucket[bucket] = [a + b for a, b in zip(by_bucket[bucket], numbers, strict=True)]
    assert whole == {bucket: numbers for bucket, numbers in by_bucket.items() if any(numbers)}
    if not question.group_by:
        assert not answer.rows
        return
    listed = added(answer.rows, lambda row: (row.bucket, row.values))
    assert all(listed[key] == oracle[key] for key in listed), "each group is exact"
    parts = added([*answer.rows, *answer.others], lambda row: row.bucket)
    assert parts == whole, "groups and others add up to each bucket"
    groups = {values for _, values in oracle}
    assert answer.groups == len(groups)
    assert len({row.values for row in answer.rows}) == min(question.limit, len(groups))


def check_calls(view, charges, question, chance):
    """Pages of any size, one after the other, are all calls once, newest first."""
    found, before = [], None
    limit = chance.choice((7, 50, 200))
    while True:
        page = view.calls(
            CallsQuestion(question.start_s, question.end_s, question.filters, before, limit)
        )
        found += page
        if len(page) < limit:
            break
        before = page[-1].end_ns, page[-1].trace, page[-1].span_id
    positions = [(call.end_ns, call.trace, call.span_id) for call in found]
    assert positions == sorted(positions, reverse=True)
    assert len({call.id for call in found}) == len(found)
    assert sorted(call.id for call in found) == expected_calls(charges, question)


def expected_calls(charges, question):
    """Ids of the calls that are listed: not of spans that only begin a run."""
    return sorted(
        each.row_id or number
        for number, each in enumerate(charges, 1)
        if question.start_s * 10**9 <= each.end_ns < question.end_s * 10**9
        and all(each.value(name) in values for name, values in question.filters)
        and any(each.totals.values()[at] for at in (0, 1, 2, 4, 5))
    )


def ask_all(file, charges, questions, chance):
    connection = ReadConnection(file)
    connection.database.execute("BEGIN")
    view = SqliteView(connection.database)
    for _ in range(questions):
        question = random_question(chance, charges)
        try:
            check_usage(view, charges, question)
            if chance.random() < 0.3:
                check_calls(view, charges, question, chance)
        except (AssertionError, apsw.Error) as error:
            raise AssertionError(f"{view.zones.zones}\n{question}") from error
    connection.close()


def check_unknown(file, charges):
    """What makes totals say "at least" is listed, as often as they say."""
    connection = ReadConnection(file)
    view, whole = SqliteView(connection.database), sum(each.totals.unpriced for each in charges)
    for limit in (1, 1000):
        found = view.unknown(limit)
        assert found.calls == whole
        assert len(found.listed) <= limit
        kinds, calls = found.left_out
        assert sum(each.calls for each in found.listed) + calls == whole
        assert (kinds == 0) == (calls == 0)
    connection.close()


HISTORIES = list(histories())


async def ask_written(path, questions, seed):
    """Questions to a ledger that the writer has written, in batches of any order."""
    chance = random.Random(seed)
    for at, zones in enumerate(HISTORIES):
        spans = random_traces(chance, 120, BEGIN_S, DAYS)
        file = path / f"{at}.db"
        charges = await write_ledger(file, spans, zones)
        ask_all(file, charges, questions // len(HISTORIES), chance)
        check_unknown(file, charges)


async def test_some_questions_add_up(tmp_path):
    """Guarantees: the law below, for a part of the questions."""
    await ask_written(tmp_path, 120, 1)


@pytest.mark.full
async def test_a_thousand_questions_add_up(tmp_path):
    """Guarantees: groups and others, buckets and pages are the total to the nano-dollar, and the
    total is what the charges of the range add up to, in a ledger that the writer has written."""
    await ask_written(tmp_path, 1000, 2)


@pytest.mark.full
def test_sums_beyond_64_bits_add_up(tmp_path):
    """Guarantees: the same for numbers that SQLite's own integers do not hold."""
    chance = random.Random(3)
    for at, zones in enumerate(HISTORIES):
        charges = random_charges(chance, 400)
        file = tmp_path / f"{at}.db"
        write(file, charges, zones).close()
        ask_all(file, charges, 40, chance)
        check_unknown(file, charges)
