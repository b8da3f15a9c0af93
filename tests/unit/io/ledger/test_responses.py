"""Which spans report a response, also where there are more than are looked at."""

from __future__ import annotations

import pytest

from processor.core.model import Owner

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
    total = await opened.ledger.total("total", "")
    assert total.calls == 21 or total.doubtful_calls >= 2


async def test_a_report_that_came_just_before_is_found_among_many(opened, given):
    for each in crowd(given, 15)[:14]:
        await opened.post(each)
    for each in pair(given, 122):
        await opened.post(each)
    total = await opened.ledger.total("total", "")
    assert (total.calls, total.doubtful_calls) == (15, 0)
