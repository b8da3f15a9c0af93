"""The settings of files that are written whenever a day or month is over."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator, ValidationInfo, model_validator

from processor.config.values import Section, duration, one_or_more
from processor.core.budgets.checks import OWN_DIMENSIONS
from processor.core.files.checks import (
    InvalidValueError,
    choice,
    optional,
    shown,
    text,
    time_zone,
)
from processor.core.files.similar import nearest
from processor.core.files.validation import OptionalText, Text, Whole
from processor.core.questions import DIMENSIONS

_EXPORTS_MAX: Final = 50
_VALUES_MAX: Final = 100
_FILTERED: Final = tuple(name for name in DIMENSIONS if name != "trace")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


def _filters(value: object, info: ValidationInfo) -> dict[str, tuple[str, ...]]:
    """A map of dimensions to the value, or the list of values, that each may have."""
    if not isinstance(value, dict):
        what = f"must be a map of dimensions to values, got {shown(value)}"
        raise InvalidValueError(what, "write {model: [gpt-4o, gpt-4o-mini]}")
    known = (*_FILTERED, *((info.context or {}).get(OWN_DIMENSIONS, ())))
    return {_dimension(name, known): _values(name, each) for name, each in value.items()}


def _dimension(name: object, known: Collection[str]) -> str:
    word = text(name)
    if word not in known:
        near = nearest(word, known)
        guess = f"did you mean {near}? " if near else ""
        what = f"unknown dimension {shown(word)}"
        fix = f"{guess}known: {', '.join(known)}; others are declared under dimensions"
        raise InvalidValueError(what, fix)
    return word


def _values(name: object, value: object) -> tuple[str, ...]:
    listed = one_or_more(value, _VALUES_MAX, "values", name)
    if not all(isinstance(each, str) for each in listed):
        raise InvalidValueError(f"the values of {name} must be texts", "put them in quotes")
    return tuple(dict.fromkeys(map(str, listed)))


def _zone(value: object) -> str:
    return time_zone(value).key


class ScheduledExport(Section):
    """One export: which rows, in which files, and where."""

    dataset: Annotated[
        Literal["calls", "usage", "focus"],
        PlainValidator(choice(("calls", "usage", "focus"), "dataset")),
    ] = Field(
        default="usage",
        description="calls, a row for each; usage, sums by every combination of dimensions; or "
        "focus, the same in the columns of FOCUS 1.2.",
    )
    format: Annotated[
        Literal["csv", "csv.gz", "parquet"],
        PlainValidator(choice(("csv", "csv.gz", "parquet"), "format")),
    ] = Field(default="csv", description="csv, csv.gz or parquet, which needs pyarrow.")
    folder: OptionalText = Field(
        default="",
        description="Where to write; it is made where it is missing. Empty: "
        "<data_dir>/exports/NAME.",
    )
    every: Annotated[
        Literal["day", "month"], PlainValidator(choice(("day", "month"), "period"))
    ] = Field(default="day", description="day or month: the time of one file.")
    delay_s: Annotated[float, PlainValidator(duration(0.0))] = Field(
        default=900.0,
        alias="delay",
        description="How long after the end of a day or month its file is written, so that calls "
        "that come late are in it.",
    )
    look_back: Whole = Field(
        default=7,
        ge=1,
        le=400,
        description="How many days or months back are written when they were missed, and written "
        "anew when their calls changed afterwards.",
    )
    time_zone: Annotated[str, PlainValidator(optional(_zone))] = Field(
        default="",
        description="Where days and months begin. Empty: that of the budgets. focus has UTC.",
    )
    grain: Annotated[Literal["hour", "day"], PlainValidator(choice(("hour", "day"), "grain"))] = (
        Field(default="day", description="hour or day: what a row of usage or focus adds up.")
    )
    filters: Annotated[Mapping[str, tuple[str, ...]], PlainValidator(_filters)] = Field(
        default={},
        description="Only what has these values, by dimension, such as {team: [search, ads]}; "
        'what has none is "".',
    )
    unpriced: Annotated[
        Literal["include", "omit", "fail"],
        PlainValidator(choice(("include", "omit", "fail"), "way")),
    ] = Field(
        default="include",
        description="Rows of unknown cost: include, omit, or fail where there is one, and try "
        "again until it has a price.",
    )
    account: Text = Field(default="llm-cost", description="The billing account that focus names.")

    @model_validator(mode="after")
    def _is_in_utc(self) -> ScheduledExport:
        if self.dataset == "focus" and self.time_zone not in {"", "UTC"}:
            what = f"is UTC for focus, not {self.time_zone}"
            raise InvalidValueError(what, "leave it out", at=("time_zone",))
        return self

    def describe(self) -> str:
        """What it writes, and where, in words."""
        return f"{self.dataset} as {self.format}, a file each {self.every}, in {self.folder}"


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        what = f"has {shown(value)}, which cannot be the name of an export"
        raise InvalidValueError(what, "use up to 50 lower-case letters, digits, _ and -")
    return value


ScheduledExports = dict[Annotated[str, PlainValidator(_name)], ScheduledExport]


def check_exports(exports: Mapping[str, ScheduledExport]) -> None:
    """Raises InvalidValueError where two would write the same files, or there are too many."""
    if len(exports) > _EXPORTS_MAX:
        what = f"must be at most {_EXPORTS_MAX}, has {len(exports)}"
        raise InvalidValueError(what, at=("exports",))
    users: dict[tuple[str, str], str] = {}
    for name, each in exports.items():
        other = users.setdefault((each.folder, each.dataset), name) if each.folder else name
        if other != name:
            what = f"is that of {other}, which writes {each.dataset} as well"
            raise InvalidValueError(what, "name another one", at=("exports", name, "folder"))


def own_dimensions_of(declared: object) -> Sequence[str]:
    """The names that a file declares, before it is known whether all of them can be."""
    return [str(name) for name in declared] if isinstance(declared, dict) else []
