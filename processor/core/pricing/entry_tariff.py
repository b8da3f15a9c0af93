"""Compiling one operator entry to a tariff, with the catalogue filling what it leaves out."""

from __future__ import annotations

from fractions import Fraction

from processor.core.money import Rates
from processor.core.pricing.published import NO_TIER_PRICE
from processor.core.pricing.shapes import (
    CacheDefaults,
    Partial,
    PriceEntry,
    PriceStep,
    ServiceTier,
    Step,
    Surcharge,
    Table,
    Tariff,
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


def compile_entry(
    entry: PriceEntry, catalogue: Tariff, defaults: CacheDefaults, tier: str
) -> Tariff:
    """The prices of an entry over time.

    Before the entry's first price the catalogue's holds, and where the entry has no price for
    cached tokens or searches the catalogue's of the same day does. `tier` is a service tier;
    an entry without that tier keeps its standard price and says so.
    """
    served = entry.service_tiers.get(tier)
    note = NO_TIER_PRICE if tier and served is None else ""
    starts = {own.start_ns for own in entry.steps} | {step.start_ns for step in catalogue}
    steps: list[Step] = []
    for start_ns in sorted(starts):
        own = _price_at(entry, start_ns)
        theirs = step_at(catalogue, start_ns)
        if own is not None:
            listed = theirs.table if theirs else None
            table = _table(own, served, listed, defaults)
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
    rows: list[Rates] = []
    for above, rates in ((None, own.rates), *((t.above, t.rates) for t in own.tiers)):
        merged = {**own.rates, **rates, **(served.rates if served else {})}
        rows.append(complete_entry(merged, listed and row_for(listed, above), defaults))
    table = Table(tuple(t.above for t in own.tiers), tuple(rows))
    return _scaled(table, served.multiplier) if served else table


def _windows(table: Table, schedule: tuple[Surcharge, ...]) -> tuple[tuple[Window, Table], ...]:
    return tuple((item.window, _scaled(table, item.multiplier)) for item in schedule)


def _scaled(table: Table, multiplier: Fraction) -> Table:
    return map_table(table, lambda row: scale_tokens(row, multiplier))


def flat_table(rates: Partial, defaults: CacheDefaults) -> Table:
    """The table of prices that depend on nothing."""
    return Table((), (complete_entry(rates, None, defaults),))
