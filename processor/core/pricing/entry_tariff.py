"""Compiling one operator entry to a tariff, with the catalogue filling what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from processor.core.money import Rates
from processor.core.pricing.shapes import (
    NO_TIER_PRICE,
    REGIONAL,
    CacheDefaults,
    Partial,
    PriceEntry,
    PriceStep,
    ServiceTier,
    Step,
    Surcharge,
    Table,
    Tariff,
    Tier,
    Window,
)
from processor.core.pricing.tariff import (
    complete_entry,
    map_table,
    merge,
    row_for,
    scale_tokens,
    step_at,
)
from processor.core.providers import split_tier


def compile_entry(
    entry: PriceEntry, catalogue: Tariff, defaults: CacheDefaults, tier: str
) -> Tariff:
    """The prices of an entry over time.

    Before the entry's first price the catalogue's holds, and where the entry has no price for
    cached tokens or searches the catalogue's of the same day does. `tier` is a service tier;
    an entry without that tier keeps its standard price and says so. A region that the tier names
    (``geo:us``) multiplies the entry's own token rates, where the entry has it.
    """
    service, region = split_tier(tier)
    served = entry.service_tiers.get(service)
    note = NO_TIER_PRICE if service and served is None else ""
    uplift = region_multiplier(entry.regions, region)
    starts = {own.start_ns for own in entry.steps} | {step.start_ns for step in catalogue}
    steps: list[Step] = []
    for start_ns in sorted(starts):
        own = _price_at(entry, start_ns)
        theirs = step_at(catalogue, start_ns)
        if own is not None:
            listed = theirs.table if theirs else None
            table = _scaled(_table(own, served, listed, defaults), uplift)
            steps.append(Step(start_ns, table, _windows(table, own.schedule), note))
        elif theirs is not None:
            steps.append(theirs)
    return merge(steps)


def _price_at(entry: PriceEntry, start_ns: int) -> PriceStep | None:
    in_force = [step for step in entry.steps if step.start_ns <= start_ns]
    return in_force[-1] if in_force else None


def _table(
    own: PriceStep, served: ServiceTier | None, listed: Table | None, defaults: CacheDefaults
) -> Table:
    """Complete rates for every size of request; a tier's missing rates are those of the base."""
    served = served or ServiceTier({})
    thresholds = sorted({tier.above for tier in (*own.tiers, *served.tiers)})
    rows: list[Rates] = []
    for above in (None, *thresholds):
        merged = {
            **own.rates,
            **_tier_rates(own.tiers, above),
            **served.rates,
            **_tier_rates(served.tiers, above),
        }
        rows.append(complete_entry(merged, listed and row_for(listed, above), defaults))
    return _scaled(Table(tuple(thresholds), tuple(rows)), served.multiplier)


def _tier_rates(tiers: tuple[Tier, ...], above: int | None) -> Partial:
    """The rates of the highest tier at or below a threshold."""
    reached = [tier for tier in tiers if above is not None and tier.above <= above]
    return reached[-1].rates if reached else {}


def region_multiplier(regions: Mapping[str, Fraction], region: str) -> Fraction:
    """What a region multiplies token rates with: ``us-east5`` is also ``us``, and `REGIONAL`."""
    if not regions or not region:
        return Fraction(1)
    names = (region, region.partition("-")[0], REGIONAL)
    return next((regions[name] for name in names if name in regions), Fraction(1))


def _windows(table: Table, schedule: tuple[Surcharge, ...]) -> tuple[tuple[Window, Table], ...]:
    return tuple((item.window, _scaled(table, item.multiplier)) for item in schedule)


def _scaled(table: Table, multiplier: Fraction) -> Table:
    if multiplier == 1:
        return table
    return map_table(table, lambda row: scale_tokens(row, multiplier))


def flat_table(rates: Partial, defaults: CacheDefaults) -> Table:
    """The table of prices that depend on nothing."""
    return Table((), (complete_entry(rates, None, defaults),))
