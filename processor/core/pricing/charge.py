"""What calls cost: the order of decisions, and the formula."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from processor.core.model import Call, Charge, Unpriced, Usage
from processor.core.money import ZERO, Amount, Rates, price_usage, round_to_nano
from processor.core.pricing.catalog import Catalog
from processor.core.pricing.names import NAME_LIMIT
from processor.core.pricing.shapes import FREE_RATES, Match
from processor.core.pricing.tariff import IS_TOKEN_RATE, choose

_LARGEST_NANO_USD = 2**63 - 1

FAILED_UNUSED = "call failed before it used anything"
NO_USAGE = "no usage reported"
OUT_OF_RANGE = "cost out of range"
NO_UNIT_PRICE = "no price for the units that this call reports"
NOT_IN_FORCE = "no price in force at that time"


def price(calls: Sequence[Call], catalog: Catalog) -> list[Charge | Unpriced]:
    """Price each call by itself; the answer has the order of `calls`.

    Nothing is guessed: a call without usage or without a known price is `Unpriced`, with a
    reason. Cost is summed exactly and rounded once (see `money.round_parts`).
    """
    return [_price_one(call, catalog) for call in calls]


def _price_one(call: Call, catalog: Catalog) -> Charge | Unpriced:
    if call.free:
        provider, model = _named(call, catalog)
        return Charge(
            call, ZERO, "free", provider, model, catalog.version, FREE_RATES, call.free
        )  # fmt: skip
    if call.reported_nano_usd is not None and call.reported_by in catalog.trusted:
        return _reported(call, *_named(call, catalog), catalog)
    if call.usage is None:
        return _without_usage(call, catalog)
    return _computed(call, call.usage, catalog)


def _computed(call: Call, usage: Usage, catalog: Catalog) -> Charge | Unpriced:
    match = catalog.match(call.provider, call.models, call.tier)
    rates, reason = match.flat, match.reason
    if rates is None:
        if not match.tariff:
            return _unpriced(call, match, catalog, reason)
        # An aggregate's tokens are those of many requests, so they say nothing about any one size.
        context = 0 if call.aggregate is not None else usage.input_tokens
        chosen = choose(match.tariff, call.mark.time_ns, context)
        if chosen is None:
            return _unpriced(call, match, catalog, NOT_IN_FORCE)
        rates = chosen.rates
        if chosen.note:
            reason = f"{reason}, {chosen.note}" if reason else chosen.note
    amount = price_usage(usage, rates)
    if not amount.total and _lacks_price(usage, rates):
        return _unpriced(call, match, catalog, NO_UNIT_PRICE)
    # What the cached tokens would have cost more as plain input.
    cheaper = rates[0] - rates[1]
    saved = round_to_nano(usage.cache_read * cheaper) if usage.cache_read and cheaper > 0 else 0
    if amount.total > _LARGEST_NANO_USD or saved > _LARGEST_NANO_USD:
        return _out_of_range(call, match.provider, match.model, catalog)
    return Charge(
        call, amount, match.status, match.provider, match.model,
        catalog.version, rates, reason, saved,
    )  # fmt: skip


def _lacks_price(usage: Usage, rates: Rates) -> bool:
    """Whether a model that costs something has no price for anything that the call used.

    A model that is priced by the hour only must not make its tokens free, nor one that is priced
    by tokens the seconds of a call that reports no tokens.
    """
    if not any(rates):
        return False
    if usage.input_tokens or usage.output_tokens:
        return not any(compress(rates, IS_TOKEN_RATE))
    return any(
        count and name != "requests" for name, count in zip(usage._fields, usage, strict=True)
    )


def _without_usage(call: Call, catalog: Catalog) -> Charge | Unpriced:
    """What a call cost that reports no tokens: nothing, what somebody reported, or unknown."""
    provider, model = _named(call, catalog)
    if call.reported_nano_usd:
        return _reported(call, provider, model, catalog)
    if call.failed and not call.response_id:
        return Unpriced(call, "failed", FAILED_UNUSED, provider, model, catalog.version)
    return Unpriced(call, "usage_missing", NO_USAGE, provider, model, catalog.version)


def _unpriced(call: Call, match: Match, catalog: Catalog, reason: str) -> Charge | Unpriced:
    """No price of ours: a positive cost that somebody reported stands, else it is unknown."""
    if call.reported_nano_usd:
        return _reported(call, match.provider, match.model, catalog)
    return Unpriced(call, "unpriced", reason, match.provider, match.model, catalog.version)


def _reported(call: Call, provider: str, model: str, catalog: Catalog) -> Charge | Unpriced:
    nano_usd = call.reported_nano_usd or 0
    if nano_usd > _LARGEST_NANO_USD:
        return _out_of_range(call, provider, model, catalog)
    # Nobody says how a reported cost divides, so it stands as one fee.
    amount = Amount(total=nano_usd, fees=nano_usd)
    reason = f"reported by {call.reported_by}" if call.reported_by else "reported"
    return Charge(call, amount, "reported", provider, model, catalog.version, None, reason)


def _out_of_range(call: Call, provider: str, model: str, catalog: Catalog) -> Unpriced:
    return Unpriced(call, "unpriced", OUT_OF_RANGE, provider, model, catalog.version)


def _named(call: Call, catalog: Catalog) -> tuple[str, str]:
    """The provider that a price would be looked for at, and the model as the call names it."""
    match = catalog.match(call.provider, call.models, call.tier)
    return match.provider, call.models[0][:NAME_LIMIT] if call.models else ""
