"""How much a task has used, beside other tasks of its type, and what would have cost less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from processor.core.errors import NotFoundError
from processor.core.insight import TASKS_MIN, Advisor, Baseline, Suggestion, baseline_of, score_of
from processor.core.model import NS_PER_S, Calendar, Totals
from processor.core.ports import LedgerReader, LedgerView
from processor.core.questions import CallRow, CallsQuestion, TracesQuestion, UsageQuestion
from processor.surfaces.queries.answers import AsOf, as_of
from processor.surfaces.queries.checks import CheckedRange
from processor.surfaces.queries.stored_calls import CallsReading

_CALLS_LOOKED_AT: Final = 2_000
"""The newest calls of a type say which tasks are its baseline."""
_TASKS_MAX: Final = 200
_NEWEST: Final = 100
"""Calls, and traces, of a task that are looked at for its type and its time."""
_SUGGESTIONS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """A task beside others of its type."""

    task: str
    title: str
    """``""`` where it has none."""
    task_type: str
    """That most of the cost of its newest calls is of; ``""`` where none is kept, or for none."""
    totals: Totals
    baseline: Baseline | None
    score: float | None
    """None without a baseline, or where the cost is not known."""
    reason: str
    """Why there is no score; else ``""``."""
    start_s: int
    end_s: int
    """When its calls were, as far as they are kept."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class EfficiencyReport:
    """A task beside others, and what would have cost less in it."""

    standing: TaskStanding
    suggestions: Sequence[Suggestion]
    partial: tuple[str, ...]
    """Why calls are missing that suggestions are made of."""


async def efficiency_report(
    reader: LedgerReader, task: str, calendar: Calendar, now_ns: int, advisor: Advisor
) -> EfficiencyReport:
    """Answer for one task. Raises NotFoundError, and what `LedgerReader.ask` raises."""
    standing = await reader.ask(lambda view: task_standing(view, task, now_ns))
    time = CheckedRange(standing.start_s, standing.end_s, calendar)
    reading = CallsReading(reader, time, (("task", (task,)),), now_ns)
    await reading.go_through(advisor.add)
    suggestions = advisor.close(now_ns)
    return EfficiencyReport(standing, suggestions[:_SUGGESTIONS_MAX], reading.partial)


def task_standing(view: LedgerView, task: str, now_ns: int) -> TaskStanding:
    """How a task stands. Raises NotFoundError."""
    mine = (("task", (task,)),)
    whole = view.usage(UsageQuestion(filters=mine)).totals
    if not task or not whole:
        raise NotFoundError(f"there is no task {task[:100]!r}")
    newest = view.calls(CallsQuestion(filters=mine, limit=_NEWEST))
    totals, task_type = whole[0].totals, _type_of(newest)
    baseline = baseline_of(_others(view, task, task_type)) if task_type else None
    score = score_of(totals, baseline)
    start_s, end_s = _time_of(view, task, newest)
    return TaskStanding(
        task,
        view.task_titles([task]).get(task, ""),
        task_type,
        totals,
        baseline,
        score,
        "" if score is not None else _why_not(task_type, baseline),
        start_s,
        end_s,
        as_of(view.freshness(), now_ns),
    )


def _type_of(calls: Sequence[CallRow]) -> str:
    """The type that most of the cost of calls is of."""
    costs: defaultdict[str, int] = defaultdict(int)
    for call in calls:
        costs[call.dimensions.task_type] += call.totals.cost_nano_usd
    return max(costs, key=lambda name: (costs[name], name), default="")


def _others(view: LedgerView, task: str, task_type: str) -> list[Totals]:
    """What the other tasks of a type have used that were last at work, each in all."""
    of_type = (("task_type", (task_type,)),)
    calls = view.calls(CallsQuestion(filters=of_type, limit=_CALLS_LOOKED_AT))
    tasks = [each for each in dict.fromkeys(call.task for call in calls) if each not in {"", task}]
    if not tasks:
        return []
    question = UsageQuestion(
        group_by=("task",), filters=(("task", tuple(tasks[:_TASKS_MAX])),), limit=_TASKS_MAX
    )
    return [row.totals for row in view.usage(question).rows]


def _time_of(view: LedgerView, task: str, newest: Sequence[CallRow]) -> tuple[int, int]:
    traces = view.traces(TracesQuestion(("task", task), None, _NEWEST))
    starts = [each.start_ns for each in traces] + [each.end_ns for each in newest]
    ends = [each.end_ns for each in traces] + [each.end_ns for each in newest]
    if not ends:
        return 0, 1
    return min(starts) // NS_PER_S, max(ends) // NS_PER_S + 1


def _why_not(task_type: str, baseline: Baseline | None) -> str:
    if not task_type:
        return "the task has no type to be compared by (cost.task_type)"
    if baseline is None:
        return f"there are fewer than {TASKS_MIN} other tasks of its type whose cost is known"
    return "its cost is not known, or nothing"
