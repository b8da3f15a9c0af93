"""References to spans among log records: the pairs, and what each record then adds."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from processor.core.attribution import Arrival, Node, Trace, attach
from processor.core.attribution.log_matching import APART_MAX_NS, UNCOUNTED_APART_MAX_NS
from processor.core.attribution.same_response import digest_of
from processor.core.model import LOG_TRACE, Entry, Totals, Usage
from processor.core.money import price_usage

RATES = tuple(10**6 * rate for rate in (10, 1, 12, 0, 0, 0, 40, 40, 0, 0, 0, 0))
AT_NS = 10**18
SECOND_NS = 10**9


def entry(usage, response_id="", *, aggregate=None, start_ns=AT_NS, status="exact"):
    amount = None if usage is None else price_usage(usage, RATES)
    return Entry(
        status, "", "p", "m", "svc", "v", usage, amount, RATES if amount else None, aggregate,
        response=digest_of(response_id), start_ns=start_ns,
    )  # fmt: skip


def node(name, at_s=0.0, usage=Usage(10, output=5), *, reference=False, **more):  # noqa: B008 - immutable
    time_ns = AT_NS + int(at_s * SECOND_NS)
    return Node(
        name.encode().ljust(8),
        b"session.",
        time_ns,
        entry=entry(usage, **more),
        is_reference=reference,
    )


def total_of(*makers):
    """The total of a session, whatever the order in which its nodes come, one by one."""
    totals = []
    for order in permutations(makers):
        trace = Trace(LOG_TRACE + b"12345678")
        for make in order:
            attach(trace, [Arrival(make())], {})
        totals.append(trace.total)
    assert all(each == totals[0] for each in totals), "the order matters"
    return totals[0]


def cost(*usages):
    return sum(price_usage(usage, RATES).total for usage in usages)


def test_records_alone_are_charged():
    """Guarantees: without a reference a record is a call like any other."""
    total = total_of(lambda: node("a"), lambda: node("b", 9))
    assert (total.calls, total.cost_nano_usd) == (2, 2 * cost(Usage(10, output=5)))


def test_a_reference_alone_is_charged_nothing():
    """Guarantees: the span's own trace has the charge."""
    assert total_of(lambda: node("e", reference=True)) == Totals()


def test_a_record_that_says_the_same_adds_nothing():
    """Guarantees: one call, one charge."""
    assert total_of(lambda: node("a"), lambda: node("e", 0.1, reference=True)) == Totals()


def test_a_reference_matches_one_record_only():
    """Guarantees: two calls alike at one time, of which one has a span, are two."""
    total = total_of(
        lambda: node("a"), lambda: node("b", 0.2), lambda: node("e", 0.1, reference=True)
    )
    assert (total.calls, total.cost_nano_usd) == (1, cost(Usage(10, output=5)))


def test_a_record_that_knows_more_adds_the_difference():
    """Guarantees: with what came from a cache, and with thoughts, the total is the record's."""
    known, seen = Usage(4, cache_read=6, output=5, reasoning=3), Usage(10, output=5)
    total = total_of(lambda: node("a", usage=known), lambda: node("e", usage=seen, reference=True))
    assert total.cost_nano_usd == cost(known) - cost(seen)
    assert (total.calls, total.cached_tokens, total.output_tokens) == (0, 6, 3)


@pytest.mark.parametrize(
    ("at_s", "usage", "is_matched"),
    [
        (APART_MAX_NS / SECOND_NS, Usage(10, output=5), True),
        (APART_MAX_NS / SECOND_NS + 0.1, Usage(10, output=5), False),
        (0, Usage(10, output=6), False),
        (0, Usage(11, output=5), False),
        (0, Usage(9, output=5), True),
    ],
)
def test_without_an_id_counts_and_time_decide(at_s, usage, is_matched):
    """Guarantees: same output, no more input, about the same time."""
    total = total_of(lambda: node("a"), lambda: node("e", at_s, usage, reference=True))
    assert total.calls == (0 if is_matched else 1)


def test_an_id_decides_whatever_the_time_and_another_id_never():
    """Guarantees: where a tool writes ids, they decide."""
    same = total_of(
        lambda: node("a", response_id="r1"), lambda: node("e", 99, response_id="r1", reference=True)
    )
    other = total_of(
        lambda: node("a", response_id="r1"), lambda: node("e", response_id="r2", reference=True)
    )
    assert (same.calls, other.calls) == (0, 1)


def test_a_report_without_an_id_is_known_by_counts_and_time():
    """Guarantees: a tool that writes ids on one side only is charged once, each pair for itself."""
    with_id = lambda: node("e", 0.1, response_id="r1", reference=True)  # noqa: E731 - one of a row
    assert total_of(lambda: node("a"), with_id) == Totals()
    assert (
        total_of(lambda: node("a", response_id="r1"), lambda: node("e", 0.1, reference=True))
        == Totals()
    )
    both = total_of(lambda: node("a"), lambda: node("b", 0.2, response_id="r1"), with_id)
    assert (both.calls, both.cost_nano_usd) == (1, cost(Usage(10, output=5)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_known_by_id", [True, False])
def test_many_calls_alike_in_a_row_are_matched_one_by_one(seed, is_known_by_id):
    """Guarantees: however long calls alike follow one another, none is charged twice or never."""
    made = [
        node(
            f"{kind}{number}",
            number / 2 + 0.1 * (kind == "e"),
            reference=kind == "e",
            response_id=f"r{number}" if is_known_by_id else "",
        )
        for number in range(150)
        for kind in "re"
    ]
    Random(seed).shuffle(made)
    trace = Trace(LOG_TRACE + b"12345678")
    for each in made:
        attach(trace, [Arrival(each)], {})
    assert trace.total == Totals()


def test_more_calls_alike_at_one_moment_than_are_compared_are_charged_and_never_lost():
    """Guarantees: a reference matches one record at most, whatever a sender makes up."""
    made = [
        node(f"{kind}{n}", response_id="r", reference=kind == "e")
        for n in range(90)
        for kind in "re"
    ]
    trace = Trace(LOG_TRACE + b"12345678")
    Random(7).shuffle(made)
    for each in made:
        attach(trace, [Arrival(each)], {})
    tellers = [each.matched_span for each in made if each.matched_span is not None]
    assert len(tellers) == len(set(tellers))
    assert trace.total.cost_nano_usd >= 0


def test_a_record_twice_under_one_id_is_one_call():
    """Guarantees: a copy with another time is a duplicate, with or without a span."""
    copies = (lambda: node("a", response_id="r"), lambda: node("b", 1, response_id="r"))
    assert total_of(*copies).calls == 1
    assert total_of(*copies, lambda: node("e", 0.9, response_id="r", reference=True)) == Totals()


@pytest.mark.parametrize("at_s", [0.0, UNCOUNTED_APART_MAX_NS / SECOND_NS])
def test_a_span_without_counts_is_filled_in(at_s):
    """Guarantees: what the span left unknown is known from the record, and counted as known."""
    total = total_of(
        lambda: node("a"), lambda: node("e", at_s, None, status="usage_missing", reference=True)
    )
    assert total == Totals(cost(Usage(10, output=5)), 10, 5, calls=0, unpriced=-1)


def test_a_failed_call_matches_no_record():
    """Guarantees: the record of the attempt that followed at once is charged."""
    total = total_of(lambda: node("a"), lambda: node("e", 0, None, status="failed", reference=True))
    assert total.calls == 1


def test_an_aggregate_matches_all_records_written_while_it_lasted():
    """Guarantees: the turn is charged as a whole, its calls are counted, later ones charged."""

    def turn():
        start_ns = AT_NS - 5 * SECOND_NS
        return node(
            "t", 5, Usage(20, output=10), aggregate="sum", start_ns=start_ns, reference=True
        )

    total = total_of(lambda: node("a"), lambda: node("b", 5), lambda: node("c", 6), turn)
    assert (total.calls, total.cost_nano_usd) == (3, cost(Usage(10, output=5)))


def test_a_turn_without_a_price_takes_no_cost_from_its_records():
    """Guarantees: what the records cost is charged, tokens are counted once."""

    def turn():
        unpriced = entry(
            Usage(20, output=10), aggregate="sum", start_ns=AT_NS - 5, status="unpriced"
        )
        reference = node("t", 5, reference=True)
        reference.entry = replace(unpriced, amount=None, rates=None)
        return reference

    total = total_of(lambda: node("a"), lambda: node("b", 2), turn)
    assert total == Totals(2 * cost(Usage(10, output=5)), calls=2)


def test_a_turn_that_counted_nothing_matches_nothing():
    """Guarantees: an agent's span with zeros does not swallow what its session used."""
    total = total_of(
        lambda: node("a"),
        lambda: node("t", 5, Usage(), aggregate="sum", start_ns=AT_NS - 5, reference=True),
    )
    assert (total.calls, total.cost_nano_usd) == (1, cost(Usage(10, output=5)))


def test_a_turn_that_gets_its_price_later_takes_the_cost_over():
    """Guarantees: a reprice of the turn reaches the records that it spans."""
    trace = Trace(LOG_TRACE + b"12345678")
    turn = node("t", 5, Usage(10, output=5), aggregate="sum", start_ns=AT_NS - 5, reference=True)
    priced = turn.entry
    assert priced is not None
    turn.entry = replace(priced, amount=None, rates=None, status="unpriced")
    attach(trace, [Arrival(node("a")), Arrival(turn)], {})
    assert trace.total.cost_nano_usd == cost(Usage(10, output=5))
    turn.entry = priced
    attach(trace, [Arrival(turn, is_amendment=True)], {})
    assert trace.total == Totals(calls=1)


def test_a_span_whose_clock_cannot_be_trusted_lasts_no_time():
    """Guarantees: a turn without a start does not swallow a whole session."""
    total = total_of(
        lambda: node("a", -100), lambda: node("t", aggregate="sum", start_ns=0, reference=True)
    )
    assert total.calls == 1


def test_counts_that_come_later_find_their_record():
    """Guarantees: a reference that gets its counts is matched by them, as if it always had them."""
    trace = Trace(LOG_TRACE + b"12345678")
    attach(trace, [Arrival(node("a")), Arrival(node("b", 0.1, Usage(50, output=9)))], {})
    reference = node("e", 0.0, None, status="usage_missing", reference=True)
    attach(trace, [Arrival(reference)], {})
    reference.entry = entry(Usage(50, output=9))
    attach(trace, [Arrival(reference, is_amendment=True)], {})
    assert trace.total.cost_nano_usd == cost(Usage(10, output=5))
    assert (trace.total.calls, trace.total.unpriced) == (1, 0)


def test_another_price_of_the_span_reaches_its_record():
    """Guarantees: when both are priced again, the difference stays one of the same prices."""
    trace = Trace(LOG_TRACE + b"12345678")
    record, reference = node("a", usage=Usage(10, output=5, reasoning=2)), node("e", reference=True)
    attach(trace, [Arrival(record), Arrival(reference)], {})
    assert trace.total.cost_nano_usd == 2 * 40
    for each in (record, reference):
        assert each.entry is not None
        doubled = tuple(2 * rate for rate in RATES)
        amount = price_usage(each.entry.usage or Usage(), doubled)
        each.entry = replace(each.entry, rates=doubled, amount=amount)
        attach(trace, [Arrival(each, is_amendment=True)], {})
    assert trace.total.cost_nano_usd == 2 * 80
