"""Laws of large numbers: sums are exact beyond 64 bits, in any order, split, and after restarts."""

from __future__ import annotations

import itertools
from collections import Counter

from answers import standings_of, total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import START_NS, UTC

from processor.core.budgets import Budget, Policy
from processor.core.budgets.window import window_of
from processor.core.model import (
    Call,
    Charge,
    Intake,
    Mark,
    Owner,
    Spans,
    Totals,
    Unpriced,
    Usage,
)
from processor.core.money import price_usage
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

RATES = Usage(input=4_500_000_000_000, output=4_499_999_999_999, requests=0)[:]
"""Femto-USD a token, so that a call of 2 x 10^12 tokens costs nearly what 64 bits hold."""
COUNTS = st.one_of(st.integers(0, 10**12), st.just(10**12), st.integers(0, 1000))
LIMITS_NANO_USD = (1000, 8 * 10**18)


@st.composite
def runs(draw):
    """Calls as (number, user, input, output, kind, parent), how they arrive, and restarts."""
    calls = []
    for number in range(1, draw(st.integers(2, 12))):
        kind = draw(st.sampled_from(["call", "call", "call", "implausible", "sum"]))
        parent = draw(st.sampled_from([0, 0, *range(1, number)]))
        user = draw(st.sampled_from(["u1", "u2"]))
        calls.append((number, user, draw(COUNTS), draw(COUNTS), kind, parent))
    stream = draw(st.permutations(calls)) + draw(st.lists(st.sampled_from(calls), max_size=3))
    cuts = sorted(draw(st.sets(st.integers(1, len(stream)), max_size=4)))
    groups = [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]
    return calls, [(group, draw(st.booleans())) for group in groups]


def batch_of(group):
    spans, charges = Spans(b""), []
    for row, (number, user, input_tokens, output_tokens, kind, parent) in enumerate(group):
        spans.trace_ids.append(b"t" * 16)
        spans.span_ids.append(number.to_bytes(8))
        spans.parent_ids.append(parent.to_bytes(8) if parent else b"")
        spans.flags.append(0)
        spans.end_ns.append(START_NS)
        usage = Usage(input=input_tokens, output=output_tokens)
        mark = Mark(row, START_NS, kind == "sum", Owner(user=user))
        aggregate = "sum" if kind == "sum" else None
        call = Call(mark, "llm", "openai", ("m",), usage, aggregate)
        if kind == "implausible":
            charges.append(Unpriced(call, "implausible", "too many", "openai", "m"))
        else:
            amount = price_usage(usage, RATES)
            charges.append(Charge(call, amount, "exact", "openai", "m", "v", RATES))
    return Intake(spans, charges, (), START_NS)


def expected(calls):
    """What each call adds: (nano-USD, input, output, unpriced), by its number."""
    children = Counter()
    shares = {}
    for number, _, input_tokens, output_tokens, kind, parent in reversed(calls):
        below = children[number, "in"], children[number, "out"]
        left = max(0, input_tokens - below[0]), max(0, output_tokens - below[1])
        calls_below = children[number, "calls"]
        is_call = kind != "sum" and not calls_below
        if kind == "implausible":
            shares[number] = (0, 0, 0, int(is_call or any(left)))
        else:
            amount = price_usage(Usage(input=left[0], output=left[1], requests=0), RATES)
            shares[number] = (amount.total, *left, 0)
        for side, *counts in zip(("in", "out"), below, left, strict=True):
            children[parent, side] += sum(counts)
        children[parent, "calls"] += calls_below + int(is_call)
    return shares


POLICY = Policy(
    (
        *(Budget(f"all {limit}", "total", "month", limit, "usd", UTC) for limit in LIMITS_NANO_USD),
        *(Budget(f"user {limit}", "user", "none", limit, "usd", UTC) for limit in LIMITS_NANO_USD),
    ),
    "p1",
)


@law(runs(), examples=120)
async def test_sums_beyond_64_bits_are_those_of_the_oracle(open_store, run):
    """Guarantees: no total, window or crossing stops at 64 bits or poisons a later batch."""
    calls, groups = run

    async def open_ledger():
        ledger = Ledger(open_store("ledger"), POLICY, Limits())
        await ledger.start()
        return ledger

    ledger = await open_ledger()
    for group, is_followed_by_restart in groups:
        await ledger.post(batch_of(group))
        if is_followed_by_restart:
            await ledger.close()
            ledger = await open_ledger()
    shares = expected(calls)
    total = await total_of(ledger)
    assert figures(total) == tuple(map(sum, zip(*shares.values(), strict=True)))
    month = window_of("month", START_NS // 10**9, UTC)
    assert await total_of(ledger, "total", "", month) == total
    for user in ("u1", "u2"):
        own = [shares[number] for number, name, *_ in calls if name == user]
        wanted = tuple(map(sum, zip(*own, strict=True))) if own else (0, 0, 0, 0)
        assert figures(await total_of(ledger, "user", user)) == wanted
    standings = await standings_of(ledger, {"user": "u1", "total": ""}, START_NS // 10**9)
    spent = {(each.scope, each.spent) for each in standings}
    assert ("total", total.cost_nano_usd) in spent
    await ledger.close()


def figures(totals: Totals):
    return (
        totals.cost_nano_usd, totals.input_tokens, totals.output_tokens, totals.unpriced
    )  # fmt: skip
