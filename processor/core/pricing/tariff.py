"""Rates over time: picking those that hold, completing partial ones, scaling them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from processor.core.model import Usage
from processor.core.money import Rates
from processor.core.pricing.shapes import CacheDefaults, Partial, Step, Table, Tariff, Window

UNIT_FIELDS = (
    "requests", "web_searches", "characters", "duration_ms", "images", "pages", "searches",
)  # fmt: skip
"""Fields of `model.Usage` that do not count tokens."""
IS_TOKEN_RATE = tuple(name not in UNIT_FIELDS for name in Usage._fields)
ALTERNATIVE_FIELDS = ("characters", "duration_ms", "images", "pages")
"""Fields of `model.Usage` that some models are priced by where a call reports no tokens."""
_MINUTE_NS = 60 * 10**9
_DAY_MIN = 24 * 60
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday


@dataclass(slots=True)
class Chosen:
    """The rates that hold for a request, and where in the tariff they stand."""

    rates: Rates
    above: int | None
    """The tier's threshold in tokens; None for the base tier."""
    note: str


def choose(tariff: Tariff, time_ns: int, context_tokens: int) -> Chosen | None:
    """The rates in force at a moment for a request with so many input tokens, cache included.

    None when no price was in force then. A whole request has the rates of one tier.
    """
    step = step_at(tariff, time_ns)
    if step is None:
        return None
    table = step.table
    for window, other in step.windows:
        if holds(window, time_ns):
            table = other
            break
    if table is None:
        return None
    row = bisect_left(table.above, context_tokens)
    return Chosen(table.rows[row], table.above[row - 1] if row else None, step.note)


def step_at(tariff: Tariff, time_ns: int) -> Step | None:
    """The step in force at a moment, if there is one."""
    for step in reversed(tariff):  # Most calls are recent, and a tariff has few steps.
        if step.start_ns <= time_ns:
            return step
    return None


def row_for(table: Table, above: int | None) -> Rates:
    """The row for a request just above a threshold; the base row for None."""
    return table.rows[0 if above is None else bisect_left(table.above, above + 1)]


def holds(window: Window, time_ns: int) -> bool:
    """Whether a moment lies in a weekly window, on the clock of the window's zone."""
    weekday, minute = _clock(time_ns, window.zone)
    if window.start_min < window.end_min:
        return weekday in window.days and window.start_min <= minute < window.end_min
    if minute >= window.start_min:
        return weekday in window.days
    return minute < window.end_min and (weekday - 1) % 7 in window.days


def _clock(time_ns: int, zone: ZoneInfo | None) -> tuple[int, int]:
    if zone is not None:
        try:
            local = datetime.fromtimestamp(time_ns // 10**9, UTC).astimezone(zone)
        except (ValueError, OverflowError, OSError):
            pass  # A time outside the calendar has no local clock; UTC arithmetic still works.
        else:
            return local.weekday(), local.hour * 60 + local.minute
    days, minute = divmod(time_ns // _MINUTE_NS, _DAY_MIN)
    return (days + _EPOCH_WEEKDAY) % 7, minute


def complete(rates: Partial) -> Rates:
    """Give every unit a rate: what has none of its own takes its nearest relative's, never zero.

    Cached reads and writes take the input rate, one-hour writes the write rate, reasoning the
    output rate, audio, image and video that of their direction. Without an output rate
    (embeddings) output is not billed; what is not counted in tokens is billed only where it has
    a rate.
    """
    input_rate = rates.get("input", 0)
    output_rate = rates.get("output", 0)
    cache_read = rates.get("cache_read", input_rate)
    cache_write = rates.get("cache_write", input_rate)
    full = Usage(
        input=input_rate,
        cache_read=cache_read,
        cache_write=cache_write,
        cache_write_1h=rates.get("cache_write_1h", cache_write),
        audio_input=rates.get("audio_input", input_rate),
        image_input=rates.get("image_input", input_rate),
        output=output_rate,
        reasoning=rates.get("reasoning", output_rate),
        audio_output=rates.get("audio_output", output_rate),
        image_output=rates.get("image_output", output_rate),
        audio_cache_read=rates.get("audio_cache_read", cache_read),
        image_cache_read=rates.get("image_cache_read", cache_read),
        video_input=rates.get("video_input", input_rate),
        video_output=rates.get("video_output", output_rate),
        citations=rates.get("citations", output_rate),
        **{name: rates.get(name, 0) for name in UNIT_FIELDS},
    )
    return tuple(full)


def complete_entry(rates: Partial, catalogue: Rates | None, defaults: CacheDefaults) -> Rates:
    """Complete an operator's rates: cache and search rates from the catalogue, then the defaults.

    A cached read never costs more than the operator's own input rate.
    """
    input_rate = rates.get("input", 0)
    filled: dict[str, int] = {
        "cache_read": scale(input_rate, defaults.read),
        "cache_write": scale(input_rate, defaults.write),
        "cache_write_1h": rates.get("cache_write", scale(input_rate, defaults.write_1h)),
    }
    if catalogue is not None and input_rate:
        theirs = Usage(*catalogue)
        # A catalogue row is complete; a rate equal to its stand-in says nothing of its own.
        if theirs.cache_read != theirs.input:
            filled["cache_read"] = min(theirs.cache_read, input_rate)
        if theirs.cache_write != theirs.input:
            filled["cache_write"] = theirs.cache_write
        if theirs.cache_write_1h != theirs.cache_write:
            filled["cache_write_1h"] = theirs.cache_write_1h
        filled["web_searches"] = theirs.web_searches
    return complete(filled | dict(rates))


def scale(femto_usd: int, multiplier: Fraction) -> int:
    """A rate times an exact multiplier, half-even to whole femto-USD."""
    return round(femto_usd * multiplier)


def scale_all(rates: Rates, multiplier: Fraction) -> Rates:
    """Every rate times a multiplier, fees too."""
    return tuple(scale(rate, multiplier) for rate in rates)


def scale_tokens(rates: Rates, multiplier: Fraction) -> Rates:
    """Every token rate times a multiplier; fees for requests and searches stay."""
    return tuple(
        scale(rate, multiplier) if is_token else rate
        for rate, is_token in zip(rates, IS_TOKEN_RATE, strict=True)
    )


def with_rates(rates: Rates, changed: Partial) -> Rates:
    """The same rates but for those in `changed`."""
    return tuple(Usage(*rates)._replace(**changed))


def map_table(table: Table, change: Callable[[Rates], Rates]) -> Table:
    """A table with every row changed alike."""
    return Table(table.above, tuple(change(row) for row in table.rows))


def map_tariff(tariff: Tariff, change: Callable[[Rates], Rates]) -> Tariff:
    """A tariff with every row changed alike."""
    return tuple(
        step._replace(
            table=step.table and map_table(step.table, change),
            windows=tuple((window, map_table(t, change)) for window, t in step.windows),
        )
        for step in tariff
    )


def merge(steps: Iterable[Step]) -> Tariff:
    """A tariff from steps in order of time, without those that change nothing."""
    merged: list[Step] = []
    for step in steps:
        if not merged or merged[-1][1:] != step[1:]:
            merged.append(step)
    return tuple(merged)


def flatten(tariff: Tariff) -> Rates | None:
    """The rates of a tariff that depends on neither time nor size, else None."""
    if len(tariff) != 1 or tariff[0].windows or tariff[0].note or tariff[0].start_ns >= 0:
        return None
    table = tariff[0].table
    return table.rows[0] if table is not None and not table.above else None
