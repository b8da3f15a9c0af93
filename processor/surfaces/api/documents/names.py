"""What is used: dimensions and their values, models and their prices."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.surfaces.api.documents.costs import Rest
from processor.surfaces.api.documents.sums import Sums, sums_of
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    known,
    moment,
)
from processor.surfaces.queries import DimensionsReport, PricedModel, PricesReport


class ValueSums(Sums):
    """One value of a dimension, and what it has used."""

    value: str | None = Field(description="Null for what has none.")
    label: str | None = Field(description="What people call it: the title of a task.")


class DimensionDocument(Document):
    """A dimension that questions may name."""

    name: str
    own: bool = Field(description="The settings declare it.")
    values: list[ValueSums] | None = Field(
        description="Those that cost most, largest first; null where they were not asked for."
    )
    further: int = Field(description="How many more values there are.")


class DimensionsDocument(Answer):
    """The dimensions that questions may name."""

    data: list[DimensionDocument]
    next_cursor: str | None = Field(description="Always null: all dimensions are there.")
    starting_at: Moment | None = Field(description="Of the time that values were used in.")
    ending_at: Moment | None
    time_zone: str
    partial: list[str]

    @classmethod
    def from_report(cls, report: DimensionsReport) -> DimensionsDocument:
        """The document of a report."""
        zone = ZoneInfo(report.time_zone)
        rows = []
        for each in report.dimensions:
            values = None
            if each.values is not None:
                values = [
                    ValueSums(
                        value=known(group.values[0]),
                        label=known(group.label),
                        **sums_of(group.totals),
                    )
                    for group in each.values
                ]
            rows.append(
                DimensionDocument(
                    name=each.name, own=each.is_own, values=values, further=each.further
                )
            )
        return cls(
            data=rows,
            next_cursor=None,
            starting_at=moment(report.start_s, zone),
            ending_at=moment(report.end_s, zone),
            time_zone=report.time_zone,
            partial=[],
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )


class RateDocument(Document):
    """What one quantity costs."""

    quantity: str = Field(description="`input`, `cache_read`, `output` … in disjoint counts.")
    usd: str = Field(description="An exact decimal number.", examples=["2.5"])
    per: int = Field(description="How many that is for: a million tokens, one image …")


class ModelPrice(Sums):
    """A model that was used: what it used at the prices of then, and what it costs now."""

    provider: str | None
    model: str | None
    status: str = Field(description="How the price is known, as in llm.cost.status.")
    reason: str | None
    rule: str | None = Field(description="The entry that decided.")
    source: Literal["price_file", "catalogue", "built_in"] | None = Field(
        description="Who says the price; null where there is none."
    )
    source_line: int | None = Field(
        description="The line of the price file that decided, or that changed a catalogue's price."
    )
    price_version: str
    rates: list[RateDocument] = Field(description="Base rates; empty without a price.")
    has_more_rates: bool = Field(
        description="Further rates hold for large requests, or at other times."
    )

    @classmethod
    def from_model(cls, each: PricedModel) -> ModelPrice:
        """The document of a model."""
        price = each.price
        return cls(
            provider=known(each.provider),
            model=known(each.model),
            status=price.status,
            reason=known(price.reason),
            rule=known(price.rule),
            source=price.source or None,
            source_line=price.source_line or None,
            price_version=price.version,
            rates=[
                RateDocument(quantity=rate.name, usd=rate.usd, per=rate.per) for rate in price.rates
            ],
            has_more_rates=price.has_more,
            **sums_of(each.totals),
        )


class PricesDocument(Answer):
    """The models that were used in a time, with their prices in force; largest cost first."""

    data: list[ModelPrice]
    other: Rest | None = Field(description="Models that are not listed; null where all are.")
    next_cursor: str | None = Field(description="Always null; raise `limit` for more.")
    price_file: str | None = Field(description="Null for the bundled prices.")
    price_version: str
    catalogues: list[str] = Field(
        description="The published catalogues behind the price file, in the order asked."
    )
    catalogue_age_days: int | None = Field(
        description="Of the newest price of the catalogue that is installed with the program; null "
        "where it is not asked."
    )
    starting_at: Moment | None
    ending_at: Moment | None
    time_zone: str
    partial: list[str]

    @classmethod
    def from_report(cls, report: PricesReport, price_file: str) -> PricesDocument:
        """The document of a report."""
        zone = ZoneInfo(report.time_zone)
        others = report.others
        rest = None
        if others is not None:
            rest = Rest(groups=others.groups, **sums_of(others.totals))
        return cls(
            data=[ModelPrice.from_model(each) for each in report.models],
            other=rest,
            next_cursor=None,
            price_file=known(price_file),
            price_version=report.version,
            catalogues=list(report.catalogues),
            catalogue_age_days=report.catalogue_age_days,
            starting_at=moment(report.start_s, zone),
            ending_at=moment(report.end_s, zone),
            time_zone=report.time_zone,
            partial=[],
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )
