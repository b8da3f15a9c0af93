"""The dataset `focus`: FOCUS 1.2, the open specification of cost data, a row for each meter.

Source: https://focus.finops.org, version 1.2. What it has no column for is in columns that begin
with ``x_``, as it asks for; properties of models and tokens in `SkuPriceDetails` are those of its
draft 1.5, with ``x_`` until that is ratified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from typing import Final, NamedTuple

from processor.core.columns import DECIMAL_DIGITS, Value
from processor.core.model import NS_PER_S, DimensionSet
from processor.core.questions import CellRow, PricedBy
from processor.surfaces.exports.focus_columns import COLUMNS
from processor.surfaces.exports.focus_names import UNKNOWN, publisher_of, service_of
from processor.surfaces.exports.sums import is_cost_unknown, object_text

_AT: Final = {column.name: at for at, column in enumerate(COLUMNS)}
_TOKENS_PRICED: Final = 1_000_000
"""Prices are for that many, as providers publish them."""
_NANO: Final = Decimal("1e-9")
_DECIMAL: Final = Decimal(1).scaleb(-DECIMAL_DIGITS)
_TAGGED: Final = ("agent", "feature", "purpose", "service", "task_type")
_TEMPLATES_CACHED_MAX: Final = 20_000
_PRECISION: Final = 60
_STANDARD: Final = "standard"

Row = tuple[Value, ...]


class Meter(NamedTuple):
    """What is measured, and what it is called."""

    name: str
    text: str
    """As it reads before the name of a model."""
    slug: str
    direction: str | None = None
    cache: str | None = None

    @property
    def is_tokens(self) -> bool:
        """Whether it counts tokens."""
        return self.direction is not None


_METERS: Final = (
    Meter("Input Tokens", "input tokens", "input", "Input", "Uncached"),
    Meter("Cache Read Input Tokens", "cache read tokens", "cache-read", "Input", "Read"),
    Meter("Cache Write Input Tokens", "cache write tokens", "cache-write", "Input", "Write"),
    Meter("Output Tokens", "output tokens", "output", "Output"),
)
_REQUESTS: Final = Meter("Requests", "requests", "requests")
"""What is charged by something else than tokens: for a request, a search, an image, or as a sum."""
_NOT_PRICED: Final = Meter("", "tokens", "")


class Period(NamedTuple):
    """Times in epoch seconds, each ``[start, end)``."""

    start_s: int
    end_s: int
    billing_start_s: int
    billing_end_s: int


def rows_of(cell: CellRow, period: Period, account: str) -> Iterator[Row]:
    """The rows of what one combination of dimensions has used, in the order of `COLUMNS`.

    Their costs add up to its cost, and counts of calls and savings stand in the first row only,
    so that they add up as well. What began a run of an agent and nothing else makes no row.
    """
    first = True
    for meter, quantity, tokens, cost in _measured(cell):
        row = list(_template(cell.dimensions, meter, account))
        _set_times(row, period)
        _set_cost(row, meter, quantity, cost)
        _set_pricing(row, cell.priced_by)
        row[_AT["x_ConsumedTokens"]] = tokens
        totals = cell.totals
        row[_AT["x_AtLeast"]] = totals.unpriced > 0
        row[_AT["x_Calls"]] = totals.calls if first else 0
        row[_AT["x_UnpricedCalls"]] = totals.unpriced if first else 0
        row[_AT["x_DoubtfulCalls"]] = totals.doubtful_calls if first else 0
        row[_AT["x_SavedCost"]] = totals.saved_nano_usd if first else 0
        first = False
        yield tuple(row)


def _measured(cell: CellRow) -> Iterator[tuple[Meter, int, int, int]]:
    """Meters with the quantity, the tokens in it, and the cost in nano-USD."""
    totals, parts = cell.totals, cell.parts
    if is_cost_unknown(totals):
        yield _NOT_PRICED, 0, totals.tokens, 0
        return
    uncached = totals.input_tokens - totals.cached_tokens - parts.cache_write_tokens
    measured = (
        (uncached, parts.input_nano_usd),
        (totals.cached_tokens, parts.cache_read_nano_usd),
        (parts.cache_write_tokens, parts.cache_write_nano_usd),
        (totals.output_tokens, parts.output_nano_usd),
    )
    rest, rest_tokens, is_any = totals.cost_nano_usd, totals.tokens, False
    for meter, (quantity, cost) in zip(_METERS, measured, strict=True):
        if quantity <= 0 or cost < 0:
            continue
        yield meter, quantity, quantity, cost
        rest, rest_tokens, is_any = rest - cost, rest_tokens - quantity, True
    if rest or rest_tokens or (not is_any and totals.calls):
        # A sum that an agent reported for all below it is of no call in this cell.
        yield _REQUESTS, max(totals.calls, 1), rest_tokens, rest


def _set_times(row: list[Value], period: Period) -> None:
    row[_AT["BillingPeriodStart"]] = period.billing_start_s * NS_PER_S
    row[_AT["BillingPeriodEnd"]] = period.billing_end_s * NS_PER_S
    row[_AT["ChargePeriodStart"]] = period.start_s * NS_PER_S
    row[_AT["ChargePeriodEnd"]] = period.end_s * NS_PER_S


def _set_cost(row: list[Value], meter: Meter, quantity: int, nano_usd: int) -> None:
    """Costs, quantities and unit prices; a price times its quantity is the cost again."""
    for name in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"):
        row[_AT[name]] = nano_usd
    if meter is _NOT_PRICED:
        return
    row[_AT["ConsumedQuantity"]] = quantity
    row[_AT["PricingQuantity"]] = (
        Decimal(quantity) / _TOKENS_PRICED if meter.is_tokens else Decimal(quantity)
    )
    if quantity > 0 and nano_usd >= 0:
        with localcontext(prec=_PRECISION):
            price = nano_usd * _NANO * (_TOKENS_PRICED if meter.is_tokens else 1) / quantity
            price = price.quantize(_DECIMAL, ROUND_HALF_EVEN)
        row[_AT["ListUnitPrice"]] = row[_AT["ContractedUnitPrice"]] = price


def _set_pricing(row: list[Value], priced_by: PricedBy) -> None:
    """By which prices; several of them, where the sum has calls of several, are listed."""
    row[_AT["x_PriceVersion"]] = _listed(priced_by.price_versions)
    row[_AT["x_CostRule"]] = _listed(priced_by.rules)
    if not any(priced_by.tiers):
        return
    row[_AT["x_ServiceTier"]] = _listed([tier or _STANDARD for tier in priced_by.tiers])
    if row[_AT["PricingCategory"]] is not None:
        row[_AT["PricingCategory"]] = "Other"
        if len(priced_by.tiers) == 1:
            row[_AT["SkuPriceId"]] = f"{row[_AT['SkuPriceId']]}/{priced_by.tiers[0]}"


def _listed(texts: Sequence[str]) -> str | None:
    return ", ".join(filter(None, texts)) or None


@lru_cache(_TEMPLATES_CACHED_MAX)
def _template(dimensions: DimensionSet, meter: Meter, account: str) -> Row:
    """What stands in each row of these dimensions and this meter."""
    provider, model = dimensions.provider, dimensions.model
    service = service_of(provider)
    tags = {name: getattr(dimensions, name) for name in _TAGGED} | dict(dimensions.own)
    values: dict[str, Value] = {
        "BillingAccountId": account,
        "BillingAccountName": account,
        "BillingAccountType": "Ledger",
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{meter.text} of {model or UNKNOWN}",
        "ChargeFrequency": "Usage-Based",
        "InvoiceIssuerName": service.provider,
        "PricingCurrency": "USD",
        "ProviderName": service.provider,
        "PublisherName": publisher_of(provider, model),
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": service.service,
        "ServiceSubcategory": "Generative AI",
        "Tags": object_text({name: value for name, value in tags.items() if value}),
        "x_CostBasis": "estimated",
        "x_CostStatus": dimensions.status or None,
        "x_Kind": dimensions.kind or None,
    }
    if dimensions.org:
        values |= {
            "SubAccountId": dimensions.org,
            "SubAccountName": dimensions.org,
            "SubAccountType": "Organization",
        }
    if meter is not _NOT_PRICED:
        values |= _sku(dimensions, meter)
    return tuple(values.get(column.name) for column in COLUMNS)


def _sku(dimensions: DimensionSet, meter: Meter) -> dict[str, Value]:
    provider, model = dimensions.provider, dimensions.model
    sku = f"{provider or UNKNOWN}/{model or UNKNOWN}/{meter.slug}"
    details = {
        "x_ModelId": model,
        "x_ModelDeveloper": publisher_of(provider, model) if model else "",
        "x_TokenDirection": meter.direction,
        "x_TokenCacheAction": meter.cache,
    }
    return {
        "ConsumedUnit": "Tokens" if meter.is_tokens else "Requests",
        "PricingCategory": "Standard",
        "PricingUnit": "1000000 Tokens" if meter.is_tokens else "Requests",
        "SkuId": sku,
        "SkuMeter": meter.name,
        "SkuPriceId": sku,
        "SkuPriceDetails": object_text({name: value for name, value in details.items() if value}),
    }
