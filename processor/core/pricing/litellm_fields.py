"""The fields of an entry in LiteLLM's price file, as prices of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeGuard

from processor.core.money import FEMTO_PER_USD
from processor.core.pricing.shapes import (
    BEGINNING_NS,
    REGIONAL,
    Partial,
    PriceEntry,
    PriceStep,
    ServiceTier,
    Surcharge,
    Tier,
    Window,
)
from processor.core.pricing.tariff import ALTERNATIVE_FIELDS

_USD_MAX = 1000
"""For one unit; what is more is a mistake of the file."""
_TOKENS_MAX = 10**9

_TOKENS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "input_cost_per_token_cache_hit": "cache_read",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
    "cache_read_input_audio_token_cost": "audio_cache_read",
    "cache_read_input_image_token_cost": "image_cache_read",
    "input_cost_per_video_token": "video_input",
    "output_cost_per_video_token": "video_output",
    "output_cost_per_reasoning_token": "reasoning",
    "citation_cost_per_token": "citations",
}
_TIER_OF_SUFFIX = {"batches": "batch"}
_FIELD = re.compile(
    r"(?P<field>.+?)(?:_above_(?P<thousands>\d{1,6})k_tokens)?"
    r"(?:_(?P<tier>flex|priority|batches|balanced|decisions|ultrafast))?"
)
_DURATION_MODES = frozenset({"audio_transcription", "audio_speech", "video_generation", "realtime"})
_IMAGE_MODES = frozenset({"image_generation", "image_edit"})
_SEARCH_MODES = frozenset({"rerank", "search"})
_CHAT_MODES = frozenset({"", "chat", "completion", "responses"})
_WITHOUT_OUTPUT = _SEARCH_MODES | {"embedding", "moderation"}
"""Models that answer with vectors, scores or results: nobody bills these as output tokens."""
_PER_SECOND = (
    "input_cost_per_second", "output_cost_per_second", "output_cost_per_video_per_second",
    "input_cost_per_audio_per_second",
)  # fmt: skip

Rates = dict[str, int]


def entry_of(provider: str, name: str, fields: Mapping[str, Any]) -> PriceEntry | None:
    """The prices of one entry; None where it has none, only zeros, or not all that a call needs."""
    by_tier = _token_rates(fields)
    mode = fields.get("mode")
    mode = mode if isinstance(mode, str) else ""
    base = {**by_tier.get("", {}).get(0, {}), **_unit_rates(fields, mode)}
    _fill_sides(base, mode)
    if not any(base.values()) or _is_incomplete(base, mode):
        return None
    tiers = _tiers(by_tier.pop("", {}))
    return PriceEntry(
        provider,
        name,
        steps=(PriceStep(BEGINNING_NS, base, tiers, _schedule(fields, base)),),
        service_tiers=_service_tiers(fields, by_tier, tiers),
        regions=_regions(fields),
        alternatives=mode in _DURATION_MODES | _IMAGE_MODES
        and bool(base.get("input") or base.get("output"))
        and any(base.get(unit) for unit in ALTERNATIVE_FIELDS),
    )


def _is_number(value: object, least: int | Decimal, most: int) -> TypeGuard[int | Decimal]:
    """Whether a value of the file is a number within bounds; exponents can be absurd."""
    return (
        isinstance(value, int | Decimal)
        and not isinstance(value, bool)
        and (least <= value <= most)
    )


def _prices(fields: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The fields that are an amount of USD, in femto-USD."""
    for name, value in fields.items():
        if _is_number(value, 0, _USD_MAX):
            yield name, int((Decimal(value) * FEMTO_PER_USD).to_integral_value())


def _token_rates(fields: Mapping[str, Any]) -> dict[str, dict[int, Rates]]:
    """Service tier -> threshold in input tokens -> rates."""
    found: dict[str, dict[int, Rates]] = {}
    for name, femto in _prices(fields):
        match = _FIELD.fullmatch(name)
        if match is None or match["field"] not in _TOKENS:
            continue
        suffix = match["tier"] or ""
        rows = found.setdefault(_TIER_OF_SUFFIX.get(suffix, suffix), {})
        rates = rows.setdefault(int(match["thousands"] or 0) * 1000, {})
        kind = _TOKENS[match["field"]]
        if femto or kind in {"input", "output"}:  # Elsewhere a zero says that nothing is known.
            rates[kind] = femto
    for start, item in _steps_of(fields.get("tiered_pricing")):
        own = _token_rates({key: each for key, each in item.items() if key != "tiered_pricing"})
        found.setdefault("", {}).setdefault(start, {}).update(own.get("", {}).get(0, {}))
    return found


def _steps_of(tiered: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Prices by size of request: from how many input tokens on, and the fields that hold then."""
    for item in tiered if isinstance(tiered, list) else ():
        bounds = item.get("range") if isinstance(item, dict) else None
        if isinstance(bounds, list) and bounds and _is_number(bounds[0], 0, _TOKENS_MAX):
            yield int(bounds[0]), item


def _unit_rates(fields: Mapping[str, Any], mode: str) -> Rates:
    """Rates of what is not counted in tokens, as far as it is clear what they are for."""
    prices = dict(_prices(fields))
    rates: Rates = {}
    if mode in _DURATION_MODES:
        rates["duration_ms"] = max(prices.get(name, 0) for name in _PER_SECOND) // 1000
    if mode == "audio_speech" or not mode:
        both = ("input_cost_per_character", "output_cost_per_character")
        rates["characters"] = max(prices.get(name, 0) for name in both)
    if mode in _IMAGE_MODES:
        one = prices.get("output_cost_per_image") or prices.get("input_cost_per_image", 0)
        rates["images"] = one
    if mode == "embedding":
        rates["images"] = prices.get("input_cost_per_image", 0)
    if mode in _SEARCH_MODES:
        rates["searches"] = prices.get("input_cost_per_query", 0)
    rates["requests"] = prices.get("input_cost_per_request", 0)
    rates["pages"] = prices.get("ocr_cost_per_page", 0)
    sizes = fields.get("search_context_cost_per_query")
    if isinstance(sizes, dict):  # Searches of a medium size are what is asked for by default.
        rates["web_searches"] = dict(_prices(sizes)).get("search_context_size_medium", 0)
    return {name: rate for name, rate in rates.items() if rate}


def _fill_sides(base: Rates, mode: str) -> None:
    """Where a model puts out images or speech only, or takes speech only, that is its price."""
    produced = base.get("image_output") or base.get("audio_output")
    if produced and not base.get("output"):
        base["output"] = produced
    audio = base.get("audio_input")
    if audio and not base.get("input") and mode not in _CHAT_MODES:
        base["input"] = audio


def _is_incomplete(base: Rates, mode: str) -> bool:
    """Whether a call would have tokens that the entry has no price for.

    That output costs nothing is known of some kinds of models, and where the entry says so of
    a model that neither talks nor draws, as it does of those that only classify.
    """
    given, made = bool(base.get("input")), bool(base.get("output"))
    if mode in _CHAT_MODES:
        return given != made
    is_stated = "output" in base and mode not in _IMAGE_MODES
    return given and not made and not is_stated and mode not in _WITHOUT_OUTPUT


def _tiers(rows: Mapping[int, Partial]) -> tuple[Tier, ...]:
    return tuple(Tier(above, rates) for above, rates in sorted(rows.items()) if above)


def _service_tiers(
    fields: Mapping[str, Any], by_tier: Mapping[str, Mapping[int, Rates]], base: tuple[Tier, ...]
) -> Mapping[str, ServiceTier]:
    """Those that the entry has; large requests that have no rates there have the standard ones."""
    found: dict[str, ServiceTier] = {}
    for name, rows in by_tier.items():
        if any(rows.get(0, {}).values()):
            tiers = {tier.above: tier.rates for tier in base}
            tiers |= {above: {**tiers.get(above, {}), **rows[above]} for above in rows if above}
            found[name] = ServiceTier(rows[0], tiers=_tiers(tiers))
    fast = _multiplier(_specific(fields).get("fast"))
    if fast is not None:
        found["fast"] = ServiceTier({}, fast)
    return found


def _regions(fields: Mapping[str, Any]) -> Mapping[str, Fraction]:
    """What is asked more for where a call is served."""
    stated = {
        "us": fields.get("regional_processing_uplift_multiplier_us") or _specific(fields).get("us"),
        "eu": fields.get("regional_processing_uplift_multiplier_eu") or _specific(fields).get("eu"),
        REGIONAL: fields.get("regional_endpoint_uplift_multiplier"),
    }
    found = {name: _multiplier(value) for name, value in stated.items()}
    return {name: value for name, value in found.items() if value is not None}


def _specific(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    found = fields.get("provider_specific_entry")
    return found if isinstance(found, dict) else {}


def _multiplier(value: object) -> Fraction | None:
    return Fraction(value) if _is_number(value, Decimal("0.001"), 100) else None


_DAY_MIN = 24 * 60
_HOURS = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)")
_DAYS = range(1, 8)


def _schedule(fields: Mapping[str, Any], base: Rates) -> tuple[Surcharge, ...]:
    """Hours at which every rate is the same part of the usual one; other hours are left out."""
    cheap = fields.get("off_peak_pricing")
    if not isinstance(cheap, dict):
        return ()
    rates = _token_rates(cheap).get("", {}).get(0, {})
    parts = {Fraction(rate, base[name]) for name, rate in rates.items() if base.get(name)}
    if len(parts) != 1:
        return ()
    windows = cheap.get("windows")
    return tuple(
        Surcharge(window, next(iter(parts)))
        for each in (windows if isinstance(windows, list) else ())
        if isinstance(each, dict)
        for window in _windows(each)
    )


def _windows(stated: Mapping[str, Any]) -> Iterator[Window]:
    """``{"hours_utc": ["04:00-06:00"], "weekdays": [1, 2]}``; Monday is 1."""
    hours, given = stated.get("hours_utc"), stated.get("weekdays")
    days = frozenset(day - 1 for day in _DAYS if not isinstance(given, list) or day in given)
    for text in hours if isinstance(hours, list) else [hours]:
        times = _HOURS.fullmatch(text) if isinstance(text, str) else None
        if times is not None:
            start, end = (int(times[at]) * 60 + int(times[at + 1]) for at in (1, 3))
            yield Window(days, start, end or _DAY_MIN)
