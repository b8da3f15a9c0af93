"""Whatever makes totals say "at least" is listed, with what to do about it."""

from __future__ import annotations

import pytest

from processor.core.errors import QuestionTooSlowError
from processor.core.model import UnpricedCalls
from processor.core.questions import UnknownAnswer
from processor.surfaces.queries import UsageRequest, with_prices


@pytest.fixture
def queries(ask, given_calls):
    made = given_calls.charged
    return ask(
        made(1, 10, status="unpriced", provider="openai", model="mystery", unpriced=1,
             input_tokens=9),
        made(2, 20, status="unpriced", provider="openai", model="mystery", unpriced=1),
        made(3, 30, status="unpriced", provider="openai", model="gpt-4o", unpriced=1),
        made(4, 40, status="usage_missing", provider="openai", model="gpt-4o", unpriced=1),
        made(5, 50, status="implausible", provider="openai", model="gpt-4o", unpriced=1),
        made(6, 60, 5, status="exact", model="gpt-4o"),
        made(7, 70, status="unpriced", unpriced=1),
    )  # fmt: skip


async def test_the_counts_add_up_to_what_totals_say(queries):
    """Guarantees: no call makes a total "at least" without being listed."""
    report = await queries.unknown()
    totals = (await queries.usage(UsageRequest())).totals
    assert report.calls == totals.unpriced == 6
    assert sum(each.calls.calls for each in report.unknown) == 6


async def test_a_call_whose_price_a_log_record_knows_is_known(ask, given_calls):
    """Guarantees: a record that makes an unknown cost known is taken off the calls like it."""
    made = given_calls.charged
    queries = ask(
        made(1, 10, model="a", status="unpriced", unpriced=1),
        made(2, 10, model="b", status="unpriced", unpriced=1),
        made(3, 10, 5, model="b", status="exact", calls=0, unpriced=-1),
    )
    report = await queries.unknown()
    assert [each.calls.models for each in report.unknown] == [("a",)]
    assert report.calls == (await queries.usage(UsageRequest())).totals.unpriced == 1


async def test_what_is_not_listed_is_counted(queries):
    """Guarantees: kinds with the fewest calls are left out, with how many they are."""
    report = await queries.unknown(limit=2)
    assert [each.calls.calls for each in report.unknown] == [2, 1]
    assert (report.calls, report.kinds_left_out, report.calls_left_out) == (6, 3, 3)


async def test_names_that_a_sender_invents_cost_no_more_than_their_number(ask, given_calls):
    """Guarantees: however many there are, each is looked at once, a thousand are priced, and that
    not while the ledger is read."""
    made = given_calls.charged
    queries = ask(
        *(made(at, 10, 0, model=f"m{at}", status="unpriced", unpriced=1) for at in range(1, 3001)),
        *(made(at, 10, 5, model=f"m{at}", calls=0, unpriced=-1) for at in range(3001, 3101)),
        made(4000, 10, model="m1", status="unpriced", unpriced=1),
    )
    looked_up = []

    class Counting:
        def match(self, *asked):
            looked_up.append(queries._reader.database.in_transaction)
            return catalog.match(*asked)

        def __getattr__(self, name):
            return getattr(catalog, name)

    catalog = queries._catalog()
    queries._catalog = Counting
    report = await queries.unknown()
    assert len(report.unknown) <= 1000
    assert sum(each.calls.calls for each in report.unknown) + report.calls_left_out == 2901
    assert len(looked_up) >= 900
    assert not any(looked_up)


def test_looking_up_prices_ends_in_time(catalog):
    found = UnknownAnswer([UnpricedCalls("openai", ("x",), "", "", 1, 0, 0, 0)], 1, 1)
    with pytest.raises(QuestionTooSlowError, match="ask for fewer"):
        with_prices(found, catalog, time_limit_s=-1)


async def test_calls_that_are_alike_are_one_line(queries, given_calls):
    first = (await queries.unknown()).unknown[0].calls
    assert (first.models, first.calls, first.tokens) == (("mystery",), 2, 9)
    assert first.first_ns == (given_calls.TODAY_S + 10) * 10**9
    assert first.last_ns == (given_calls.TODAY_S + 20) * 10**9


async def test_each_says_what_to_do(queries):
    fixes = {
        (each.calls.status, *each.calls.models): each for each in (await queries.unknown()).unknown
    }
    mystery = fixes["unpriced", "mystery"]
    assert "add a price to the price file" in mystery.fix
    assert "mystery" in "".join(mystery.entry)
    assert "charge it with llm-cost reprice" in fixes["unpriced", "gpt-4o"].fix
    assert 'stream_options={"include_usage": true}' in fixes["usage_missing", "gpt-4o"].fix
    assert "pricing.implausible_above" in fixes["implausible", "gpt-4o"].fix
    assert "name the model" in fixes["unpriced", ""].fix
    assert all(not each.entry for each in fixes.values() if each is not mystery)


@pytest.mark.parametrize("tokens", [2**62, 2**63, 2**64, 10**20])
async def test_tokens_beyond_64_bits_are_listed(ask, given_calls, tokens):
    unknown = {"unpriced": 1, "input_tokens": tokens, "status": "unpriced"}
    queries = ask(*(given_calls.charged(at, 0, 0, **unknown) for at in (1, 2)))
    report = await queries.unknown()
    assert sum(each.calls.tokens for each in report.unknown) == 2 * tokens
