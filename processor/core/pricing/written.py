"""Entries as the lines of a price file that would be read as the same entries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, Inexact, localcontext
from fractions import Fraction

from processor.core.model import NS_PER_S
from processor.core.money import FEMTO_PER_USD
from processor.core.pricing.checks import DAYS
from processor.core.pricing.rates import UNIT_KEYS, UNITS
from processor.core.pricing.shapes import (
    BEGINNING_NS,
    Partial,
    PriceEntry,
    ServiceTier,
    Surcharge,
    Tier,
)

_PER_1M = UNITS["per_1m"]
_WIDTH = 96
_DIGITS_MAX = 30
"""Of a multiplier; one with more is written as a fraction."""
_YAML_WORDS = frozenset({"no", "yes", "on", "off", "null", "true", "false", "y", "n"})
"""What YAML reads as something else than text, in whatever case."""
_UNIT_OF_FIELD = {field: (key, size) for key, (field, size) in UNIT_KEYS.items()}


def entry_lines(entry: PriceEntry) -> Iterator[str]:
    """One item of ``models``, in USD per 1M tokens; for an entry whose prices have no dates."""
    yield f"- provider: {_text(entry.provider)}"
    yield f"  model: {_text(entry.model)}"
    [step] = entry.steps
    yield from _field("prices", [_rates(step.rates)])
    if step.tiers:
        yield from _field("tiers", [*map(_tier, step.tiers)])
    if step.schedule:
        yield from _field("schedule", [*map(_surcharge, step.schedule)])
    if entry.service_tiers:
        yield "  service_tiers:"
        for name, tier in entry.service_tiers.items():
            yield f"    {_text(name)}: {_service_tier(tier)}"
    if entry.regions:
        regions = (f"{_text(name)}: {_factor(each)}" for name, each in entry.regions.items())
        yield f"  regions: {{{', '.join(regions)}}}"
    if entry.alternatives:
        yield "  units: without_tokens"


def prices_text(entry: PriceEntry) -> str:
    """What an entry costs, in one line: the prices of each date, without what varies in a day."""
    if entry.adjust is not None:
        return f"the catalogue's price times {_factor(entry.adjust)}"
    texts = []
    for step in entry.steps:
        dated = step.start_ns != BEGINNING_NS
        day = datetime.fromtimestamp(step.start_ns // NS_PER_S, UTC) if dated else None
        since = f"from {day:%Y-%m-%d} " if day else ""
        texts.append(f"{since}{_rates(step.rates)}")
    return "; ".join(texts)


def _field(name: str, items: list[str]) -> Iterator[str]:
    whole = f"  {name}: [{', '.join(items)}]"
    if len(whole) <= _WIDTH:
        yield whole
        return
    yield f"  {name}:"
    yield from (f"    - {item}" for item in items)


def _text(text: str) -> str:
    """Text as YAML reads it back, in quotes where it might mean something else."""
    is_plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    is_word = is_plain and text[0].isalpha() and text.lower() not in _YAML_WORDS
    return text if is_word else json.dumps(text, ensure_ascii=False)


def _rates(rates: Partial, before: str = "") -> str:
    """The prices of a map; an output that is not billed has to be written as such."""
    shown = {"input": 0, "output": 0} | dict(rates) if _has_tokens(rates, before) else rates
    prices = ", ".join(f"{_key(name)}: {_usd(name, rate)}" for name, rate in shown.items())
    return f"{{{before}{prices}}}"


def _has_tokens(rates: Partial, before: str) -> bool:
    return not before and any(name not in _UNIT_OF_FIELD for name in rates)


def _key(name: str) -> str:
    return _UNIT_OF_FIELD[name][0] if name in _UNIT_OF_FIELD else name


def _usd(name: str, femto: int) -> str:
    per = _UNIT_OF_FIELD[name][1] if name in _UNIT_OF_FIELD else _PER_1M
    usd = (Decimal(femto * per) / FEMTO_PER_USD).normalize()
    return f"{usd:f}"


def _tier(tier: Tier) -> str:
    return _rates(tier.rates, f"above: {tier.above}, ")


def _surcharge(surcharge: Surcharge) -> str:
    window = surcharge.window
    days = ", ".join(DAYS[day] for day in sorted(window.days))
    times = f'from: "{_clock(window.start_min)}", to: "{_clock(window.end_min)}"'
    return f"{{days: [{days}], {times}, multiplier: {_factor(surcharge.multiplier)}}}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _service_tier(tier: ServiceTier) -> str:
    prices = [f"{_key(name)}: {_usd(name, rate)}" for name, rate in tier.rates.items()]
    if tier.multiplier != 1 or not (tier.rates or tier.tiers):
        prices.append(f"multiplier: {_factor(tier.multiplier)}")
    if tier.tiers:
        prices.append(f"tiers: [{', '.join(map(_tier, tier.tiers))}]")
    return f"{{{', '.join(prices)}}}"


def _factor(multiplier: Fraction) -> str:
    """A multiplier as a decimal number where that has an end, else as a fraction."""
    with localcontext(prec=_DIGITS_MAX) as context:
        number = Decimal(multiplier.numerator) / Decimal(multiplier.denominator)
        if not context.flags[Inexact]:
            return f"{number.normalize():f}"
    return f"{multiplier.numerator}/{multiplier.denominator}"
