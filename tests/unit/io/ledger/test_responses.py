"""Which spans report a response, also where there are more than are looked at."""

from __future__ import annotations

import pytest
from answers import total_of

from processor.core.model import Owner, Usage
from processor.io.ledger import working_set

REPEATED = "response_id_repeated"


def crowd(given, count):
    """One response named over and over, far enough from each other to be calls of their own."""
    return [
        given.call(1, trace=at + 1, at_s=8 * at, scope="mock", response="r") for at in range(count)
    ]


def pair(given, at_s):
    return (
        given.call(1, trace=201, at_s=at_s, scope="sdk", response="r", own=Owner(user="sdk")),
        given.call(1, trace=202, at_s=at_s + 1, scope="framework", response="r"),
    )


@pytest.mark.parametrize("is_split", [False, True])
async def test_where_more_reports_are_than_are_looked_at_no_call_is_charged_twice_in_silence(
    opened, given, is_split
):
    """Guarantees: of two reports of one call, one is charged, or both carry the doubt."""
    for each in crowd(given, 20):
        await opened.post(each)
    both = pair(given, 163)
    if is_split:
        stamps = [(await opened.post(each))[0] for each in both]
    else:
        stamps = list((await opened.post(*both)).values())
    charged = [stamp.entry for stamp in stamps if stamp.entry.amount is not None]
    assert len(charged) == 1 or all(REPEATED in entry.doubt for entry in charged)
    total = await total_of(opened.ledger)
    assert total.calls == 21 or total.doubtful_calls >= 2


async def test_a_report_that_came_just_before_is_found_among_many(opened, given):
    for each in crowd(given, 15)[:14]:
        await opened.post(each)
    for each in pair(given, 122):
        await opened.post(each)
    total = await total_of(opened.ledger)
    assert (total.calls, total.doubtful_calls) == (15, 0)


def large_trace(given, number, calls=4):
    """A trace of which one call reports the response."""
    first = given.call(1, trace=number, at_s=1, scope="sdk", response="r")
    return [first, *(given.call(at, trace=number) for at in range(2, calls + 1))]


@pytest.fixture
def read(opened, monkeypatch):
    """The traces that are read as a whole, as they are."""
    found, rows_of = [], type(opened.store).rows_of

    def note(store, trace_id):
        found.append(trace_id)
        return rows_of(store, trace_id)

    monkeypatch.setattr(type(opened.store), "rows_of", note)
    return found


async def test_no_trace_is_read_as_a_whole_for_a_report_that_changes_nothing_in_it(
    opened, given, read
):
    """Guarantees: so much for calls that share an id, and for what another trace is charged for."""
    for at in range(1, 4):
        await opened.post(*large_trace(given, at))
    cached = Usage(input=60, cache_read=40)
    await opened.post(given.call(1, trace=20, scope="sdk", response="s", usage=cached))
    await opened.open()
    read.clear()
    await opened.post(given.call(1, trace=9, at_s=1, scope="framework", response="r"))
    await opened.post(given.call(1, trace=21, scope="framework", response="s"))
    assert read == [given.trace_id(9), given.trace_id(21)]
    total = await total_of(opened.ledger)
    assert (total.calls, total.doubtful_calls) == (12 + 1 + 1, 4)


async def test_where_a_trace_is_too_large_to_be_read_for_it_both_reports_are_charged_with_doubt(
    opened, given, read, monkeypatch
):
    """Guarantees: bounded work, and no double charge in silence."""
    monkeypatch.setattr(working_set, "_ROWS_READ_FOR_REPORTS", 3)
    await opened.post(*large_trace(given, 1))
    await opened.open()
    read.clear()
    better = given.call(
        1, trace=2, at_s=1, scope="framework", response="r", usage=Usage(input=60, cache_read=40)
    )
    (stamp,) = (await opened.post(better)).values()
    assert read == [given.trace_id(2)]
    assert REPEATED in stamp.entry.doubt
    total = await total_of(opened.ledger)
    assert (total.calls, total.doubtful_calls) == (5, 1)
    assert await opened.post(better) == {0: stamp}


async def test_a_trace_in_memory_is_corrected_whatever_its_size(opened, given, monkeypatch):
    monkeypatch.setattr(working_set, "_ROWS_READ_FOR_REPORTS", 3)
    await opened.post(*large_trace(given, 1))
    better = given.call(
        1, trace=2, at_s=1, scope="framework", response="r", usage=Usage(input=60, cache_read=40)
    )
    await opened.post(better)
    total = await total_of(opened.ledger)
    assert (total.calls, total.doubtful_calls) == (4, 0)


async def test_traces_of_one_turn_share_what_it_reads_to_correct_reports(
    opened, given, read, monkeypatch
):
    monkeypatch.setattr(working_set, "_ROWS_READ_FOR_REPORTS", 6)
    cached = Usage(input=60, cache_read=40)
    for at in (1, 2):
        first, *others = large_trace(given, at)
        first = given.call(1, trace=at, at_s=1, scope="sdk", response=f"r{at}")
        await opened.post(first, *others)
    await opened.open()
    read.clear()
    stamps = await opened.post(
        *(
            given.call(1, trace=10 + at, at_s=1, scope="framework", response=f"r{at}", usage=cached)
            for at in (1, 2)
        )
    )
    assert len(read) == 3
    assert [stamps[row].entry.doubt for row in (0, 1)] == ["", REPEATED]


async def test_a_third_report_leaves_a_pair_in_a_large_trace_as_it_is(opened, given, monkeypatch):
    """Guarantees: what cannot be corrected stays; the others say that they are in doubt."""
    first, *others = large_trace(given, 1)
    better = given.call(
        1, trace=2, at_s=1, scope="framework", response="r", usage=Usage(input=60, cache_read=40)
    )
    await opened.post(first, *others)
    await opened.post(better)
    await opened.open()
    monkeypatch.setattr(working_set, "_ROWS_READ_FOR_REPORTS", 3)
    await opened.post(given.call(1, trace=3, at_s=2, scope="third", response="r"))
    total = await total_of(opened.ledger)
    assert (total.calls, total.doubtful_calls) == (5, 2)
