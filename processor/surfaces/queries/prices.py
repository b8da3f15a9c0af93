"""What the models that are used cost at the prices in force, and where these are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from processor.core.model import Totals
from processor.core.pricing import Catalog, PriceInForce, price_in_force
from processor.surfaces.queries.answers import AsOf, Others, UsageReport


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model that was used, and its price now."""

    provider: str
    model: str
    totals: Totals
    """What it has used, at the prices of then."""
    price: PriceInForce


@dataclass(frozen=True, slots=True)
class PricesReport:
    """The models that were used in a time, and what each costs now."""

    models: Sequence[PricedModel]
    """Largest cost first."""
    others: Others | None
    start_s: int
    end_s: int
    time_zone: str
    version: str
    """Of the prices in force."""
    catalogues: Sequence[str]
    """The published catalogues behind the price file, with their versions, in the order asked."""
    catalogue_age_days: int | None
    """Of the newest price of the installed catalogue; None where it is not asked."""
    as_of: AsOf


def with_prices_in_force(report: UsageReport, catalog: Catalog, now_ns: int) -> PricesReport:
    """What each group of a report by provider and model costs now.

    A model that is looked up for the first time takes 0.1 ms, so this is no work for a thread that
    reads the ledger.
    """
    models = [
        PricedModel(provider, model, totals, price_in_force(catalog, provider, model, now_ns))
        for (provider, model), totals in ((each.values, each.totals) for each in report.groups)
        if totals.calls or provider or model  # Not the starts of agents, which are no calls.
    ]
    return PricesReport(
        models,
        report.others,
        report.start_s,
        report.end_s,
        report.time_zone,
        catalog.version,
        catalog.catalogue_names,
        catalog.age_days(now_ns),
        report.as_of,
    )
