"""Why a call costs what it costs, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.money import FEMTO_PER_USD, format_usd, round_to_nano
from processor.core.pricing.catalog import Catalog
from processor.core.pricing.charge import price
from processor.core.pricing.tariff import choose

_PER = 10**6
_FEES = ("requests", "web_searches")


@dataclass(frozen=True, slots=True)
class Component:
    """One quantity of a call and its price. Fees are priced for one, tokens for a million."""

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
    chosen = choose(match.tariff, time_ns, sum(usage[:6]))
    is_priced = isinstance(answer, Charge)
    return Explanation(
        status=answer.status,
        reason=answer.reason,
        provider=answer.provider,
        model=answer.model,
        rule=match.rule,
        tier_above_tokens=chosen.above if chosen is not None else None,
        components=_components(usage, chosen.rates) if is_priced and chosen is not None else (),
        total_usd=format_usd(answer.amount.total) if isinstance(answer, Charge) else None,
        saved_usd=format_usd(answer.saved_nano_usd if isinstance(answer, Charge) else 0),
        price_version=catalog.version,
        catalogue_version=catalog.catalogue_version,
    )


def _components(usage: Usage, rates: tuple[int, ...]) -> tuple[Component, ...]:
    """The quantities that are not zero; fees without a rate are left out."""
    return tuple(
        _component(name, quantity, rate)
        for name, quantity, rate in zip(Usage._fields, usage, rates, strict=True)
        if quantity and (rate or name not in _FEES)
    )


def _component(name: str, quantity: int, rate: int) -> Component:
    per = 1 if name in _FEES else _PER
    usd = Decimal(rate * per) / FEMTO_PER_USD
    return Component(
        name=name,
        quantity=quantity,
        rate_usd=f"{usd.normalize():f}",
        per=per,
        amount_usd=format_usd(round_to_nano(quantity * rate)),
    )
