"""What advice may take for granted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from processor.config.values import Section, one_or_more
from processor.core.files.checks import InvalidValueError, shown, text
from processor.core.files.validation import Flag
from processor.core.insight import LowQuality
from processor.core.questions import DIMENSIONS

_VALUES_MAX: Final = 100
_QUALITY: Final = "model.quality_requirement"
"""The attribute that says which quality an application needs."""
_LOW: Final = "low"

_Values = tuple[tuple[str, tuple[str, ...]], ...]


def _values(value: object) -> _Values:
    """A map of dimensions to values; whether each is one is known once all settings are read."""
    if not isinstance(value, dict):
        raise InvalidValueError(
            f"must be a map of dimensions to values, got {shown(value)}",
            "write {task_type: [classify, extract]}",
        )
    return tuple((text(name), _listed(name, each)) for name, each in value.items())


def _listed(name: object, value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(text, one_or_more(value, _VALUES_MAX, "values", name))))


class Insight(Section):
    """Suggestions of what would cost less (`llm-cost advise`)."""

    low_quality: Annotated[_Values, PlainValidator(_values)] = Field(
        default=(),
        description="Calls that a smaller model does well enough, by the values of dimensions, "
        "such as {task_type: [classify, extract]}: one of them is enough. For these a smaller "
        "model is suggested; for others it is shown as a what-if. Where a "
        f"dimension of your own is read from {_QUALITY}, the span of a call says so with the value "
        f"{_LOW}.",
    )
    hints: Flag = Field(
        default=False,
        description="Write on such calls that a smaller model would do: model.recommendation with "
        "could_downgrade, and prompt.could_use_haiku and the like. Only what the span itself says "
        "counts, and one that has a recommendation of its own gets none.",
    )


def low_quality_of(
    insight: Insight, dimensions: Collection[tuple[str, tuple[str, ...]]]
) -> LowQuality:
    """Which calls need no better answer than a smaller model gives."""
    where = {name: frozenset(values) for name, values in insight.low_quality}
    said = {name: frozenset({_LOW}) for name, attributes in dimensions if _QUALITY in attributes}
    return LowQuality(where, said)


def check_low_quality(insight: Insight, own: Collection[str]) -> None:
    """Raises InvalidValueError for what is no dimension."""
    known = [name for name in (*DIMENSIONS, *own) if name != "trace"]
    for name, _ in insight.low_quality:
        if name not in known:
            raise InvalidValueError(
                f"has {name}, which is no dimension",
                f"choose from {', '.join(known)}, or declare it under dimensions",
                at=("insight", "low_quality"),
            )
