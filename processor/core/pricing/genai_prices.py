"""genai-prices as a catalogue: its data compiled to tables.

The library's own price function is not used: it costs tens of microseconds a call, and raises
where usage does not add up. `model_search` finds its models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import genai_prices
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from processor.core.money import FEMTO_PER_USD
from processor.core.pricing.catalogues import Listing
from processor.core.pricing.model_search import ProviderModels, find_model, load_providers
from processor.core.pricing.names import Candidate
from processor.core.pricing.shapes import (
    BEGINNING_NS,
    NO_TIER_PRICE,
    Step,
    Table,
    Tariff,
    Window,
)
from processor.core.pricing.tariff import complete, merge
from processor.core.providers import split_tier

VERSION: str = genai_prices.__version__

_EVERY_DAY = frozenset(range(7))
_LONG_AGO = date(2000, 1, 1)

_UNITS: dict[str, tuple[str, int]] = {
    "input_mtok": ("input", 10**6),
    "output_mtok": ("output", 10**6),
    "cache_read_mtok": ("cache_read", 10**6),
    "cache_write_mtok": ("cache_write", 10**6),
    "cache_write_1h_mtok": ("cache_write_1h", 10**6),
    "output_reasoning_mtok": ("reasoning", 10**6),
    "input_audio_mtok": ("audio_input", 10**6),
    "input_image_mtok": ("image_input", 10**6),
    "output_audio_mtok": ("audio_output", 10**6),
    "output_image_mtok": ("image_output", 10**6),
    "cache_audio_read_mtok": ("audio_cache_read", 10**6),
    "cache_image_read_mtok": ("image_cache_read", 10**6),
    "input_video_mtok": ("video_input", 10**6),
    "output_video_mtok": ("video_output", 10**6),
    "output_citation_mtok": ("citations", 10**6),
    "requests_kcount": ("requests", 10**3),
    "web_searches_kcount": ("web_searches", 10**3),
    "storage_searches_kcount": ("searches", 10**3),
    "input_mchars": ("characters", 10**6),
    "audio_hours": ("duration_ms", 3_600_000),
    "input_audio_hours": ("duration_ms", 3_600_000),
    "input_document_kpages": ("pages", 10**3),
}
"""The catalogue's price -> field of `model.Usage`, and for how many units it is quoted.

Prices for units that spans do not carry (annotated pages, text messages of voice models) are left
out; a model that has only such prices has none for us.
"""


class GenaiPrices:
    """The catalogue that is installed with the program."""

    version = f"genai-prices {VERSION}"

    def __init__(self) -> None:
        """Index its models by name."""
        self._providers: Mapping[str, ProviderModels] = load_providers()

    def has_provider(self, provider: str) -> bool:
        """Whether it has prices of a provider."""
        return provider in self._providers

    def find(self, provider: str, names: Sequence[Candidate]) -> Listing | None:
        """The model that the names of a call mean at a provider."""
        result = find_model(self._providers, provider, names)
        if result is None:
            return None
        found, how = result
        own = found.provider == provider

        def compile_at(tier: str) -> Tariff:
            # Its service tiers are those of the maker; another provider need not offer them.
            return compile_model(found.model, split_tier(tier)[0] if own else "")

        return Listing("", found.provider, found.model.id, found.is_full_match, how, compile_at)


def price_dates() -> tuple[date, ...]:
    """The days on which a price in the catalogue starts, oldest first.

    The catalogue carries no date of its own; its newest price that is already in force shows
    how old it is at most.
    """
    days: set[date] = set()
    for provider in get_snapshot().providers:
        for model in provider.models:
            days.update(_start_dates(model))
    return tuple(sorted(days))


def compile_model(model: types.ModelInfo, tier: str = "") -> Tariff:
    """The prices of a model over time; empty when it has none in units that spans carry.

    `tier` is a service tier (flex, priority, batch, fast); ``""`` the standard one.
    Steps where the catalogue has no price for the tier hold the standard price and say so.
    """
    if not model.prices:
        return ()
    context = {"service_tier": tier, "processing": tier, "speed": tier} if tier else {}
    steps: list[Step] = []
    for day in (None, *_start_dates(model)):
        when = datetime.combine(day or _LONG_AGO, time.min, UTC)
        start_ns = BEGINNING_NS if day is None else int(when.timestamp()) * 10**9
        table, windows = _day(model, when, context)
        note = "" if not tier or _has_variant(model, when, context) else NO_TIER_PRICE
        steps.append(Step(start_ns, table, windows, note))
    return merge(steps) if any(step.table is not None for step in steps) else ()


def _day(
    model: types.ModelInfo, midnight: datetime, context: Mapping[str, str]
) -> tuple[Table | None, tuple[tuple[Window, Table], ...]]:
    """The table that holds from a day's start on, and those for other hours of its days."""
    bounds = sorted({0, *_hours(model)})
    base: Table | None = None
    windows: list[tuple[Window, Table]] = []
    for start, end in zip(bounds, [*bounds[1:], 24 * 60], strict=True):
        table = _table(model.get_prices(midnight + timedelta(minutes=start), context))
        if start == 0:
            base = table
        elif table is not None and table != base:
            windows.append((Window(_EVERY_DAY, start, end), table))
    return base, tuple(windows)


def _table(prices: types.ModelPrice) -> Table | None:
    """Complete rates for every size of request, from prices of the catalogue."""
    known = {
        _UNITS[key]: value
        for key, value in vars(prices).items()
        if key in _UNITS and value is not None
    }
    if not known:
        return None
    above = sorted(
        {
            tier.start
            for v in known.values()
            if isinstance(v, types.TieredPrices)
            for tier in v.tiers
        }
    )
    rows = [
        complete({name: _femto(_at(value, size), per) for (name, per), value in known.items()})
        for size in (0, *(threshold + 1 for threshold in above))
    ]
    return Table(tuple(above), tuple(rows))


def _at(value: Decimal | types.TieredPrices, size: int) -> Decimal:
    """The price for a request of a size; tiers start just above their threshold."""
    if isinstance(value, Decimal):
        return value
    return next((t.price for t in reversed(value.tiers) if size > t.start), value.base)


def _femto(price: Decimal, per: int) -> int:
    """Femto-USD for one unit, half-even where the price is finer than that."""
    return int((price * (FEMTO_PER_USD // per)).to_integral_value())


def _conditions(model: types.ModelInfo) -> list[object]:
    prices = model.prices if isinstance(model.prices, list) else []
    return [item.constraint for item in (*prices, *(model.price_variants or ()))]


def _start_dates(model: types.ModelInfo) -> Sequence[date]:
    found = _conditions(model)
    return sorted({c.start_date for c in found if isinstance(c, types.StartDateConstraint)})


def _hours(model: types.ModelInfo) -> set[int]:
    found = [c for c in _conditions(model) if isinstance(c, types.TimeOfDateConstraint)]
    return {_minute(bound) for c in found for bound in (c.start_time, c.end_time)}


def _minute(bound: time) -> int:
    if bound.tzinfo is not None:
        bound = datetime.combine(date(1970, 1, 2), bound).astimezone(UTC).time()
    return bound.hour * 60 + bound.minute


def _has_variant(model: types.ModelInfo, when: datetime, context: Mapping[str, str]) -> bool:
    return any(
        all(context.get(key) == value for key, value in variant.when.items())
        and (variant.constraint is None or variant.constraint.active(when))
        for variant in model.price_variants or ()
    )
