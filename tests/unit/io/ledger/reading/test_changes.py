"""Answers about a ledger that changes: its version, and pages of calls that are repriced."""

from __future__ import annotations

import pytest

from processor.core.model import Owner
from processor.core.questions import TIME_END_S, CallsQuestion
from processor.io.ledger.interning import OWN_VALUES_MAX
from processor.io.ledger.reading import SqliteReader


@pytest.fixture
async def reader(opened):
    reader = SqliteReader(opened.path)
    yield reader
    await reader.close()


@pytest.fixture
def version(reader):
    async def ask():
        return (await reader.ask(lambda view: view.freshness())).version

    return ask


@pytest.fixture
def page(reader):
    async def ask(before=None, limit=2):
        return await reader.ask(lambda view: view.calls(CallsQuestion(before=before, limit=limit)))

    return ask


async def test_every_change_of_answers_has_a_version_of_its_own(opened, given, version):
    """Guarantees: a late parent, a correction and usage that comes later change it, as calls do."""
    found = [await version()]
    for spec in (
        given.call(2, 1),
        given.carrier(1, user="u"),
        given.usage_missing(3),
        given.call(3),
        given.aggregate(4, tokens=10_000),
        given.call(5, 4),
    ):
        await opened.post(spec)
        found.append(await version())
    assert len(set(found)) == len(found)


async def test_what_changes_nothing_changes_no_version(opened, given, version):
    """Guarantees: repeats, spans that wait and a restart leave it, for every reader."""
    await opened.post(given.call(1))
    before = await version()
    await opened.post(given.call(1), given.plain(7, trace=9))
    assert await version() == before
    await opened.open()
    other = SqliteReader(opened.path)
    assert (await other.ask(lambda view: view.freshness())).version == before
    await other.close()
    assert await version() == before


async def test_the_filling_of_a_budget_is_a_change(opened, given, version):
    await opened.post(given.call(1))
    before = await version()
    await opened.open(given.budget("b", "agent", 1))
    assert await version() != before


async def test_pages_hold_every_call_once_however_it_changes_between_them(opened, given, page):
    """Guarantees: also calls of one moment, of which some get another row meanwhile."""
    spans = range(1, 8)
    await opened.post(*(given.usage_missing(span) for span in spans))
    seen, last = [], None
    for changed in (6, 1, 5, 2):
        calls = await page(last)
        seen += [int.from_bytes(call.span_id) for call in calls]
        last = calls[-1].end_ns, calls[-1].trace, calls[-1].span_id
        await opened.post(given.call(changed))
    assert sorted(seen) == [*spans]
    assert len({call.end_ns for call in await page(limit=9)}) == 1
    assert len(await page(limit=9)) == len(spans)


async def test_a_value_beyond_those_that_a_day_keeps_is_known_to_be_one(opened, given, reader):
    """Guarantees: of the others of its day it is not said."""
    teams = [f"t{number}" for number in range(OWN_VALUES_MAX + 1)]
    owners = [Owner(own_dimensions=(("team", team),)) for team in teams]
    batch = given.batch(*(given.call(1, own=own) for own in owners))
    batch.spans.trace_ids = [at.to_bytes(16) for at in range(1, len(teams) + 1)]
    await opened.ledger.post(batch)
    asked = (("team", (teams[0], teams[-2], teams[-1])),)
    [found] = await reader.ask(lambda view: view.values_in_other(asked, 0, TIME_END_S))
    assert (found.value, found.days) == (teams[-1], 1)
    end_s = found.first_s
    assert await reader.ask(lambda view: view.values_in_other(asked, 0, end_s)) == []
