"""A task beside others of its type, and what would have cost less."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.insight import EFFICIENCY_METHOD, Baseline
from processor.core.money import exact_usd
from processor.surfaces.api.documents.advice import SuggestionDocument
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Share,
    Usd,
    known,
    rounded,
)
from processor.surfaces.queries import EfficiencyReport


class BaselineDocument(Document):
    """What other tasks of the type have used that were last at work, each in all."""

    tasks: int
    median_usd: Usd
    median_tokens: int
    average_usd: Usd
    average_tokens: int

    @classmethod
    def from_baseline(cls, found: Baseline) -> BaselineDocument:
        """The document of a baseline."""
        return cls(
            tasks=found.tasks,
            median_usd=exact_usd(found.median_nano_usd),
            median_tokens=found.median_tokens,
            average_usd=exact_usd(found.mean_nano_usd),
            average_tokens=found.mean_tokens,
        )


class EfficiencyDocument(Answer):
    """A task beside others of its type."""

    task: str
    task_title: str | None
    task_type: str | None = Field(
        description="That most of the cost of its newest calls is of; null where none is kept."
    )
    cost_usd: Usd
    at_least: bool = Field(description="The cost of some calls is unknown, and not in the cost.")
    calls: int
    total_tokens: int
    baseline: BaselineDocument | None = Field(
        description="Null below ten other tasks whose cost is known."
    )
    efficiency_score: Share | None = Field(
        description="Above 1 it has cost less than tasks of its type usually do. Null without a "
        "baseline, and where the cost is not known."
    )
    reason: str | None = Field(description="Why there is no score; null where there is one.")
    method: str = Field(description="How the score was found, in words.")
    suggestions: list[SuggestionDocument] = Field(
        description="What would have cost less in this task, as for advice."
    )
    partial: list[str] = Field(description="Why calls are missing that suggestions are made of.")

    @classmethod
    def from_report(cls, report: EfficiencyReport, zone: ZoneInfo) -> EfficiencyDocument:
        """The document of a report."""
        found = report.standing
        baseline = found.baseline
        return cls(
            task=found.task,
            task_title=known(found.title),
            task_type=known(found.task_type),
            cost_usd=exact_usd(found.totals.cost_nano_usd),
            at_least=found.totals.unpriced > 0,
            calls=found.totals.calls,
            total_tokens=found.totals.tokens,
            baseline=None if baseline is None else BaselineDocument.from_baseline(baseline),
            efficiency_score=rounded(found.score),
            reason=known(found.reason),
            method=EFFICIENCY_METHOD,
            suggestions=[SuggestionDocument.from_suggestion(each) for each in report.suggestions],
            partial=list(report.partial),
            as_of=AsOfDocument.from_answer(found.as_of, zone),
        )
