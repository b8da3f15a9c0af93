"""Sums, and what a span adds to them once the spans below it are taken into account."""

from __future__ import annotations

from operator import add, sub
from typing import NamedTuple

from processor.core.model import Entry, Totals, Usage
from processor.core.money import ZERO, Amount, price_usage

NOTHING = Totals()
NO_USAGE = Usage(requests=0)

_INPUT_ORDER = (0, 3, 2, 4, 5, 1)
"""Indices of the input quantities, dearest class first as a rule: when a side's unexplained part
is smaller than its classes' gaps together, the classes that come first keep theirs."""
_OUTPUT_ORDER = (6, 7, 8, 9)


def plus(a: Totals, b: Totals) -> Totals:
    """Both together."""
    if a is NOTHING:
        return b
    return a if b is NOTHING else Totals._make(map(add, a, b))


def minus(a: Totals, b: Totals) -> Totals:
    """The change from `b` to `a`."""
    return a if b is NOTHING else Totals._make(map(sub, a, b))


def usage_plus(a: Usage, b: Usage) -> Usage:
    """Both together."""
    if a is NO_USAGE:
        return b
    return a if b is NO_USAGE else Usage._make(map(add, a, b))


def usage_minus(a: Usage, b: Usage) -> Usage:
    """The change from `b` to `a`."""
    return a if b is NO_USAGE else Usage._make(map(sub, a, b))


class Share(NamedTuple):
    """What one span adds to every total it belongs to."""

    totals: Totals
    explains: Usage
    """The quantities that it was charged for; they explain the same quantities further up."""
    amount: Amount | None
    """What it is charged, None while that is unknown."""


_NOT_SUMS = ("last_step", "lifetime")

NO_SHARE = Share(NOTHING, NO_USAGE, ZERO)


def unexplained(own: Usage, below: Usage) -> Usage:
    """The part of `own` that the charged quantities `below` do not account for.

    Input and output are each compared as a whole first, since a parent often reports one number
    for what its children split into cached and uncached: what the children explain of the sum is
    explained, whatever class it was in. What is left is then given to the classes that lack it.
    """
    left = [0] * len(own)
    sides = (
        (own.input_tokens - below.input_tokens, _INPUT_ORDER),
        (own.output_tokens - below.output_tokens, _OUTPUT_ORDER),
    )
    for available, order in sides:
        for index in order:
            part = min(available - sum(left[at] for at in order), own[index] - below[index])
            left[index] = max(0, part)
    for index in (10, 11):
        left[index] = max(0, own[index] - below[index])
    return Usage._make(left)


def share_of(entry: Entry, below: Totals, explained: Usage) -> Share:
    """What a call or aggregate adds, given the sum of all that is below it.

    `explained` are the quantities that priced spans below were charged for. A leaf with nothing
    below adds its whole usage; anything else only the part that is not explained, so that a
    parent that repeats its children never doubles the bill and one that is the only carrier is
    still charged.
    """
    is_alone = below.calls == 0 and below.cost_nano_usd == 0 and explained == NO_USAGE
    calls = 1 if entry.aggregate is None and below.calls == 0 else 0
    if entry.aggregate in _NOT_SUMS and (not is_alone or entry.amount is None):
        # Its numbers are not the sum of what is below: they can replace it, not complete it.
        return NO_SHARE if not is_alone else Share(Totals(unpriced=1), NO_USAGE, None)
    if entry.usage is None:
        return _share_without_usage(entry, below, calls)
    input_tokens = max(0, entry.usage.input_tokens - below.input_tokens)
    output_tokens = max(0, entry.usage.output_tokens - below.output_tokens)
    if entry.amount is None:
        is_new = calls > 0 or input_tokens + output_tokens > 0
        totals = Totals(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            calls=calls,
            unpriced=1 if is_new else 0,
        )
        return Share(totals, NO_USAGE, None)
    if is_alone:
        amount, usage = entry.amount, entry.usage
    elif entry.rates is None:
        rest = max(0, entry.amount.total - below.cost_nano_usd)
        amount, usage = Amount(total=rest, fees=rest), NO_USAGE
    else:
        usage = unexplained(entry.usage, explained)
        amount = price_usage(usage, entry.rates)
    totals = Totals(
        cost_nano_usd=amount.total,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=usage.cache_read,
        calls=calls,
        saved_nano_usd=entry.saved_nano_usd if is_alone else 0,
        cache_hits=1 if calls and usage.cache_read else 0,
    )
    return Share(totals, usage, amount)


def rest_of(share: Share, told: Entry) -> Share:
    """What a log record adds to a call that a span tells of, which was charged as `told` says.

    Of a single call both tell, and the record adds the difference, also one below zero: records
    know of cached tokens and of thoughts that some spans leave out. An aggregate is the sum of many
    records, so what is left of each is that it was a call, and perhaps one that a cache helped. One
    without a price has counted the tokens and that something is unknown, so each adds its cost.
    """
    if told.aggregate is not None and told.amount is None:
        rest = share.totals._replace(input_tokens=0, output_tokens=0, unpriced=0)
        return share._replace(totals=rest)
    if told.aggregate is not None:
        calls, hits = share.totals.calls, share.totals.cache_hits
        return Share(Totals(calls=calls, cache_hits=hits), NO_USAGE, ZERO)
    return share._replace(totals=minus(share.totals, share_of(told, NOTHING, NO_USAGE).totals))


def _share_without_usage(entry: Entry, below: Totals, calls: int) -> Share:
    if entry.amount is not None:  # Somebody upstream reported a cost without tokens.
        rest = max(0, entry.amount.total - below.cost_nano_usd)
        amount = Amount(total=rest, fees=rest)
        return Share(Totals(cost_nano_usd=rest, calls=calls), NO_USAGE, amount)
    unknown = calls if entry.status == "usage_missing" else 0
    return Share(Totals(calls=calls, unpriced=unknown), NO_USAGE, None)
