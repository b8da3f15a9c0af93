"""Which calls, traces, budgets and names to list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.errors import InvalidQuestionError
from processor.surfaces.api.parameters.of_time import (
    PATH,
    Cursor,
    Filter,
    InLastMonth,
    InTime,
    Parameters,
)
from processor.surfaces.queries import (
    AUDIT_MAX,
    CALLS_MAX,
    GROUPS_MAX,
    SPANS_MAX,
    TRACE_OWNERS,
    UNKNOWN_MAX,
    CallsRequest,
    TracesRequest,
    unknown_word,
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
        Field(description=f"Whose they are: one value of one of {', '.join(TRACE_OWNERS)}."),
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
        if name and name not in TRACE_OWNERS:
            raise unknown_word("filter", name, TRACE_OWNERS, "dimension")
        return TracesRequest(name, value, self.cursor, self.limit)

    def calls(self) -> CallsRequest:
        """The question about calls of one execution. Raises InvalidQuestionError."""
        if self.filter:
            what = "is of traces, and execution_id names one"
            raise InvalidQuestionError("filter", what, "leave one of them out")
        filters: dict[str, Sequence[str]] = {"trace": [self.execution_id]}
        if self.kind:
            filters["kind"] = [self.kind]
        return CallsRequest(filters=filters, cursor=self.cursor, limit=self.limit)


class ExecutionParameters(Parameters):
    """Which trace."""

    trace_id: str = Field(
        description="32 hex digits, or the first 8 or more where no other trace begins with them.",
        json_schema_extra={**PATH, "pattern": "^[0-9a-f]{8,32}$"},
    )


class TaskParameters(Parameters):
    """Which task."""

    value: str = Field(description="Its name or id.", json_schema_extra=PATH)


class TraceParameters(Parameters):
    """Which trace, or run of one of its agents, and how much of its tree is shown."""

    trace_id: str = Field(
        description="32 hex digits, or the first 8 or more where no other trace begins with them; "
        "of an agent's run all 32, a colon, and the 16 of its span.",
        json_schema_extra={**PATH, "pattern": "^([0-9a-f]{8,32}|[0-9a-f]{32}:[0-9a-f]{16})$"},
    )
    spans: int = Field(
        1000, ge=1, le=SPANS_MAX, description="Spans to show at most, those that came first."
    )


class BudgetsParameters(Parameters):
    """How many scope ids of each budget to list."""

    limit: int = Field(10, ge=1, le=GROUPS_MAX, description="Scope ids of each budget.")

    @property
    def is_of_now(self) -> bool:
        """Windows of budgets begin anew."""
        return True


class CrossingsParameters(Parameters):
    """Which page of the crossings."""

    cursor: Cursor = ""
    limit: int = Field(50, ge=1, le=GROUPS_MAX, description="Rows of a page.")


class NotificationsParameters(Parameters):
    """Which page of the notifications."""

    cursor: Cursor = ""
    limit: int = Field(50, ge=1, le=GROUPS_MAX, description="Rows of a page.")


class DimensionsParameters(InLastMonth):
    """Whose values are wanted, and of which time."""

    dimension: list[str] = Field(
        default_factory=list,
        description="Whose values are wanted: repeat it. Without it those that are quickly ranked.",
    )
    limit: int = Field(20, ge=1, le=GROUPS_MAX, description="Values of each dimension.")


class PricesParameters(InLastMonth):
    """Of which time the models are that were used."""

    limit: int = Field(100, ge=1, le=GROUPS_MAX, description="Models to list.")


class UnpricedParameters(Parameters):
    """How many kinds of unknown cost to list."""

    limit: int = Field(100, ge=1, le=UNKNOWN_MAX, description="Kinds to list.")


class AuditParameters(Parameters):
    """From when on, and which page."""

    starting_at: str = Field("", description="RFC 3339 or a date: what was changed since then.")
    cursor: Cursor = ""
    limit: int = Field(100, ge=1, le=AUDIT_MAX, description="Lines of a page.")
