"""What /metrics tells apart of what was spent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from processor.config.values import Section, items
from processor.core.files.checks import InvalidValueError, text
from processor.core.files.validation import Flag, Whole
from processor.core.questions import SET_DIMENSIONS

_DIMENSIONS_MAX: Final = 6
_TAKEN: Final = frozenset({"type", "direction", "cache", "job", "instance", "le", "quantile"})
"""Labels that metrics have for something else, or that Prometheus sets."""


def _dimensions(value: object) -> tuple[str, ...]:
    """A list of dimensions; whether each is one is known once all settings are read."""
    found = tuple(dict.fromkeys(text(each) for each in items(value, "write [model, provider]")))
    if len(found) > _DIMENSIONS_MAX:
        raise InvalidValueError(f"must be at most {_DIMENSIONS_MAX}, has {len(found)}")
    for name in found:
        if name in _TAKEN or name.startswith("__"):
            what = f"has {name}, which is a label of Prometheus or of these metrics already"
            raise InvalidValueError(what, "give this dimension of your own another name")
    return found


class Spend(Section):
    """Cost, calls, tokens, savings and cache hits by model and what else is chosen."""

    enabled: Flag = Field(
        default=True,
        description="Show them, and how budgets stand. /metrics asks for no token, so whoever "
        "reaches it sees sums by model and the names of budgets.",
    )
    dimensions: Annotated[tuple[str, ...], PlainValidator(_dimensions)] = Field(
        default=("model", "provider"),
        description="Labels of these metrics: any of "
        f"{', '.join(SET_DIMENSIONS)}, and dimensions of your own. Users, sessions, tasks and "
        "traces are too many for labels. With other ones the counters begin again, from what has "
        "been charged by then.",
    )
    values_max: Whole = Field(
        default=100,
        ge=1,
        le=1_000,
        description="Combinations of their values that are shown, each with about twenty series; "
        "further ones are together those whose labels are all `other`. One that is shown stays, "
        "so that no counter falls. More takes effect for combinations that come later.",
    )


def check_dimensions(spend: Spend, own: Collection[str]) -> None:
    """Raises InvalidValueError for what is neither a dimension of few values nor an own one."""
    known = (*SET_DIMENSIONS, *own)
    for name in spend.dimensions:
        if name not in known:
            what = f"has {name}, which has too many values or is no dimension"
            raise InvalidValueError(
                what, f"choose from {', '.join(known)}, or declare it under dimensions",
                at=("telemetry", "metrics", "spend", "dimensions"),
            )  # fmt: skip
