"""How scopes stand against their budgets, and what has been crossed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, cast, get_args

from processor.core.budgets import Budget, Policy
from processor.core.budgets.verdict import followed, series_of, spent_of, standing_of
from processor.core.insight import HOUR_S, CannotTell, ForecastKind, Reach, forecast, reach_of
from processor.core.model import NOTHING, NS_PER_S, Calendar, Totals
from processor.core.ports import LedgerView
from processor.core.questions import TIME_END_S, Filters, SeriesWindow, UsageQuestion
from processor.surfaces.queries.answers import (
    BudgetState,
    CrossingsPage,
    NotificationsPage,
    as_of,
)
from processor.surfaces.queries.cursors import read_cursor, write_cursor
from processor.surfaces.queries.partial import partial_reasons

_OF_ONE_TRACE: Final = frozenset({"trace", "agent_run"})
_RANKED: Final = frozenset({
    "user", "org", "agent", "feature", "task_type", "purpose", "model", "provider", "service",
})  # fmt: skip
_CROSSINGS_LOOKED_AT: Final = 1000


def total_of(
    view: LedgerView, scope: str, scope_id: str, window: tuple[int, int]
) -> tuple[Totals, tuple[str, ...]]:
    """What a scope has spent in a window of epoch seconds; (0, 0) for all time.

    The second one says in words what is missing from that.
    """
    if scope in _OF_ONE_TRACE:
        return _total_of_trace(view, scope, scope_id), ()
    start_s, end_s = window if window[1] else (0, TIME_END_S)
    filters: Filters = () if scope == "total" else ((scope, (scope_id,)),)
    answer = view.usage(UsageQuestion(start_s, end_s, filters=filters))
    partial = partial_reasons(view, filters, (start_s, end_s), answer)
    if partial and view.progress(followed(scope)) == 1:
        return view.series(followed(scope), scope_id, start_s, end_s), ()
    return answer.totals[0].totals if answer.totals else NOTHING, partial


def _total_of_trace(view: LedgerView, scope: str, scope_id: str) -> Totals:
    trace_hex, _, span_hex = scope_id.partition(":")
    try:
        trace_id, span_id = bytes.fromhex(trace_hex), bytes.fromhex(span_hex)
    except ValueError:
        return NOTHING
    found = view.traces_between(trace_id, trace_id, 1)
    if not found or scope == "trace":
        return found[0].totals if found else NOTHING
    return view.run(found[0], span_id)


def states_at(
    view: LedgerView, asked: Sequence[tuple[Budget, str]], time_s: int
) -> list[BudgetState]:
    """How scope ids stand against budgets, in the order asked for."""
    windows = [
        None if budget.scope == "call" or series_of(budget) in _OF_ONE_TRACE
        else SeriesWindow(series_of(budget), scope_id, *_window(budget, time_s))
        for budget, scope_id in asked
    ]  # fmt: skip
    wanted = list(dict.fromkeys(each for each in windows if each is not None))
    sums = dict(zip(wanted, view.many_series(wanted), strict=True))
    found = []
    for (budget, scope_id), window in zip(asked, windows, strict=True):
        if window is None or not sums[window].is_complete:
            found.append(_state(view, budget, scope_id, time_s))
            continue
        of_budget = budget.window_at(time_s)
        standing = standing_of(budget, scope_id, of_budget, sums[window].totals)
        found.append(BudgetState(standing, 1.0))
    return found


def all_states(view: LedgerView, policy: Policy, time_s: int, ids: int) -> list[BudgetState]:
    """Every budget with the scope ids that have spent most, up to `ids` of each."""
    crossed: dict[str, list[str]] = {}
    for _, crossing in view.crossings(_CROSSINGS_LOOKED_AT):
        some = crossed.setdefault(crossing.budget, [])
        if crossing.scope_id not in some:
            some.append(crossing.scope_id)
    found = []
    for budget in policy.budgets:
        states = [
            _state(view, budget, scope_id, time_s)
            for scope_id in _ids_of(view, budget, time_s, ids, crossed.get(budget.name, []))
        ]
        states.sort(key=lambda state: -(state.standing.spent / state.standing.limit))
        found += states[:ids]
    return found


def with_projections(
    view: LedgerView, policy: Policy, states: Sequence[BudgetState], time_s: int
) -> list[BudgetState]:
    """The same, each with when its limit will be met.

    That reads the totals of five weeks by hour, which are there for each scope id of a budget with
    a calendar window.
    """
    by_name = {budget.name: budget for budget in policy.budgets}
    reaches: dict[tuple[str, Calendar], Reach] = {}
    found = []
    for state in states:
        budget = by_name[state.standing.budget]
        if _may_be_met(budget, state):
            key = budget.window, budget.calendar
            if key not in reaches:
                kind = cast("ForecastKind", budget.window)
                reaches[key] = reach_of(kind, time_s, budget.calendar, with_windows=False)
            crossing_s = _projected(view, budget, state, reaches[key])
            state = replace(state, projected_crossing_s=crossing_s)  # noqa: PLW2901 - the same row
        found.append(state)
    return found


def _may_be_met(budget: Budget, state: BudgetState) -> bool:
    is_in_calendar = budget.window in get_args(ForecastKind) and budget.scope != "call"
    return is_in_calendar and state.progress == 1 and not state.standing.exceeded


def _projected(view: LedgerView, budget: Budget, state: BudgetState, reach: Reach) -> int | None:
    first_s, now_s = reach.hours.edges[0], reach.hours.edges[reach.hours.known]
    amounts = [0] * reach.hours.known
    name, scope_id = series_of(budget), state.standing.scope_id
    for start_s, total in view.series_by_hour(name, scope_id, first_s, now_s):
        amounts[(start_s - first_s) // HOUR_S] = spent_of(budget, total)
    found = forecast(reach, state.standing.spent, amounts)
    return None if isinstance(found, CannotTell) else found.reached_at(state.standing.limit)


def _ids_of(
    view: LedgerView, budget: Budget, time_s: int, limit: int, crossed: list[str]
) -> Iterator[str]:
    """Whom to look at: who has spent most now; of what is too many to compare, who crossed it."""
    if budget.scope in {"total", "call"}:
        yield ""
        return
    start_s, end_s = _window(budget, time_s)
    name = series_of(budget)
    if "?" in name:
        yield from (scope_id for scope_id, _ in view.largest(name, start_s, end_s, limit))
    elif budget.scope in _RANKED:
        question = UsageQuestion(start_s, end_s, (budget.scope,), limit=limit + 1)
        values = [row.values[0] for row in view.usage(question).rows]
        yield from [value for value in values if value][:limit]
    else:
        yield from crossed[:limit]


def _state(view: LedgerView, budget: Budget, scope_id: str, time_s: int) -> BudgetState:
    window = budget.window_at(time_s)
    name, progress, total, is_partial = series_of(budget), 1.0, NOTHING, False
    if budget.scope == "call":
        pass
    elif "?" not in name:
        total, _ = total_of(view, budget.scope, scope_id, window)
    else:
        progress = view.progress(name)
        if progress < 1 and not budget.match:
            total, _ = total_of(view, budget.scope, scope_id, window)
        else:
            total = view.series(name, scope_id, *_window(budget, time_s))
            is_partial = progress < 1
    standing = standing_of(budget, scope_id, window, total)
    if is_partial:
        standing = standing._replace(at_least=True)
    return BudgetState(standing, progress)


def _window(budget: Budget, time_s: int) -> tuple[int, int]:
    start_s, end_s = budget.window_at(time_s)
    return (start_s, end_s) if end_s else (0, TIME_END_S)


def notifications_page(view: LedgerView, cursor: str, limit: int, now_ns: int) -> NotificationsPage:
    """Notifications, latest first. Raises InvalidQuestionError."""
    before = read_cursor(cursor, "notifications")[0] if cursor else None
    found = view.notifications(limit, before, now_ns // NS_PER_S)
    is_full = len(found.listed) == limit
    more = write_cursor((found.listed[-1].seq,), "notifications") if is_full else ""
    return NotificationsPage(found, more, as_of(view.freshness(), now_ns))


def crossings_page(view: LedgerView, cursor: str, limit: int, now_ns: int) -> CrossingsPage:
    """Crossings, latest first. Raises InvalidQuestionError."""
    before = read_cursor(cursor, "crossings")[0] if cursor else None
    found = view.crossings(limit, before)
    more = write_cursor((found[-1][0],), "crossings") if len(found) == limit else ""
    return CrossingsPage([crossing for _, crossing in found], more, as_of(view.freshness(), now_ns))
