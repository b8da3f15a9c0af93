"""What calls cost: the order of decisions, and the formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

from processor.core.model import Call, CallKind, Charge, Status, Unpriced, Usage
from processor.core.money import ZERO, Amount, Rates, price_usage, round_to_nano
from processor.core.pricing.catalog import Catalog
from processor.core.pricing.names import NAME_LIMIT
from processor.core.pricing.provider_price import join_reasons
from processor.core.pricing.shapes import FREE_RATES, Match
from processor.core.pricing.tariff import ALTERNATIVE_FIELDS, IS_TOKEN_RATE, choose, with_rates

_LARGEST_NANO_USD = 2**63 - 1
_IMAGE_OUTPUT, _REQUEST, _WEB_SEARCH, _SEARCH = map(
    Usage._fields.index, ("image_output", "requests", "web_searches", "searches")
)

FAILED_UNUSED = "call failed before it used anything"
NO_USAGE = "no usage reported"
OUT_OF_RANGE = "cost out of range"
NO_UNIT_PRICE = "no price for the units that this call reports"
NOT_IN_FORCE = "no price in force at that time"
NO_SEARCH_PRICE = "no price for its web searches"
BY_REQUEST = "priced by request, no usage reported"


def price(calls: Sequence[Call], catalog: Catalog) -> list[Charge | Unpriced]:
    """Price each call by itself; the answer has the order of `calls`.

    Nothing is guessed: a call without usage or without a known price is `Unpriced`, with a
    reason. Cost is summed exactly and rounded once (see `money.round_parts`).
    """
    return [_price_one(call, catalog) for call in calls]


def _price_one(call: Call, catalog: Catalog) -> Charge | Unpriced:
    if call.implausible:
        named = _named(call, catalog)
        return Unpriced(call, "implausible", call.implausible, *named, catalog.version)
    if call.free:
        return _free(call, catalog)
    if call.reported_nano_usd is not None and call.reported_by in catalog.trusted:
        return _reported(call, *_named(call, catalog), catalog)
    if call.usage is None:
        return _without_usage(call, catalog)
    return _computed(call, call.usage, catalog)


def _free(call: Call, catalog: Catalog) -> Charge:
    """A call that cost nothing, and what it would have cost if anybody had been asked."""
    provider, model = _named(call, catalog)
    saved_nano_usd = 0
    if call.usage is not None:
        asked = _computed(call, call.usage, catalog)
        saved_nano_usd = asked.amount.total if isinstance(asked, Charge) else 0
    return Charge(
        call, ZERO, "free", provider, model,
        catalog.version, FREE_RATES, call.free, saved_nano_usd,
    )  # fmt: skip


def _computed(call: Call, usage: Usage, catalog: Catalog) -> Charge | Unpriced:
    match = catalog.match(call.provider, call.models, call.tier)
    rates = match.flat
    if rates is None:
        if not match.tariff:
            return _unpriced(call, match, catalog, match.reason)
        # An aggregate's tokens are those of many requests, so they say nothing about any one size.
        context = 0 if call.aggregate is not None else usage.input_tokens
        chosen = choose(match.tariff, call.mark.time_ns, context)
        if chosen is None:
            return _unpriced(call, match, catalog, NOT_IN_FORCE)
        rates = chosen.rates
        if match.note or chosen.note:
            match = _as_stand_in(match, match.note or chosen.note)
    if match.alternatives or call.kind == "image":
        rates = _rates_for(call.kind, usage, rates, match)
    amount = price_usage(usage, rates)
    if not amount.total and call.aggregate is None and _needs_search(usage, rates):
        usage = usage._replace(searches=1)
        call, amount = replace(call, usage=usage), price_usage(usage, rates)
    elif not amount.total and _lacks_price(usage, rates):
        return _unpriced(call, match, catalog, NO_UNIT_PRICE)
    if usage.web_searches and amount.total and not rates[_WEB_SEARCH]:
        match = _as_stand_in(match, NO_SEARCH_PRICE)
    # What the cached tokens would have cost more as plain input.
    cheaper = rates[0] - rates[1]
    saved = round_to_nano(usage.cache_read * cheaper) if usage.cache_read and cheaper > 0 else 0
    if amount.total > _LARGEST_NANO_USD or saved > _LARGEST_NANO_USD:
        return _out_of_range(call, match.provider, match.model, catalog)
    return Charge(
        call, amount, match.status, match.provider, match.model,
        match.version, rates, match.reason, saved,
    )  # fmt: skip


def _as_stand_in(match: Match, note: str) -> Match:
    """The same price, marked as standing in for one that is not known."""
    status: Status = "free" if match.status == "free" else "fallback"
    return match._replace(status=status, reason=join_reasons(match.reason, note))


def _rates_for(kind: CallKind, usage: Usage, rates: Rates, match: Match) -> Rates:
    """The rates of a call whose output is images, or whose price counts in one of two ways.

    Generated images that are not counted apart are all of the output. Prices by the second,
    character, image or page that stand beside prices for tokens are for calls without tokens.
    """
    if kind == "image" and not usage.image_output:
        rates = with_rates(rates, {"output": rates[_IMAGE_OUTPUT]})
    if match.alternatives and (usage.input_tokens or usage.output_tokens):
        rates = with_rates(rates, dict.fromkeys(ALTERNATIVE_FIELDS, 0))
    return rates


def _is_by_request(rates: Rates) -> bool:
    """Whether a price is for requests or searches and nothing else, so that no count is needed."""
    fees = {_REQUEST, _SEARCH}
    return any(rates) and all(at in fees for at, rate in enumerate(rates) if rate)


def _needs_search(usage: Usage, rates: Rates) -> bool:
    """Whether a call whose price is by search counts none: it has made one all the same."""
    return bool(rates[_SEARCH]) and not usage.searches and _is_by_request(rates)


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
    """What a call cost that reports no usage: a fee, nothing, what was reported, or unknown."""
    provider, model = _named(call, catalog)
    if call.reported_nano_usd:
        return _reported(call, provider, model, catalog)
    if call.failed and not call.response_id:
        return Unpriced(call, "failed", FAILED_UNUSED, provider, model, catalog.version)
    match = catalog.match(call.provider, call.models, call.tier)
    chosen = choose(match.tariff, call.mark.time_ns, 0)
    is_leaf = call.aggregate is None and not call.failed
    if is_leaf and chosen is not None and _is_by_request(chosen.rates):
        # Its number of tokens says nothing, so none is written on the span either.
        usage = Usage(requests=1, searches=1 if chosen.rates[_SEARCH] else 0)
        charge = _computed(replace(call, usage=usage, has_tokens=True), usage, catalog)
        charge.reason = join_reasons(charge.reason, BY_REQUEST)
        return charge
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
