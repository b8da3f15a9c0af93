"""The parameters of every endpoint, as models: they validate, and OpenAPI is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from processor.core.errors import InvalidQuestionError
from processor.surfaces.api.moments import parse_moment
from processor.surfaces.queries import (
    AUDIT_MAX,
    CALLS_MAX,
    GROUPS_MAX,
    TRACES_MAX,
    UNKNOWN_MAX,
    CallsRequest,
    TimeRange,
    TracesRequest,
    UsageRequest,
    check_zone,
    unknown_word,
)
from processor.surfaces.queries import TRACE_OWNERS as OWNERS

BUCKETS: Final[Mapping[str, str]] = {
    "15m": "15min", "1h": "hour", "1d": "day", "1w": "week", "1mo": "month",
}  # fmt: skip
"""The words for buckets, and those of questions, which are accepted as well."""
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

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

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
    )
    starting_at: str = Field(
        "",
        description="Included: RFC 3339, or a date, which without an offset is in `time_zone`.",
        examples=["2026-11-01"],
    )
    ending_at: str = Field("", description="Excluded; now where only `starting_at` is given.")

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


class CostsParameters(InTime):
    """How much was used: in all, in buckets of time, and by up to two dimensions."""

    group_by: list[str] = Field(
        default_factory=list, description="Up to two dimensions; repeat it, or use a comma."
    )
    filter: Filter = Field(default_factory=dict)
    bucket: str = Field("", description="`15m`, `1h`, `1d`, `1w` or `1mo`.", examples=["1d"])
    order_by: str = Field(
        "-cost_usd", description="`-cost_usd`, `-calls` or `-tokens`: the largest come first."
    )
    limit: int = Field(20, ge=1, le=GROUPS_MAX, description="Groups to list; the rest is one row.")
    compare: Literal["previous"] | None = Field(
        None, description="`previous` gives the range before as well."
    )
    classes: bool = Field(
        default=False, description="Whether tokens and costs by class are wanted as well."
    )

    @property
    def is_of_now(self) -> bool:
        """A bucket says whether it is over."""
        return bool(self.bucket) or super().is_of_now

    def request(self, default: ZoneInfo) -> UsageRequest:
        """The question. Raises InvalidQuestionError."""
        if self.bucket and self.bucket not in {*BUCKETS, *BUCKETS.values()}:
            raise unknown_word("bucket", self.bucket, BUCKETS)
        orders = {"-cost_usd": "cost", "-calls": "calls", "-tokens": "tokens"}
        order_by = orders.get(self.order_by, self.order_by)
        if order_by not in orders.values():
            raise unknown_word("order_by", self.order_by, orders)
        return UsageRequest(
            self.time(default),
            bucket=BUCKETS.get(self.bucket, self.bucket),
            group_by=self.group_by,
            filters=self.filter,
            order_by=order_by,
            limit=self.limit,
            compare=self.compare is not None,
            with_parts=self.classes,
        )


class CallsParameters(InTime):
    """Which calls there were."""

    filter: Filter = Field(default_factory=dict)
    cursor: Cursor = ""
    limit: int = Field(50, ge=1, le=CALLS_MAX, description="Calls of a page.")

    def request(self, default: ZoneInfo) -> CallsRequest:
        """The question. Raises InvalidQuestionError."""
        return CallsRequest(self.time(default), self.filter, self.cursor, self.limit)


class TracesParameters(Parameters):
    """Which traces there were, or which calls one of them had."""

    filter: Annotated[
        dict[str, list[str]],
        Field(description=f"Whose they are: one value of one of {', '.join(OWNERS)}."),
    ] = Field(default_factory=dict)
    execution_id: str = Field("", description="A trace id: its calls are listed then.")
    kind: str = Field("", description="Of these calls, such as `llm`.")
    cursor: Cursor = ""
    limit: int = Field(50, ge=1, le=CALLS_MAX, description="Traces, or calls, of a page.")

    def request(self) -> TracesRequest:
        """The question about traces. Raises InvalidQuestionError."""
        if self.kind:
            what = "is of the calls of one execution"
            raise InvalidQuestionError("kind", what, "give execution_id as well")
        owner = [(name, value) for name, values in self.filter.items() for value in values]
        if len(owner) > 1:
            raise InvalidQuestionError("filter", "takes one value of one dimension", "ask again")
        name, value = owner[0] if owner else ("", "")
        if name and name not in OWNERS:
            raise unknown_word("filter", name, OWNERS, "dimension")
        return TracesRequest(name, value, self.cursor, self.limit)

    def calls(self) -> CallsRequest:
        """The question about calls of one execution. Raises InvalidQuestionError."""
        if self.filter:
            what = "is of traces, and execution_id names one"
            raise InvalidQuestionError("filter", what, "leave one of both out")
        filters: dict[str, Sequence[str]] = {"trace": [self.execution_id]}
        if self.kind:
            filters["kind"] = [self.kind]
        return CallsRequest(filters=filters, cursor=self.cursor, limit=self.limit)


class TraceParameters(Parameters):
    """One trace, or the run of one of its agents."""

    trace_id: str = Field(
        description="32 hex digits; of an agent's run with a colon and the 16 of its span after.",
        json_schema_extra=PATH,
    )


class OwnerParameters(CostsParameters):
    """One owner: a session, a user, an agent or a task."""

    value: str = Field(description="Its name or id.", json_schema_extra=PATH)
    traces: int = Field(20, ge=1, le=TRACES_MAX, description="How many traces to list.")


class OwnersParameters(OwnerParameters):
    """One value of any dimension."""

    dimension: str = Field(
        description="A built-in dimension or one of your own.", json_schema_extra=PATH
    )


class ListParameters(Parameters):
    """How much to list."""

    limit: int = Field(10, ge=1, le=GROUPS_MAX, description="Scope ids of each budget.")

    @property
    def is_of_now(self) -> bool:
        """Windows of budgets begin anew."""
        return True


class PageParameters(Parameters):
    """Which page of a list."""

    cursor: Cursor = ""
    limit: int = Field(50, ge=1, le=GROUPS_MAX, description="Rows of a page.")


class DimensionsParameters(InTime):
    """Whose values are wanted, and of which time."""

    window: str = Field("", description="As for costs; 30d unless a time is given.")
    dimension: list[str] = Field(
        default_factory=list,
        description="Whose values are wanted: repeat it. Without it those that are quickly ranked.",
    )
    limit: int = Field(20, ge=1, le=GROUPS_MAX, description="Values of each dimension.")

    @property
    def is_of_now(self) -> bool:
        """Without a time it is the last month."""
        return True


class PricesParameters(InTime):
    """Of which time the models are that were used."""

    window: str = Field("", description="As for costs; 30d unless a time is given.")
    limit: int = Field(100, ge=1, le=GROUPS_MAX, description="Models to list.")

    @property
    def is_of_now(self) -> bool:
        """Prices change with time."""
        return True


class UnpricedParameters(Parameters):
    """How many kinds of unknown cost to list."""

    limit: int = Field(100, ge=1, le=UNKNOWN_MAX, description="Kinds to list.")


class AuditParameters(Parameters):
    """From when on, and which page."""

    starting_at: str = Field("", description="RFC 3339 or a date: what was changed since then.")
    cursor: Cursor = ""
    limit: int = Field(100, ge=1, le=AUDIT_MAX, description="Lines of a page.")
