"""The entries of a price file: from their form to what prices are looked up in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from processor.core.files.document import Findings
from processor.core.pricing import entry_form as form
from processor.core.pricing.rates import Scale, check_plausible, check_units, rates_of
from processor.core.pricing.shapes import (
    ANY,
    BEGINNING_NS,
    PriceEntry,
    PriceStep,
    ServiceTier,
    Surcharge,
    Tier,
    Window,
)

_GLOB_MARKS = frozenset("*?[")


class ParseDefaults(NamedTuple):
    """What holds for every entry of a file unless the entry says otherwise."""

    unit: str
    usd_rate: Decimal
    canonical: Callable[[str], str]
    """Spelling of a provider -> canonical id."""
    is_provider: Callable[[str], bool]
    """Whether the part of an alias before a colon names a provider."""


def read_entry(entry: form.Entry, defaults: ParseDefaults, findings: Findings) -> PriceEntry:
    """One item of ``models``."""
    is_own_unit = entry.unit is not None
    scale = Scale(entry.unit or defaults.unit, defaults.usd_rate, explicit=is_own_unit)
    provider = entry.provider if entry.provider == ANY else defaults.canonical(entry.provider)
    tiers = _tiers(entry.tiers, scale, findings)
    common = PriceStep(BEGINNING_NS, {}, tiers, _surcharges(entry.schedule))
    read = PriceEntry(
        provider=provider,
        model=entry.model,
        aliases=tuple(_alias(each, provider, defaults) for each in entry.aliases),
        steps=_steps(entry.prices, common, scale, findings),
        service_tiers={
            name.lower(): _service_tier(tier, scale, findings)
            for name, tier in entry.service_tiers.items()
        },
        adjust=entry.adjust.multiplier if entry.adjust else None,
        regions={name.lower(): multiplier for name, multiplier in entry.regions.items()},
        estimated=entry.estimated,
        alternatives=entry.units == "without_tokens",
        source_line=findings.document.line(entry.place),
    )
    check_units(scale, entry.place, findings)
    _check_sense(entry, findings)
    return read


def read_short(
    provider: str, model: str, prices: form.Prices, defaults: ParseDefaults, findings: Findings
) -> PriceEntry:
    """One model of the short form of a provider: ``{gpt-4o: {input: 0.0025, output: 0.01}}``."""
    scale = Scale(defaults.unit, defaults.usd_rate, explicit=False)
    rates = rates_of(prices.given, scale, findings)
    check_plausible(rates, prices.place, findings)
    check_units(scale, prices.place, findings)
    step = PriceStep(BEGINNING_NS, rates)
    return PriceEntry(
        defaults.canonical(provider),
        model.strip().lower(),
        steps=(step,),
        source_line=findings.document.line(prices.place),
    )


def is_glob(model: str) -> bool:
    """Whether a model is written as a pattern."""
    return not _GLOB_MARKS.isdisjoint(model)


def _alias(alias: str, provider: str, defaults: ParseDefaults) -> tuple[str, str]:
    """``provider:model`` holds at that provider, a bare name at the provider of the entry."""
    before, colon, after = alias.partition(":")
    if colon and after and defaults.is_provider(before):
        return defaults.canonical(before), after
    return provider, alias


def _steps(
    prices: Sequence[form.Step], common: PriceStep, scale: Scale, findings: Findings
) -> tuple[PriceStep, ...]:
    """Dated prices, oldest first; `common` has the tiers and schedule of those without own ones."""
    steps: list[PriceStep] = []
    for each in prices:
        rates = rates_of(each.given, scale, findings)
        check_plausible(rates, each.place, findings)
        tiers, schedule = common.tiers, common.schedule
        if "tiers" in each.model_fields_set:
            tiers = _tiers(each.tiers, scale, findings)
        if "schedule" in each.model_fields_set:
            schedule = _surcharges(each.schedule)
        steps.append(PriceStep(each.effective_from, rates, tiers, schedule))
    return tuple(sorted(steps, key=lambda step: step.start_ns))


def _tiers(tiers: Sequence[form.Tier], scale: Scale, findings: Findings) -> tuple[Tier, ...]:
    found: list[Tier] = []
    for each in tiers:
        rates = rates_of(each.given, scale, findings)
        check_plausible(rates, each.place, findings)
        found.append(Tier(each.above - int(each.inclusive), rates))
    return tuple(sorted(found, key=lambda tier: tier.above))


def _surcharges(schedule: Sequence[form.Schedule]) -> tuple[Surcharge, ...]:
    return tuple(
        Surcharge(
            Window(frozenset(each.days), each.start_min, each.end_min, each.tz), each.multiplier
        )
        for each in schedule
    )


def _service_tier(tier: form.ServiceTier, scale: Scale, findings: Findings) -> ServiceTier:
    rates = rates_of(tier.given, scale, findings)
    own = ServiceTier(rates, tiers=_tiers(tier.tiers, scale, findings))
    return own if tier.multiplier is None else own._replace(multiplier=tier.multiplier)


def _check_sense(entry: form.Entry, findings: Findings) -> None:
    """Refuse entries that say nothing, or two things at once."""
    place, has_prices = entry.place, "prices" in entry.model_fields_set
    if entry.prices and entry.adjust:
        findings.problem(place, "has prices and adjust", "adjust changes the catalogue; keep one")
    if has_prices or entry.adjust:
        return
    if not entry.aliases:
        findings.problem(place, "has no prices", "write prices, adjust or aliases")
    elif is_glob(entry.model):
        findings.problem(place, "is a pattern with aliases but no prices", "name one model")
    elif entry.tiers or entry.schedule or entry.service_tiers:
        findings.problem(place, "has no prices for its tiers or schedule", "write prices")
