"""What a span adds to totals, once the spans below it are taken into account."""

from __future__ import annotations

from dataclasses import replace

from processor.core.attribution.share import NO_SHARE, NO_SUBTOTAL, Share, Subtotal
from processor.core.model import NO_USAGE, Entry, Parts, Totals, Usage
from processor.core.money import ZERO, Amount, price_usage

_INPUT_ORDER = (0, 3, 2, 4, 5, 14, 12, 13, 1)
"""Indices of the input quantities, dearest class first as a rule: when a side's unexplained part
is smaller than its classes' gaps together, the classes that come first keep theirs."""
_OUTPUT_ORDER = (6, 7, 8, 9, 15, 16)
_UNITS = tuple(range(10, 12)) + tuple(range(17, 22))
"""Indices of the quantities that are not tokens: each is compared for itself."""
_REPLACING = ("last_step", "lifetime")
"""Aggregates whose numbers are not the sum of what is below: they replace it or add nothing."""


def sides_of(own: Usage, below: Totals) -> tuple[int, int]:
    """All input and all output of `own`, as what was reported below it shows they were meant.

    Whether a parent's details (cached tokens, reasoning) are inside its counts or beside them can
    be read wrongly. Where the one reading is what its children reported together, that is right.
    """
    read, written = own.cached_tokens, own.cache_write + own.cache_write_1h
    input_tokens, output_tokens = own.input_tokens, own.output_tokens
    if below.input_tokens and input_tokens - below.input_tokens in (read, written, read + written):
        input_tokens = below.input_tokens
    if below.output_tokens and output_tokens - below.output_tokens == own.reasoning:
        output_tokens = below.output_tokens
    return input_tokens, output_tokens


def unexplained(own: Usage, below: Usage, sides: tuple[int, int] | None = None) -> Usage:
    """The part of `own` that the charged quantities `below` do not account for.

    `sides` are all input and all output of `own` where they are not the sum of its parts.

    Input and output are each compared as a whole first, since a parent often reports one number
    for what its children split into cached and uncached: what the children explain of the sum is
    explained, whatever class it was in. What is left is then given to the classes that lack it.
    """
    left = [0] * len(own)
    input_tokens, output_tokens = sides or (own.input_tokens, own.output_tokens)
    available_by_side = (
        (input_tokens - below.input_tokens, _INPUT_ORDER),
        (output_tokens - below.output_tokens, _OUTPUT_ORDER),
    )
    for available, order in available_by_side:
        for index in order:
            part = min(available - sum(left[at] for at in order), own[index] - below[index])
            left[index] = max(0, part)
    for index in _UNITS:
        left[index] = max(0, own[index] - below[index])
    return Usage._make(left)


def own_part(entry: Entry, below: Subtotal, tool_calls: Subtotal, *, is_agent: bool) -> Subtotal:
    """The part of what is below a call or aggregate that may explain it.

    What is called below a tool, by another agent for instance, is no part of the request or of
    the agent that asked for the tool. An agent that reports the sum of everything, tools included,
    is known by its numbers: they are that sum, or more than its own requests and the tools'
    together. Chains always report the sum of everything.
    """
    usage, own = entry.usage, below.minus(tool_calls)
    if entry.aggregate is not None and not is_agent:
        return below
    if usage is None or below.explains == own.explains:
        return own
    sides = sides_of(usage, below.totals)
    whole = below.totals.input_tokens, below.totals.output_tokens
    if sides == whole:
        return below
    has_all = own.totals.calls > 0 and sides[0] >= whole[0] and sides[1] >= whole[1]
    return below if entry.aggregate is not None and has_all else own


def counted(usage: Usage) -> Subtotal:
    """The tokens of a request that a later one counts again, as if they stood below it."""
    totals = Totals(0, usage.input_tokens, usage.output_tokens)
    return Subtotal(totals, usage._replace(requests=0))


def share_of(entry: Entry, below: Subtotal) -> Share:
    """What a call or aggregate adds, given the sum of all that is below it.

    A leaf with nothing below adds its whole usage; anything else only the part that priced spans
    below do not explain, so that a parent that repeats its children never doubles the bill and one
    that is the only carrier is still charged. What is added on doubtful counts counts as doubtful.
    """
    is_implausible = entry.status == "implausible" and entry.aggregate not in _REPLACING
    share = (_implausible_share if is_implausible else _believed_share)(entry, below)
    if entry.doubt and not share.totals.is_zero:
        share = replace(share, totals=replace(share.totals, doubtful_calls=1))
    return share


def _believed_share(entry: Entry, below: Subtotal) -> Share:
    is_alone = below is NO_SUBTOTAL or (
        below.totals.calls == 0 and below.totals.cost_nano_usd == 0 and below.explains == NO_USAGE
    )
    if entry.aggregate in _REPLACING:
        if not is_alone:
            return NO_SHARE
        if entry.amount is None:
            return Share(Totals(unpriced=1), NO_USAGE, None)
    calls = _calls_of(entry, below)
    if entry.usage is None:
        return _share_without_usage(entry, below.totals, calls)
    sides = sides_of(entry.usage, below.totals)
    input_tokens, output_tokens = _left_of(sides, below)
    if entry.amount is None:
        # Tokens that nobody below reports count, and that their cost is unknown.
        unpriced = 1 if calls or input_tokens or output_tokens else 0
        totals = Totals(0, input_tokens, output_tokens, calls=calls, unpriced=unpriced)
        return Share(totals, NO_USAGE, None)
    if is_alone:
        amount, usage, saved_nano_usd = entry.amount, entry.usage, entry.saved_nano_usd
    elif entry.rates is None:  # The cost was reported, so there is no price for a part of it.
        amount, usage, saved_nano_usd = _rest_of_cost(entry.amount, below.totals), NO_USAGE, 0
    else:
        usage = unexplained(entry.usage, below.explains, sides)
        amount, saved_nano_usd = price_usage(usage, entry.rates), 0
    left = input_tokens, output_tokens
    if entry.free:
        totals = _sum_cached_response(amount, left, calls, saved_nano_usd)
    else:
        totals = _sum_request(amount, left, usage, calls, saved_nano_usd)
    return Share(totals, usage, amount)


def _left_of(sides: tuple[int, int], below: Subtotal) -> tuple[int, int]:
    """What of all input and all output the spans below do not have.

    Tokens that nobody believes are in no total, and explain all the same where they come from.
    """
    if below is NO_SUBTOTAL:
        return max(0, sides[0]), max(0, sides[1])
    totals, explains = below.totals, below.explains
    return (
        max(0, sides[0] - max(totals.input_tokens, explains.input_tokens)),
        max(0, sides[1] - max(totals.output_tokens, explains.output_tokens)),
    )


def _calls_of(entry: Entry, below: Subtotal) -> int:
    """1 for a request that nothing below it is counted for already."""
    return 1 if entry.aggregate is None and below.totals.calls == 0 else 0


def _sum_cached_response(
    amount: Amount, sides: tuple[int, int], calls: int, saved_nano_usd: int
) -> Totals:
    """Of a response from an application's cache.

    What the provider's cache once gave to the answer was saved then.
    """
    return Totals(
        amount.total,
        sides[0],
        sides[1],
        calls=calls,
        response_cache_hits=calls,
        response_cache_saved_nano_usd=saved_nano_usd,
    )


def _sum_request(
    amount: Amount, sides: tuple[int, int], usage: Usage, calls: int, saved_nano_usd: int
) -> Totals:
    """Of what a provider answered."""
    return Totals(
        amount.total,
        sides[0],
        sides[1],
        usage.cached_tokens,
        calls,
        saved_nano_usd=saved_nano_usd,
        cache_hits=1 if calls and usage.cached_tokens else 0,
    )


def _implausible_share(entry: Entry, below: Subtotal) -> Share:
    """A call whose usage is not believed: what it cost is unknown, and so are its tokens.

    An aggregate above it that repeats its numbers must not be charged for them.
    """
    calls = _calls_of(entry, below)
    left = entry.usage or NO_USAGE
    if below.explains != NO_USAGE:
        left = unexplained(left, below.explains, sides_of(left, below.totals))
    unpriced = 1 if calls or any(left) else 0
    return Share(Totals(calls=calls, unpriced=unpriced), left, None)


def _share_without_usage(entry: Entry, below: Totals, calls: int) -> Share:
    """A cost that was reported without tokens counts; one that should have had them is unknown."""
    if entry.amount is not None:
        amount = _rest_of_cost(entry.amount, below)
        hits = calls if entry.free else 0
        totals = Totals(amount.total, calls=calls, response_cache_hits=hits)
        return Share(totals, NO_USAGE, amount)
    unpriced = calls if entry.status == "usage_missing" else 0
    return Share(Totals(calls=calls, unpriced=unpriced), NO_USAGE, None)


def _rest_of_cost(amount: Amount, below: Totals) -> Amount:
    """What of a reported cost the spans below were not charged, without parts."""
    rest = max(0, amount.total - below.cost_nano_usd)
    return Amount(total=rest, fees=rest)


def rest_of(share: Share, reported: Entry) -> Share:
    """What a log record adds to a call that a span reports as well, charged as `reported` says.

    Both report a single call, and the record adds the difference, also one below zero: records
    know of cached tokens and of reasoning that some spans leave out. An aggregate is the sum of
    many records, so what is left of each is that it was a call, and perhaps one that a cache
    helped or answered. One without a price has counted the tokens and that something is unknown,
    so each adds its cost.
    """
    if reported.aggregate is None:
        charged, parts = share_of(reported, NO_SUBTOTAL).sums
        if reported.adopted_nano_usd is not None:
            charged = replace(charged, cost_nano_usd=reported.adopted_nano_usd)
        return replace(share, totals=share.totals.minus(charged), other_report=parts)
    if reported.amount is None:
        return replace(
            share,
            totals=replace(share.totals, input_tokens=0, output_tokens=0, unpriced=0),
            other_report=Parts(*share.sums.parts[:2]),
        )
    totals = Totals(
        calls=share.totals.calls,
        cache_hits=share.totals.cache_hits,
        response_cache_hits=share.totals.response_cache_hits,
    )
    return Share(totals, NO_USAGE, ZERO)
