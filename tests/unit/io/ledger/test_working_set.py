"""Working copies may come and go, budgets and processes too: what stands is in the rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answers import crossings_in, standings_of, total_of

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Owner, Totals, Usage
from processor.core.money import price_usage
from processor.core.ports import PricesAgain

S = Owner(session="s")
SCOPES = [
    ("total", ""), ("session", "s"), ("session", ""), ("user", "u"), ("agent", "inner"),
    ("agent", "outer"), ("feature", "f"), ("model", "gpt-4o"), ("service", "svc"),
]  # fmt: skip


def story(given, trace=1):
    """A trace with everything in it, children before parents, and a late child at the end."""
    return [
        given.call(7, 6, trace=trace, usage=Usage(input=10, cache_read=30, output=5)),
        given.plain(6, 4, trace=trace),
        given.unpriced(8, 4, trace=trace),
        given.usage_missing(9, 4, trace=trace),
        given.aggregate(4, 3, trace=trace, tokens=400, own=Owner(agent="inner")),
        given.carrier(3, 2, trace=trace, session="s", feature="f"),
        given.failed(10, 2, trace=trace),
        given.agent(2, 1, "outer", trace=trace),
        given.carrier(1, trace=trace, user="u", at_s=9),
        given.call(9, 4, trace=trace, tokens=60),
        given.call(11, 4, trace=trace, tokens=70, at_s=2000),
    ]


async def totals(opened):
    return {scope: await total_of(opened.ledger, *scope) for scope in SCOPES}


async def test_evicting_working_copies_changes_no_total(opened, given, tmp_path):
    """Guarantees: with room for one trace and one state, everything ends as with room for all."""
    budgets = [
        given.budget("session", "session", 5000),
        given.budget("hour", "total", 9000, window="hour"),
        given.budget("trace", "trace", 4000),
        given.budget("run", "agent_run", 4000),
        given.budget("f", "user", 3000, match={"model": ("gpt*",)}),
    ]
    stamps = []
    for limits in ({}, {"traces": 1, "states": 1}):
        opened.path = tmp_path / f"ledger{len(limits)}.db"
        await opened.open(*budgets, **limits)
        seen = []
        for one, other in zip(story(given, 1), story(given, 2), strict=True):
            seen.append(await opened.post(one))
            seen.append(await opened.post(other))
        seen.append(await opened.post(*story(given, 1), *story(given, 2)))
        stamps.append((seen, await totals(opened), crossings_in(opened.store, 99)))
        if limits:
            assert (
                len(opened.ledger._working_set._traces)
                == len(opened.ledger._working_set.budgets)
                == 1
            )
    assert stamps[0] == stamps[1]


async def test_a_trace_as_large_as_may_be_is_not_read_again_each_turn(opened, given):
    """Guarantees: the copy that was touched last stays, and fits."""
    await opened.open(spans=8)
    read = []
    rows_of = opened.store.rows_of
    opened.store.rows_of = lambda trace_id: read.append(trace_id) or rows_of(trace_id)
    for at in range(30):
        await opened.post(given.call(at + 1))
    assert len(read) == 1
    assert opened.ledger.memory_use.spans == 5  # One stands for all that are beyond.
    assert opened.ledger.counters.uncharged == 26
    assert opened.ledger.counters.charged == 4


async def test_two_large_traces_that_alternate_are_not_read_again(opened, given):
    await opened.open(spans=10)
    read = []
    rows_of = opened.store.rows_of
    opened.store.rows_of = lambda trace_id: read.append(trace_id) or rows_of(trace_id)
    for at in range(5):
        for trace in (1, 2):
            await opened.post(given.call(at + 1, trace=trace))
    assert len(read) == 2


async def test_a_large_trace_of_a_time_with_more_memory_stays_alone(opened, given):
    await opened.post(*(given.call(at + 1) for at in range(10)))
    await opened.open(spans=6)
    await opened.post(given.call(99))
    assert opened.ledger.memory_use.spans == 11
    await opened.post(given.call(1, trace=2))
    assert opened.ledger.memory_use.spans == 1


async def test_calls_that_are_left_out_are_logged_once_a_time(opened, given, caplog):
    await opened.open(trace_spans=1)
    for at in range(4):
        await opened.post(given.call(at + 1), given.call(at + 1, trace=2))
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split()[1] for line in lines] == [given.trace_id(at).hex() for at in (1, 2)]


async def test_totals_and_stamps_are_the_same_after_a_restart(opened, given):
    await opened.open(given.budget("session", "session", 3000), given.budget("call", "call", 600))
    specs = story(given)
    first = {}
    for one in specs:
        first[one.key] = (await opened.post(one)).get(0)
    before = await totals(opened)
    await opened.open()
    assert await totals(opened) == before
    again = await opened.post(*specs)
    assert {one.key: again.get(row) for row, one in enumerate(specs)} == first
    assert await totals(opened) == before


async def test_each_turn_may_be_followed_by_a_restart(opened, given):
    """Guarantees: sums over what is written on spans are the ledger's, whatever was forgotten."""
    stamps = {}
    for one in story(given):
        answer = await opened.post(one)
        if 0 in answer:
            stamps[one.span] = answer[0]
        await opened.open()
    assert given.shown_total(stamps.values()) == await opened.cost()
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex())


async def test_what_a_restart_has_crossed_is_not_crossed_again(opened, given):
    await opened.open(given.budget("b", "session", 1000), given.budget("t", "trace", 1000))
    await opened.post(given.call(1, own=S))
    await opened.open()
    stamp = (await opened.post(given.call(2, own=S)))[0]
    assert (stamp.crossings, stamp.exceeded) == ((), ("b", "t"))


async def test_after_a_restart_later_spans_still_find_their_trace(opened, given):
    await opened.post(given.call(2, 1))
    await opened.open()
    await opened.post(given.carrier(1, session="s"))
    assert await opened.cost("session", "s") == 1000


async def test_a_new_rule_is_filled_from_the_stored_calls(opened, given):
    await opened.post(
        given.call(1, own=S), given.call(2, own=S, model="claude-x"), given.unpriced(3, own=S)
    )
    rule = given.budget("b", "session", 2000, match={"model": ("gpt*",)})
    await opened.ledger.set_policy(given.policy(rule))
    (standing,) = await standings_of(opened.ledger, {"session": "s"}, given.NOW_S)
    assert (standing.spent, standing.at_least) == (1000, True)
    stamp = (await opened.post(given.call(4, own=S)))[0]
    assert [crossing.spent for crossing in stamp.crossings] == [2000]


async def test_a_new_rule_without_a_filter_counts_what_was_before(opened, given):
    await opened.post(given.call(1, own=S))
    await opened.ledger.set_policy(given.policy(given.budget("b", "session", 2000)))
    stamp = (await opened.post(given.call(2, own=S)))[0]
    assert [crossing.spent for crossing in stamp.crossings] == [2000]


async def test_a_rule_that_was_away_is_filled_again(opened, given):
    """Guarantees: what was spent while the rule was switched off counts."""
    rule = given.budget("b", "session", 10**9, match={"model": ("gpt*",)})
    for at, budgets in enumerate([(rule,), (), (rule,)], start=1):
        await opened.ledger.set_policy(given.policy(*budgets))
        await opened.post(given.call(at, own=S))
    (standing,) = await standings_of(opened.ledger, {"session": "s"}, given.NOW_S)
    assert standing.spent == 3000


async def test_a_rule_that_was_away_is_crossed_by_what_was_spent_meanwhile(opened, given):
    """Guarantees: what memory held of the rule before is not taken for what stands now."""
    rule = given.budget("b", "session", 3000, match={"model": ("gpt*",)})
    crossed = []
    for at, budgets in enumerate([(rule,), (), (rule,)], start=1):
        await opened.ledger.set_policy(given.policy(*budgets))
        crossed += (await opened.post(given.call(at, own=S)))[0].crossings
    assert [crossing.spent for crossing in crossed] == [3000]


async def test_a_rule_that_stays_is_not_counted_twice(opened, given):
    rule = given.budget("b", "session", 10**9, match={"model": ("gpt*",)})
    await opened.open(rule)
    await opened.post(given.call(1, own=S))
    await opened.ledger.set_policy(given.policy(rule, given.budget("c", "session", 7)))
    await opened.open()
    (standing,) = await standings_of(opened.ledger, {"session": "s"}, given.NOW_S)
    assert standing.spent == 1000


async def test_a_filled_rule_follows_transfers_and_corrections(opened, given):
    rule = given.budget("b", "session", 10**9, match={"model": ("gpt*",)})
    await opened.post(given.aggregate(2, 1, tokens=150), given.call(4))
    await opened.ledger.set_policy(given.policy(rule))
    await opened.post(given.call(3, 2, tokens=100))
    await opened.post(given.carrier(1, session="s"))
    (standing,) = await standings_of(opened.ledger, {"session": "s"}, given.NOW_S)
    assert standing.spent == await opened.cost("session", "s")


async def test_a_changed_limit_is_a_new_key(opened, given):
    await opened.open(given.budget("b", "session", 1000))
    await opened.post(given.call(1, own=S))
    await opened.ledger.set_policy(given.policy(given.budget("b", "session", 2000)))
    stamp = (await opened.post(given.call(2, own=S)))[0]
    assert [crossing.limit for crossing in stamp.crossings] == [2000]


async def test_a_rule_that_is_gone_is_not_mentioned_any_more(opened, given):
    await opened.open(given.budget("b", "session", 1000))
    first = await opened.post(given.call(1, own=S))
    await opened.ledger.set_policy(given.policy())
    again = await opened.post(given.call(1, own=S), given.call(2, own=S))
    assert again[0] == first[0]
    assert (again[1].exceeded, again[1].crossings) == ((), ())


async def test_budgets_that_cannot_be_filled_leave_the_old_ones_in_force(opened, given):
    await opened.open(given.budget("b", "session", 1000))
    opened.store.refuse_commits = 1
    rule = given.budget("c", "session", 1, match={"model": ("*",)})
    with pytest.raises(Exception, match="refuse"):
        await opened.ledger.set_policy(given.policy(rule))
    stamp = (await opened.post(given.call(1, own=S)))[0]
    assert [crossing.budget for crossing in stamp.crossings] == ["b"]
    assert opened.store.series() == {}


async def test_everything_is_counted(opened, given):
    await opened.post(given.aggregate(1, tokens=100), given.usage_missing(9))
    await opened.post(given.call(2, 1), given.call(2, 1, tokens=7), given.aggregate(1, tokens=100))
    counters = opened.ledger.counters
    assert (counters.charged, counters.repeats, counters.conflicts) == (3, 2, 1)
    assert (counters.corrections, counters.crossings) == (1, 0)


async def test_a_call_that_gets_its_usage_late_is_counted_once(opened, given):
    await opened.post(given.usage_missing(1))
    await opened.post(given.call(1))
    assert opened.ledger.counters.charged == 1


async def test_a_span_that_ends_after_the_last_second_is_no_poison(opened, given):
    """Guarantees: an end of 2^64-1, which OTLP can say and the ledger cannot, refuses no batch."""
    intake = given.batch(given.call(2, 1), given.plain(1))
    intake.spans.end_ns[1] = 2**64 - 1
    assert set(await opened.ledger.post(intake)) == {0, 1}


async def test_a_sender_of_huge_numbers_does_not_stop_the_ledger(opened, given):
    """Guarantees: sums beyond 64 bits neither lose precision nor refuse other senders' calls."""
    huge = Usage(input=2**62)
    specs = [given.unpriced(at, usage=huge) for at in (1, 2, 3)]
    await opened.post(specs[0])
    await opened.post(specs[1])
    await opened.post(specs[2])
    await opened.post(given.call(9))
    total = await total_of(opened.ledger)
    assert (total.calls, total.cost_nano_usd) == (4, 1000)
    assert isinstance(total.input_tokens, int)


async def test_a_batch_of_huge_numbers_does_not_refuse_the_calls_beside_it(opened, given):
    huge = Usage(input=2**62)
    specs = [given.unpriced(at, usage=huge) for at in (1, 2, 3)]
    assert len(await opened.post(*specs, given.call(9))) == 4
    assert await opened.cost() == 1000


async def test_huge_numbers_in_two_quarter_hours_do_not_stop_the_ledger(opened, given):
    await opened.open(given.budget("b", "total", 10**9, window="day"), states=1)
    for at in range(6):
        await opened.post(given.unpriced(at + 1, usage=Usage(input=2**62), at_s=1000 * (at % 2)))
    await opened.open()
    await opened.post(given.call(9))
    assert await opened.cost() == 1000


async def test_sums_of_a_session_stand_on_the_root_after_a_restart(opened, given):
    await opened.post(given.call(1, trace=2, own=S))
    await opened.open()
    stamp = (await opened.post(given.call(1, own=S)))[0]
    assert stamp.session == Totals(cost_nano_usd=2000, input_tokens=200, calls=2)


def dearer(row):
    """Twice the price, under another version and name."""
    if row.entry.amount is None:
        return row.entry
    rates = tuple(2 * rate for rate in row.entry.rates)
    return replace(
        row.entry,
        amount=price_usage(row.entry.usage, rates),
        rates=rates,
        price_version="v2",
        model="new",
    )


DEARER = PricesAgain("v2", dearer)
ALWAYS = (0, 2**63 - 1)


async def test_a_reprice_changes_totals_and_no_stamp(opened, given):
    specs = [given.call(2, 1, own=S), given.aggregate(1, tokens=150), given.unpriced(3)]
    first = await opened.post(*specs)
    found = await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    assert found.calls == 2
    assert (await opened.cost(), await opened.cost("session", "s")) == (3000, 3000)
    assert await opened.cost("trace", given.trace_id(1).hex()) == 3000
    assert await opened.cost("model", "gpt-4o") == 0
    assert await opened.post(*specs) == first
    assert await opened.cost() == 3000


async def test_a_dry_run_changes_nothing(opened, given):
    await opened.open(given.budget("b", "session", 1500))
    await opened.post(given.call(1, own=S))
    found = await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=True)
    assert [(each.before_nano_usd, each.after_nano_usd) for each in found.models] == [(1000, 2000)]
    assert (await opened.cost(), crossings_in(opened.store, 9)) == (1000, [])
    await opened.post(given.call(2, own=S, tokens=10))
    assert await opened.cost() == 1100


async def test_a_reprice_crosses_budgets_without_a_span(opened, given):
    await opened.open(given.budget("b", "session", 1500))
    await opened.post(given.call(1, own=S))
    await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    assert [(each.spent, each.trigger) for each in crossings_in(opened.store, 9)] == [
        (2000, "reprice")
    ]
    stamps = await opened.post(given.call(1, own=S), given.call(2, own=S))
    assert (stamps[0].crossings, stamps[1].crossings) == ((), ())
    assert stamps[1].exceeded == ("b",)


async def test_a_reprice_that_cannot_be_written_changes_nothing(opened, given):
    await opened.post(given.call(1))
    opened.store.refuse_commits = 1
    with pytest.raises(LedgerUnavailableError):
        await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex()) == 1000
    await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    assert await opened.cost() == 2000


async def test_a_reprice_and_a_restart_change_no_stamp(opened, given):
    first = await opened.post(given.call(1, own=S))
    await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    await opened.open()
    assert await opened.post(given.call(1, own=S)) == first


async def test_late_children_correct_at_the_new_price(opened, given):
    await opened.post(given.aggregate(1, tokens=100))
    await opened.ledger.reprice(DEARER, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    await opened.open()
    await opened.post(given.call(2, 1, tokens=40))
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex()) == 1600
