"""What calls would have cost with other models, or at other prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processor.core.errors import InvalidQuestionError
from processor.core.insight import Name, NotComparable, WhatIf, WhatIfRow, named_model
from processor.core.model import NS_PER_S, Calendar
from processor.core.ports import LedgerReader
from processor.core.pricing import Catalog
from processor.core.questions import Filters
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import AsOf
from processor.surfaces.queries.checks import CheckedRange
from processor.surfaces.queries.requests import WhatIfRequest
from processor.surfaces.queries.stored_calls import CallsReading

_MODELS_MAX = 20


@dataclass(frozen=True, slots=True)
class CheckedWhatIf:
    """A request that has been checked."""

    time: CheckedRange
    filters: Filters
    replacements: Mapping[str, Name]
    now_ns: int


@dataclass(frozen=True, slots=True)
class WhatIfReport:
    """What calls have cost, and would have cost. Only calls of which both is known are compared."""

    start_s: int
    end_s: int
    time_zone: str
    replacements: Mapping[str, Name]
    price_version: str
    """Of the prices that the calls would have had."""
    calls: int
    actual_nano_usd: int
    other_nano_usd: int
    models: Sequence[WhatIfRow]
    """The largest difference first."""
    not_comparable: Sequence[NotComparable]
    """Calls that are in neither sum, with why."""
    newly_priced: tuple[int, int]
    """Calls whose cost is unknown, and would not have been, and what they would have cost."""
    partial: tuple[str, ...]
    """Why calls are missing."""
    as_of: AsOf


def check_what_if(
    request: WhatIfRequest,
    calendar: Calendar,
    own: Sequence[str],
    now_ns: int,
    catalog: Catalog,
) -> CheckedWhatIf:
    """The question that a request means. Raises InvalidQuestionError."""
    time = checks.check_range(request.time, calendar, now_ns // NS_PER_S)
    filters = dict(checks.check_filters(request.filters, own))
    replacements = _replacements(request.models, catalog)
    if replacements:
        if "model" in filters:
            what = "cannot be used with model, which says already which calls are meant"
            raise InvalidQuestionError("filters[model]", what, "leave one of them out")
        filters["model"] = tuple(replacements)
    return CheckedWhatIf(time, tuple(sorted(filters.items())), replacements, now_ns)


def _replacements(models: Sequence[str], catalog: Catalog) -> dict[str, Name]:
    if len(models) > _MODELS_MAX:
        raise InvalidQuestionError("model", f"takes up to {_MODELS_MAX} models")
    found: dict[str, Name] = {}
    for text in models:
        model, name = _replacement(text, catalog)
        if found.setdefault(model, name) != name:
            what = f"has two that are to stand for {model[:80]!r}"
            raise InvalidQuestionError("model", what, "ask once for each")
    return found


def _replacement(text: str, catalog: Catalog) -> tuple[str, Name]:
    model, equals, other = (part.strip() for part in text.partition("="))
    if not (model and equals and other):
        fix = "write MODEL=OTHER, such as gpt-4o=gpt-4o-mini"
        raise InvalidQuestionError("model", f"{text[:80]!r} names no other model", fix)
    name = named_model(other, catalog)
    if name is None:
        fix = "name one that llm-cost price knows, or give it a price in the price file"
        raise InvalidQuestionError("model", f"there is no price for {other[:80]!r}", fix)
    return model, name


async def what_if_report(
    reader: LedgerReader, asked: CheckedWhatIf, catalog: Catalog
) -> WhatIfReport:
    """Answer a request. Raises what `LedgerReader.ask` raises."""
    found = WhatIf(asked.replacements, catalog)
    reading = CallsReading(reader, asked.time, asked.filters, asked.now_ns)
    await reading.go_through(found.add)
    return WhatIfReport(
        reading.start_s,
        reading.end_s,
        asked.time.calendar.zone.key,
        asked.replacements,
        catalog.version,
        found.calls,
        found.actual_nano_usd,
        found.other_nano_usd,
        found.models(),
        found.not_comparable(),
        found.newly_priced,
        reading.partial,
        reading.as_of,
    )
