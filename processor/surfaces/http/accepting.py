"""Which form of an answer a client accepts, and whether it has it already (RFC 9110)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from processor.surfaces.http.problems import NotAcceptableError

Form = Literal["json", "csv"]

_TYPES: Final[dict[Form, str]] = {"json": "application/json", "csv": "text/csv"}
_RANGES_MAX: Final = 50


def form_of(accept: str) -> Form:
    """The form that an ``Accept`` header prefers. Raises NotAcceptableError."""
    ranges = list(_ranges(accept)) if accept.strip() else [("*/*", 1.0)]
    weights: dict[Form, float] = {form: _weight(kind, ranges) for form, kind in _TYPES.items()}
    if not any(weights.values()):
        raise NotAcceptableError(f"there is only {' and '.join(_TYPES.values())}")
    # JSON where both are as good.
    return "csv" if weights["csv"] > weights["json"] else "json"


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether an ``If-None-Match`` header names a weak entity tag."""
    if if_none_match.strip() == "*":
        return True
    given = (each.strip().removeprefix("W/") for each in if_none_match.split(","))
    return tag.removeprefix("W/") in given


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for each in accept.split(",")[:_RANGES_MAX]:
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                weight = _number(value)
        yield kind, weight


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _weight(kind: str, ranges: list[tuple[str, float]]) -> float:
    """Of the most exact range that names a type."""
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        weights = [weight for name, weight in ranges if name == wanted]
        if weights:
            return max(weights)
    return 0.0
