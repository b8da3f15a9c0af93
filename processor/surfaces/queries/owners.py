"""A session, a user, an agent or another owner: what it has used, and its newest traces."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from processor.core.errors import InvalidQuestionError
from processor.core.ports import LedgerView
from processor.core.questions import TracesQuestion
from processor.surfaces.queries.answers import OwnerReport
from processor.surfaces.queries.requests import UsageRequest
from processor.surfaces.queries.traces import TRACE_OWNERS
from processor.surfaces.queries.usage import CheckedUsage, usage_report

TRACES_MAX: Final = 200


def narrowed(request: UsageRequest, dimension: str, value: str) -> UsageRequest:
    """A request about one owner alone, by model unless it says otherwise.

    Raises InvalidQuestionError.
    """
    if dimension in request.filters:
        raise InvalidQuestionError(f"filters[{dimension}]", f"is the {dimension} asked about")
    group_by = request.group_by or (("model",) if dimension != "model" else ("agent",))
    return replace(request, filters={**request.filters, dimension: (value,)}, group_by=group_by)


def owner_report(
    view: LedgerView, dimension: str, value: str, asked: CheckedUsage, traces: int
) -> OwnerReport:
    """What an owner has used, and its newest traces."""
    label = view.task_titles([value]).get(value, "") if dimension == "task" else ""
    newest = []
    if dimension in TRACE_OWNERS:
        newest = view.traces(TracesQuestion((dimension, value), None, traces))
    return OwnerReport(dimension, value, label, usage_report(view, asked), newest)
