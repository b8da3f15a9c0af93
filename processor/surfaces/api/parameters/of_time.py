"""What every endpoint takes, and a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from processor.core.errors import InvalidQuestionError
from processor.surfaces.api.moments import parse_moment
from processor.surfaces.queries import (
    TimeRange,
    check_zone,
)

_WINDOW: Final = "^(today|yesterday|(last_?)?week|(last_?)?month|all|[1-9][0-9]{0,4}[hd])?$"
_MOMENT: Final = (
    "^((19[7-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    "(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])?)?)?$"
)
"""What the description says of words and moments; what they mean, others check."""
_LAST_MONTH: Final = "30d"
PATH: Final[JsonDict] = {"in": "path"}
"""Marks a field that stands in the path."""

Filter = Annotated[
    dict[str, list[str]],
    Field(
        description="Accepted values by dimension: `filter[model]=a,b`. Repeat it for more values, "
        "and write a comma within a value as `\\,`. An empty value accepts what has none; all "
        "filters have to be met."
    ),
]
Cursor = Annotated[
    str, Field(description="`next_cursor` of the page before; leave it out for the first page.")
]


class Parameters(BaseModel):
    """What every endpoint takes."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    format: Literal["json", "csv"] = Field(
        "json", description="`csv` gives the rows as a table, as `Accept: text/csv` does."
    )
    time_zone: str = Field(
        "",
        description="Where days begin and what times are written in, as an IANA name; without it "
        "the time zone of the budgets file.",
        examples=["Europe/Berlin"],
    )

    @property
    def is_of_now(self) -> bool:
        """Whether the answer depends on when it is asked for, beside what the ledger holds."""
        return False

    def zone(self, default: ZoneInfo) -> ZoneInfo:
        """The time zone asked for. Raises InvalidQuestionError."""
        return check_zone(self.time_zone) if self.time_zone else default


class InTime(Parameters):
    """A time, in words or from a moment to a moment; all time without any of them."""

    window: str = Field(
        "",
        description="`today`, `yesterday`, `week`, `last_week`, `month`, `last_month`, `all`, or a "
        "length up to now such as `24h` or `7d`.",
        examples=["month"],
        json_schema_extra={"pattern": _WINDOW},
    )
    starting_at: str = Field(
        "",
        description="Included: RFC 3339, or a date, which without an offset is in `time_zone`.",
        examples=["2026-11-01"],
        json_schema_extra={"pattern": _MOMENT},
    )
    ending_at: str = Field(
        "",
        description="Excluded; now where only `starting_at` is given.",
        json_schema_extra={"pattern": _MOMENT},
    )

    @property
    def is_of_now(self) -> bool:
        """Words mean another time later, and what begins somewhere and has no end ends now."""
        is_open = bool(self.starting_at) and not self.ending_at
        return is_open or self.window not in {"", "all"}

    def time(self, default: ZoneInfo) -> TimeRange:
        """The time asked about. Raises InvalidQuestionError."""
        zone = self.zone(default)
        start_s = end_s = None
        if self.starting_at:
            start_s = parse_moment("starting_at", self.starting_at, zone)
        if self.ending_at:
            end_s = parse_moment("ending_at", self.ending_at, zone)
        if start_s is not None and end_s is not None and start_s >= end_s:
            what = f"must be after starting_at, {self.starting_at}"
            raise InvalidQuestionError("ending_at", what)
        return TimeRange(self.window, start_s, end_s, self.time_zone)


class InLastMonth(InTime):
    """A time; the last 30 days without any."""

    window: str = Field("", description="As for costs; 30d unless a time is given.")

    @property
    def is_of_now(self) -> bool:
        """Without a time it is the last month, and the prices of now change with time."""
        return True

    def time(self, default: ZoneInfo) -> TimeRange:
        """The time asked about. Raises InvalidQuestionError."""
        time = super().time(default)
        is_given = time.window or time.start_s is not None or time.end_s is not None
        return time if is_given else replace(time, window=_LAST_MONTH)
