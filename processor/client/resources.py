"""What can be asked, by the names that clients of other cost services have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal, TypeVar, Unpack, cast

from processor.client import reading
from processor.client.errors import NotFoundError, TooSlowError
from processor.client.questions import (
    Ask,
    Asker,
    Expected,
    Filters,
    Get,
    Later,
    Now,
    Period,
    Query,
    Question,
    Resource,
    Send,
    path_of,
    query_of,
)
from processor.client.records import (
    BudgetState,
    CallsPage,
    CostReport,
    CostSummary,
    Document,
    ExecutionAnswer,
)
from processor.client.verdict import BudgetVerdict

A = TypeVar("A", Now, Later)
Fetch = Callable[[Ask], Awaitable[Document]]
Grouping = Literal["model", "agent", "task_type", "provider", "purpose"]

GROUPINGS: Final[tuple[Grouping, ...]] = ("model", "agent", "task_type", "provider", "purpose")
_PAGE: Final = 200
_GROUPS: Final = 1000
_TRIES: Final = 2
_UNEQUAL: Final = (
    "calls were charged while this report was made: groups may have some that totals lack, or the "
    "other way round"
)
_UNCOUNTED: Final = (
    "the executions of this time are too many to be counted while somebody waits: ask for a "
    "shorter one"
)


class Executions(Resource[A]):
    """Traces as a whole."""

    @Question
    async def get(self, execution_id: str) -> ExecutionAnswer:
        """What a trace cost in all: ``["data"]["cost"]``, ``["token_usage"]``, ``["duration_ms"]``.

        `execution_id` is a trace id of 32 hex digits. Raises NotFoundError where nothing was
        charged in it; an application that has just ended it may have to flush its spans first.
        """
        document = await self._fetch(Get(path_of("executions", execution_id)))
        return cast("ExecutionAnswer", document)


class Traces(Resource[A]):
    """Traces, and the calls of one."""

    @Question
    async def list(
        self,
        execution_id: str = "",
        kind: str = "",
        *,
        filters: Filters | None = None,
        limit: int | None = None,
        cursor: str = "",
    ) -> Document:
        """The calls of an execution, newest first, or without one the newest traces.

        ``["data"]`` has of each call `model_name`, `prompt_tokens`, `completion_tokens`, `cost`
        (None while it is unknown) and `duration_ms`. `kind` is `llm`, `embedding`, …. Without
        `limit` and `cursor` all calls of an execution are there; else a page, and
        ``["next_cursor"]`` asks for the one after. Traces can be filtered by one owner:
        ``{"session": "s-1"}``.
        """
        whole = bool(execution_id) and limit is None and not cursor
        query: Query = query_of(
            filters, execution_id=execution_id, kind=kind, limit=_PAGE if whole else limit
        )
        page = await self._fetch(Get("/traces", (*query, *query_of(cursor=cursor))))
        found, following = reading.page_of(page)
        while whole and following:
            page = await self._fetch(Get("/traces", (*query, ("cursor", following))))
            rows, following = reading.page_of(page)
            found += rows
        return {**page, "data": found}


class Calls(Resource[A]):
    """Calls one by one."""

    @Question
    async def list(
        self,
        *,
        filters: Filters | None = None,
        limit: int | None = None,
        cursor: str = "",
        **period: Unpack[Period],
    ) -> CallsPage:
        """Calls, newest first, in pages of `limit` (50, at most 200)."""
        query = query_of(filters, limit=limit, cursor=cursor, **period)
        return reading.calls_page(await self._fetch(Get("/calls", query)))


class Costs(Resource[A]):
    """What was used in a time."""

    @Question
    async def get_summary(
        self, *, filters: Filters | None = None, **period: Unpack[Period]
    ) -> CostSummary:
        """What all calls cost together; of all time unless one is given.

        Executions are counted by a request of their own, which can take seconds where there are
        millions; ``get_report(by=())`` has the totals without them.
        """
        return await _summary(self._fetch, filters, period)

    @Question
    async def get_agent_summary(self, agent: str, **period: Unpack[Period]) -> CostSummary:
        """What one agent's own calls cost together, by its name."""
        return await _summary(self._fetch, {"agent": agent}, period)

    @Question
    async def get_report(
        self,
        *,
        by: Sequence[Grouping] = GROUPINGS,
        filters: Filters | None = None,
        **period: Unpack[Period],
    ) -> CostReport:
        """What was used, and by whom; each dimension in `by` takes one request."""
        return await _report(self._fetch, by, filters, period)


class Budgets(Resource[A]):
    """How budgets stand."""

    @Question
    async def list(self, *, limit: int | None = None) -> tuple[BudgetState, ...]:
        """How the `limit` (10) scope ids stand that have spent most of each budget."""
        return reading.budgets(await self._fetch(Get("/budgets", query_of(limit=limit))))

    @Question
    async def check(
        self, scopes: Mapping[str, str] | None = None, **expected: Unpack[Expected]
    ) -> BudgetVerdict:
        """Whether a call may be made; `scopes` are ids by scope: ``{"user": "ada"}``.

        With `reserve` its estimate is held until it is charged. `BudgetGuard` asks this around a
        call.
        """
        given = {name: value for name, value in expected.items() if value not in {None, ""}}
        if isinstance(amount := given.get("estimate_usd"), Decimal):
            given["estimate_usd"] = f"{amount:f}"
        asked = {"scopes": dict(scopes or {}), **given}
        return reading.verdict(await self._fetch(Send("/budgets/check", "POST", asked)))

    @Question
    async def release(self, reservation_id: str) -> bool:
        """Let a reservation go whose call is not made; False where none of this id is held."""
        path = path_of("budgets", "reservations", reservation_id)
        try:
            await self._fetch(Send(path, "DELETE"))
        except NotFoundError:
            return False
        return True


class Sessions(Resource[A]):
    """Sessions."""

    @Question
    async def get(self, session_id: str, **period: Unpack[Period]) -> Document:
        """What a session has used (``["costs"]["totals"]``, rows by model) and its traces."""
        return await self._fetch(Get(path_of("sessions", session_id), query_of(**period)))


class CostTracker(Resource[A]):
    """What was used since it was made, as the processor counts it.

    A call counts from the second on in which the tracker was made, by the time at which it ended.
    """

    def __init__(self, asker: Asker, filters: Filters | None = None) -> None:
        super().__init__(asker)
        self.filters = filters
        """Whose calls it follows, as ``{"session": "s-1"}``; None for all."""
        self.started_at: Final = datetime.now(UTC).replace(microsecond=0)

    @Question
    async def report(self, by: Sequence[Grouping] = ("model",)) -> CostReport:
        """Total cost, cache hits and misses, requests and cost by model, up to now."""
        return await _report(self._fetch, by, self.filters, {"starting_at": self.started_at})


async def _summary(fetch: Fetch, filters: Filters | None, period: Period) -> CostSummary:
    query = query_of(filters, **period)
    costs = await fetch(Get("/costs", query))
    try:
        by_trace = await fetch(Get("/costs", (*query, ("group_by", "trace"), ("limit", "1"))))
    except TooSlowError:
        return reading.summary(costs, None, [_UNCOUNTED])
    return reading.summary(costs, by_trace)


async def _report(
    fetch: Fetch, by: Sequence[Grouping], filters: Filters | None, period: Period
) -> CostReport:
    query = query_of(filters, **period)
    for _ in range(_TRIES):
        costs = await fetch(Get("/costs", query))
        grouped: dict[str, Document] = {}
        for name in by:
            groups = query_of(group_by=name, limit=_GROUPS)
            grouped[name] = await fetch(Get("/costs", (*query, *groups)))
        report = reading.report(costs, grouped)
        if reading.is_one_version((costs, *grouped.values())):
            return report
    return report.lacking(_UNEQUAL)
