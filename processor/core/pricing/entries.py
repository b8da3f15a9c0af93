"""Reading the entries of a price file: models, their prices, tiers, schedules and aliases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from processor.core.files.document import Path
from processor.core.pricing.rates import (
    RATE_KEYS,
    UNITS,
    Scale,
    check_complete,
    check_plausible,
    check_units,
    read_rates,
)
from processor.core.pricing.reading import Reader
from processor.core.pricing.schedule import read_schedule
from processor.core.pricing.shapes import (
    ANY,
    BEGINNING_NS,
    PriceEntry,
    PriceStep,
    ServiceTier,
    Tier,
)

_ENTRY_KEYS = frozenset(
    {
        "provider", "model", "aliases", "unit", "prices", "tiers", "schedule", "service_tiers",
        "adjust", "estimated",
    }
)  # fmt: skip
_RATE_SPELLINGS = frozenset(f"{key}_{unit}" for key in RATE_KEYS for unit in UNITS) | RATE_KEYS
_STEP_KEYS = frozenset({"effective_from", "tiers", "schedule"})
_GLOB_MARKS = frozenset("*?[")


class ParseDefaults(NamedTuple):
    """What holds for every entry of a file unless the entry says otherwise."""

    unit: str
    usd_rate: Decimal
    canonical: Callable[[str], str]
    """Spelling of a provider -> canonical id."""
    is_provider: Callable[[str], bool]
    """Whether the part of an alias before a colon names a provider."""


def read_offer(reader: Reader, value: object, path: Path, terms: ParseDefaults) -> PriceEntry:
    """Read one item of ``models``."""
    raw = reader.mapping(value, path, _ENTRY_KEYS)
    provider = _provider(reader, raw.get("provider"), (*path, "provider"), terms)
    if "model" not in raw:
        reader.wrong(path, "names no model", 'write `model: name`, or `model: "*"` for all')
    model = reader.text(raw.get("model", "-"), (*path, "model"))
    unit = reader.choice(raw.get("unit"), (*path, "unit"), tuple(UNITS), terms.unit)
    scale = Scale(unit, terms.usd_rate, explicit="unit" in raw)
    common = PriceStep(
        BEGINNING_NS,
        {},
        _tiers(reader, raw.get("tiers"), (*path, "tiers"), scale),
        read_schedule(reader, raw.get("schedule"), (*path, "schedule")),
    )
    offer = PriceEntry(
        provider=provider,
        model=model,
        aliases=_aliases(reader, raw.get("aliases"), (*path, "aliases"), provider, terms),
        steps=_steps(reader, raw.get("prices"), (*path, "prices"), scale, common),
        service_tiers=_served(reader, raw.get("service_tiers"), (*path, "service_tiers"), scale),
        adjust=_adjust(reader, raw.get("adjust"), (*path, "adjust")),
        estimated=reader.flag(raw.get("estimated"), (*path, "estimated")),
    )
    check_units(reader, path, scale)
    _check_sense(reader, raw, offer, path)
    return offer


def read_short(
    reader: Reader, raw: Mapping[str, Any], path: Path, provider: str, terms: ParseDefaults
) -> list[PriceEntry]:
    """Read the short form of one provider: ``{gpt-4o: {input: 0.0025, output: 0.01}}``."""
    offers: list[PriceEntry] = []
    for model, value in raw.items():
        here = (*path, model)
        rates_raw = reader.mapping(value, here, _RATE_SPELLINGS)
        scale = Scale(terms.unit, terms.usd_rate, explicit=False)
        steps = _steps(reader, rates_raw, here, scale, PriceStep(BEGINNING_NS, {}))
        check_units(reader, here, scale)
        name = terms.canonical(provider)
        offers.append(PriceEntry(provider=name, model=model.strip().lower(), steps=steps))
    return offers


def is_glob(model: str) -> bool:
    """Whether a model is written as a pattern."""
    return not _GLOB_MARKS.isdisjoint(model)


def _provider(reader: Reader, value: object, path: Path, terms: ParseDefaults) -> str:
    if value is None:
        return ANY
    name = reader.text(value, path)
    return name if name == ANY else terms.canonical(name)


def _aliases(
    reader: Reader, value: object, path: Path, provider: str, terms: ParseDefaults
) -> tuple[tuple[str, str], ...]:
    """``provider:model`` holds at that provider, a bare name at the provider of the entry."""
    pairs: list[tuple[str, str]] = []
    for alias in reader.texts(value, path):
        before, colon, after = alias.partition(":")
        if colon and after and terms.is_provider(before):
            pairs.append((terms.canonical(before), after))
        else:
            pairs.append((provider, alias))
    return tuple(pairs)


def _steps(
    reader: Reader, value: object, path: Path, scale: Scale, common: PriceStep
) -> tuple[PriceStep, ...]:
    """Dated prices, oldest first; `common` has the tiers and schedule of those without own ones."""
    steps: list[PriceStep] = []
    items = [(path, value)] if isinstance(value, dict) else [
        ((*path, i), item) for i, item in enumerate(reader.items(value, path))
    ]  # fmt: skip
    for here, item in items:
        raw = reader.mapping(item, here, _RATE_SPELLINGS | _STEP_KEYS)
        since = raw.get("effective_from")
        start = reader.moment_ns(since, (*here, "effective_from")) if since else BEGINNING_NS
        rates = read_rates(reader, _only_rates(raw), here, scale)
        tiers, schedule = common.tiers, common.schedule
        if "tiers" in raw:
            tiers = _tiers(reader, raw["tiers"], (*here, "tiers"), scale)
        if "schedule" in raw:
            schedule = read_schedule(reader, raw["schedule"], (*here, "schedule"))
        check_complete(reader, rates, here)
        check_plausible(reader, rates, here)
        steps.append(PriceStep(start, rates, tiers, schedule))
    steps.sort(key=lambda step: step.start_ns)
    if len({step.start_ns for step in steps}) < len(steps):
        reader.wrong(path, "has two prices from the same moment on", "give each effective_from")
    return tuple(steps)


def _only_rates(raw: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in raw.items() if key in _RATE_SPELLINGS}


def _tiers(reader: Reader, value: object, path: Path, scale: Scale) -> tuple[Tier, ...]:
    tiers: list[Tier] = []
    for i, item in enumerate(reader.items(value, path)):
        here = (*path, i)
        raw = reader.mapping(item, here, _RATE_SPELLINGS | {"above", "inclusive"})
        if "above" not in raw:
            reader.wrong(here, "has no threshold", "write `above: 200000`")
        above = reader.whole(raw.get("above"), (*here, "above"), 0)
        if reader.flag(raw.get("inclusive"), (*here, "inclusive")):
            above -= 1
        rates = read_rates(reader, _only_rates(raw), here, scale)
        check_plausible(reader, rates, here)
        tiers.append(Tier(above, rates))
    return tuple(sorted(tiers, key=lambda tier: tier.above))


def _served(reader: Reader, value: object, path: Path, scale: Scale) -> dict[str, ServiceTier]:
    served: dict[str, ServiceTier] = {}
    for tier, item in reader.mapping(value, path).items():
        here = (*path, tier)
        raw = reader.mapping(item, here, _RATE_SPELLINGS | {"multiplier"})
        rates = read_rates(reader, _only_rates(raw), here, scale)
        if "multiplier" in raw:
            factor = reader.multiplier(raw["multiplier"], (*here, "multiplier"))
            served[tier.lower()] = ServiceTier(rates, factor)
        elif rates:
            served[tier.lower()] = ServiceTier(rates)
        else:
            reader.wrong(here, "has no price", "write `multiplier: 0.5`, or prices")
    return served


def _adjust(reader: Reader, value: object, path: Path) -> Fraction | None:
    if value is None:
        return None
    raw = reader.mapping(value, path, {"multiplier"})
    if "multiplier" not in raw:
        reader.wrong(path, "has no multiplier", "write `adjust: {multiplier: 0.85}`")
        return None
    return reader.multiplier(raw["multiplier"], (*path, "multiplier"))


def _check_sense(reader: Reader, raw: Mapping[str, Any], offer: PriceEntry, path: Path) -> None:
    """Refuse entries that say nothing, or two things at once."""
    if offer.steps and offer.adjust is not None:
        reader.wrong(path, "has prices and adjust", "adjust changes the catalogue; keep one")
    if "prices" in raw or offer.adjust is not None:
        return
    if not offer.aliases:
        reader.wrong(path, "has no prices", "write prices, adjust or aliases")
    elif is_glob(offer.model):
        reader.wrong(path, "is a pattern with aliases but no prices", "name one model")
    elif any(key in raw for key in ("tiers", "schedule", "service_tiers")):
        reader.wrong(path, "has no prices for its tiers or schedule", "write prices")
