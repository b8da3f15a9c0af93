"""Why a call costs what it costs, and what to write where nothing prices it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.money import FEMTO_PER_USD, format_usd, round_to_nano
from processor.core.pricing.catalog import Catalog
from processor.core.pricing.charge import price
from processor.core.pricing.names import NAME_LIMIT, is_opaque
from processor.core.pricing.shapes import ANY, PriceSource
from processor.core.pricing.tariff import UNIT_FIELDS, choose
from processor.core.providers import (
    CUSTOMER_NAMED,
    infer_provider,
    is_placeholder,
    provider_id,
)

_PER = 10**6
_UNIT_SIZES = {"characters": 10**6, "duration_ms": 1000}
"""Of what is not counted in tokens, how many a price is quoted for, where that is not one."""


@dataclass(frozen=True, slots=True)
class Component:
    """One quantity of a call and its price.

    Tokens and characters are priced for a million, time for a second, all else for one.
    """

    name: str
    """Field of `model.Usage`."""
    quantity: int
    rate_usd: str
    per: int
    amount_usd: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A price with everything that led to it. Amounts are exact decimal texts in USD."""

    status: str
    reason: str
    provider: str
    model: str
    rule: str
    """The entry that decided: ``provider:model`` of the catalogue or of the operator's file."""
    tier_above_tokens: int | None
    """Threshold of the long-context tier that applies; None for the base prices."""
    components: tuple[Component, ...]
    total_usd: str | None
    """None when the cost is unknown."""
    saved_usd: str
    """What cached tokens would have cost more as plain input."""
    price_version: str
    catalogue_version: str
    catalogue_names: tuple[str, ...]
    """Every catalogue that is asked, with its version, in that order."""

    def as_dict(self) -> dict[str, object]:
        """The same as plain values, ready for JSON."""
        return asdict(self)


def explain(
    model: str,
    usage: Usage,
    catalog: Catalog,
    *,
    time_ns: int,
    provider: str = "",
    tier: str = "",
) -> Explanation:
    """Price one imagined call at a moment and say how: matched entry, rates, tier, parts."""
    call = Call(Mark(row=0, time_ns=time_ns), "llm", provider, (model,), usage, tier=tier)
    match = catalog.match(call.provider, call.models, call.tier)
    answer = price([call], catalog)[0]
    chosen = choose(match.tariff, time_ns, usage.input_tokens)
    rates = answer.rates if isinstance(answer, Charge) else None
    return Explanation(
        status=answer.status,
        reason=answer.reason,
        provider=answer.provider,
        model=answer.model,
        rule=match.rule,
        tier_above_tokens=chosen.above if chosen is not None else None,
        # What was charged: a call that is priced by search has made one, whether counted or not.
        components=_components(answer.call.usage or usage, rates) if rates is not None else (),
        total_usd=format_usd(answer.amount.total) if isinstance(answer, Charge) else None,
        saved_usd=format_usd(answer.saved_nano_usd if isinstance(answer, Charge) else 0),
        price_version=answer.price_version,
        catalogue_version=catalog.catalogue_version,
        catalogue_names=catalog.catalogue_names,
    )


_AS_TEXT = {
    "audio_input": "input", "image_input": "input", "video_input": "input",
    "audio_cache_read": "cache_read", "image_cache_read": "cache_read",
    "reasoning": "output", "audio_output": "output", "image_output": "output",
    "video_output": "output", "citations": "output",
}  # fmt: skip
"""Kinds of token, and the kind of text whose rate they have where they have none of their own."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one quantity costs."""

    name: str
    """Field of `model.Usage`."""
    usd: str
    """An exact decimal text."""
    per: int
    """How many that is for; see `Component`."""


@dataclass(frozen=True, slots=True)
class PriceInForce:
    """What a model costs at one moment, and how that is known."""

    status: str
    reason: str
    rule: str
    """As in `Explanation`."""
    source: PriceSource
    source_line: int
    """As in `Match`."""
    version: str
    rates: tuple[Rate, ...]
    """The base rates, without a long-context tier. Those of 0 are left out, and those of other
    kinds of token that are as those of text. Empty without a price, and for what is free."""
    has_more: bool
    """Further rates hold for large requests, or at other times."""


def price_in_force(catalog: Catalog, provider: str, model: str, now_ns: int) -> PriceInForce:
    """What a model costs now, with what a span would name."""
    match = catalog.match(provider, (model,), "")
    chosen = choose(match.tariff, now_ns, 0)
    rates = {} if chosen is None else dict(zip(Usage._fields, chosen.rates, strict=True))
    return PriceInForce(
        match.status,
        match.reason,
        match.rule,
        match.source,
        match.source_line,
        match.version,
        tuple(
            Rate(name, *_quoted_rate(name, rate))
            for name, rate in rates.items()
            if rate and rate != rates.get(_AS_TEXT.get(name, ""))
        ),
        any(step.windows or (step.table and step.table.above) for step in match.tariff),
    )


def _components(usage: Usage, rates: tuple[int, ...]) -> tuple[Component, ...]:
    """The quantities that are not zero; fees without a rate are left out."""
    return tuple(
        _component(name, quantity, rate)
        for name, quantity, rate in zip(Usage._fields, usage, rates, strict=True)
        if quantity and (rate or name not in UNIT_FIELDS)
    )


def _component(name: str, quantity: int, rate: int) -> Component:
    rate_usd, per = _quoted_rate(name, rate)
    return Component(
        name=name,
        quantity=quantity,
        rate_usd=rate_usd,
        per=per,
        amount_usd=format_usd(round_to_nano(quantity * rate)),
    )


def _quoted_rate(name: str, rate: int) -> tuple[str, int]:
    """A rate as people quote it: an amount in USD, and how many it is for."""
    per = _UNIT_SIZES.get(name, 1) if name in UNIT_FIELDS else _PER
    usd = Decimal(rate * per) / FEMTO_PER_USD
    return f"{usd.normalize():f}", per


_PRICES = "prices: [{input: 1.00, output: 3.00}]"
_EXAMPLE = f"{_PRICES}   # USD per 1M tokens: put in yours"
_AWS = "aws"


def suggest_entry(provider: str, models: Sequence[str]) -> tuple[str, ...]:
    """The lines of one item of ``models`` that would price what a span names, to be filled in.

    A name that a customer has given to a deployment or resource becomes an alias of the model
    behind it, anything else an entry with prices. Nothing when the span names nothing.
    """
    names = [name.strip() for name in models if not is_placeholder(name)]
    names = [name for name in names if len(name) <= NAME_LIMIT]
    provider = provider.strip().lower()
    if not provider_id(provider):
        provider = next(filter(None, map(infer_provider, names[:1])), "")
    if not names:
        # The spans do not say which model it was, so only a price for any of them would hold.
        every = f"{_PRICES}   # for every model of {provider} that has no price of its own"
        return _lines(provider, ANY, every) if provider else ()
    model = names[0]
    is_resource = is_opaque(model.lower())
    if is_resource or provider_id(provider) in CUSTOMER_NAMED:
        provider = provider or _AWS
        aliases = f"aliases: [{_quoted(f'{provider}:{model}')}]"
        return _lines(provider, f"put in the model behind {model}", aliases)
    return _lines(provider or ANY, model, _EXAMPLE)


def _lines(provider: str, model: str, last: str) -> tuple[str, ...]:
    return f"- provider: {_quoted(provider)}", f"  model: {_quoted(model)}", f"  {last}"


def _quoted(text: str) -> str:
    """Text as YAML reads it back; JSON's quoting is valid YAML."""
    return json.dumps(text, ensure_ascii=False)
