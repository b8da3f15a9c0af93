"""Traces as executions: the names that clients of other cost services ask by."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.money import exact_usd
from processor.core.questions import CallRow
from processor.surfaces.api.documents.calls import known_cost
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    TraceId,
    Usd,
    duration_ms,
    known,
    known_moment_ns,
    moment_ns,
)
from processor.surfaces.queries import CallsPage, TracesPage


class TokenUsage(Document):
    """Tokens of an execution. The prompt's contain the cached ones."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int


class Execution(Document):
    """A trace as a whole: its cost is the sum of all LLM calls in it."""

    execution_id: TraceId
    cost: Usd
    at_least: bool = Field(description="The cost of some calls is unknown, and not in the cost.")
    token_usage: TokenUsage
    duration_ms: float | None
    started_at: Moment | None
    ended_at: Moment
    llm_calls: int
    unpriced_calls: int
    agent_runs: int


class ExecutionDocument(Answer):
    """One execution."""

    data: Execution
    time_zone: str

    @classmethod
    def from_page(cls, page: TracesPage, zone: ZoneInfo) -> ExecutionDocument:
        """The document of a page with one trace."""
        [trace] = page.traces
        totals = trace.totals
        execution = Execution(
            execution_id=trace.trace_id.hex(),
            cost=exact_usd(totals.cost_nano_usd),
            at_least=totals.unpriced > 0,
            token_usage=TokenUsage(
                prompt_tokens=totals.input_tokens,
                completion_tokens=totals.output_tokens,
                total_tokens=totals.tokens,
                cached_tokens=totals.cached_tokens,
            ),
            duration_ms=duration_ms(trace.start_ns, trace.end_ns),
            started_at=known_moment_ns(trace.start_ns, zone),
            ended_at=moment_ns(trace.end_ns, zone),
            llm_calls=totals.calls,
            unpriced_calls=totals.unpriced,
            agent_runs=totals.agent_runs,
        )
        as_of = AsOfDocument.from_answer(page.as_of, zone)
        return cls(data=execution, time_zone=zone.key, as_of=as_of)


class ExecutionCall(Document):
    """One call of an execution."""

    id: str = Field(description="Of its trace and span, with a colon between.")
    execution_id: TraceId
    kind: str | None
    agent: str | None
    provider: str | None
    model_name: str | None
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    cost: Usd | None = Field(description="Null while it is unknown.")
    at_least: bool
    status: str | None
    duration_ms: float | None
    started_at: Moment | None
    ended_at: Moment

    @classmethod
    def from_row(cls, row: CallRow, zone: ZoneInfo) -> ExecutionCall:
        """The document of a call."""
        totals, dimensions = row.totals, row.dimensions
        return cls(
            id=f"{row.trace_id.hex()}:{row.span_id.hex()}",
            execution_id=row.trace_id.hex(),
            kind=known(dimensions.kind),
            agent=known(dimensions.agent),
            provider=known(dimensions.provider),
            model_name=known(dimensions.model),
            prompt_tokens=totals.input_tokens,
            completion_tokens=totals.output_tokens,
            total_tokens=totals.tokens,
            cached_tokens=totals.cached_tokens,
            cost=known_cost(totals.cost_nano_usd, is_unknown=totals.unpriced > 0),
            at_least=totals.unpriced > 0,
            status=known(dimensions.status),
            duration_ms=duration_ms(row.start_ns, row.end_ns),
            started_at=known_moment_ns(row.start_ns, zone),
            ended_at=moment_ns(row.end_ns, zone),
        )


class ExecutionCallsDocument(Answer):
    """The calls of one execution, newest first."""

    data: list[ExecutionCall]
    next_cursor: str | None = Field(description="Asks for the page after; null on the last one.")
    time_zone: str
    partial: list[str] = Field(description="Why some calls may be missing.")

    @classmethod
    def from_page(cls, page: CallsPage, zone: ZoneInfo) -> ExecutionCallsDocument:
        """The document of a page of calls."""
        return cls(
            data=[ExecutionCall.from_row(each, zone) for each in page.calls],
            next_cursor=known(page.cursor),
            time_zone=zone.key,
            partial=list(page.partial),
            as_of=AsOfDocument.from_answer(page.as_of, zone),
        )
