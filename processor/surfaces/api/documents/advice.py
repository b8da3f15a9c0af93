"""What would have cost less, with the calls, and days unlike those before."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.insight import ANOMALY_METHOD, METHODS, Suggestion
from processor.core.money import exact_usd
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    Usd,
    known,
    moment,
)
from processor.surfaces.queries import AdviceReport, DayUnlike


class SuggestionDocument(Document):
    """Some calls, all alike, that could have cost less."""

    kind: Literal[
        "cheaper_model", "past_tier", "unread_cache_writes", "repeated_calls", "resent_input"
    ] = Field(
        description="A smaller model; requests just beyond the size from which on tokens cost "
        "more; what was written to a prompt cache for nothing; the same request again in one "
        "trace; input that was sent again without a cache."
    )
    what_if: bool = Field(
        description="It holds only if a smaller model answers well enough, which nobody has said "
        "of these calls (insight.low_quality)."
    )
    saving_usd: Usd = Field(
        description="What they would have cost less. Two suggestions may be of the same tokens, so "
        "these do not add up."
    )
    cost_usd: Usd = Field(description="What they have cost.")
    calls: int
    provider: str | None
    model: str | None
    agent: str | None
    service: str | None
    other_model: str | None = Field(description="What was to stand for the model.")
    method: str = Field(description="How the saving was found, in words.")
    call_ids: list[str] = Field(
        description="The calls, each as `trace:span`; the first 200 where there are more."
    )

    @classmethod
    def from_suggestion(cls, found: Suggestion) -> SuggestionDocument:
        """The document of a suggestion."""
        group = found.group
        return cls(
            kind=group.kind,
            what_if=not group.is_allowed,
            saving_usd=exact_usd(found.saving_nano_usd),
            cost_usd=exact_usd(found.cost_nano_usd),
            calls=found.calls,
            provider=known(group.provider),
            model=known(group.model),
            agent=known(group.agent),
            service=known(group.service),
            other_model=known(group.other_model),
            method=METHODS[group.kind],
            call_ids=[f"{trace.hex()}:{span.hex()}" for trace, span in found.ids],
        )


class AnomalyDocument(Document):
    """A day that cost more, or less, than the same weekday in the four weeks before."""

    starting_at: Moment | None
    ending_at: Moment | None
    dimension: str | None = Field(description="What was compared; null for all calls together.")
    value: str | None
    cost_usd: Usd
    lowest_usd: Usd = Field(description="Of the same weekday in the four weeks before.")
    highest_usd: Usd
    difference_usd: Usd = Field(
        description="How much it is above the highest; negative for below the lowest."
    )

    @classmethod
    def from_day(cls, day: DayUnlike, zone: ZoneInfo) -> AnomalyDocument:
        """The document of a day."""
        found = day.anomaly
        return cls(
            starting_at=moment(day.start_s, zone),
            ending_at=moment(day.end_s, zone),
            dimension=known(day.dimension),
            value=known(day.value),
            cost_usd=exact_usd(found.nano_usd),
            lowest_usd=exact_usd(found.low_nano_usd),
            highest_usd=exact_usd(found.high_nano_usd),
            difference_usd=exact_usd(found.difference_nano_usd),
        )


class AdviceDocument(Answer):
    """What would have cost less, and days that were unlike those before."""

    data: list[SuggestionDocument] = Field(
        description="What has no condition first, then what has; each the largest first."
    )
    suggestions_left_out: int = Field(description="How many more there are.")
    calls: int = Field(
        description="How many calls were looked at: those of language models whose cost follows "
        "from their own counts."
    )
    anomalies: list[AnomalyDocument] = Field(description="The largest difference first.")
    anomaly_method: str = Field(description="How days are compared, in words.")
    filter: dict[str, list[str]] = Field(description="Which calls were looked at.")
    starting_at: Moment | None
    ending_at: Moment | None
    time_zone: str
    partial: list[str] = Field(description="Why calls are missing.")

    @classmethod
    def from_report(cls, report: AdviceReport) -> AdviceDocument:
        """The document of a report."""
        zone = ZoneInfo(report.time_zone)
        return cls(
            data=[SuggestionDocument.from_suggestion(each) for each in report.suggestions],
            suggestions_left_out=report.left_out,
            calls=report.calls,
            anomalies=[AnomalyDocument.from_day(each, zone) for each in report.days],
            anomaly_method=ANOMALY_METHOD,
            filter={name: list(values) for name, values in report.filters},
            starting_at=moment(report.start_s, zone),
            ending_at=moment(report.end_s, zone),
            time_zone=report.time_zone,
            partial=list(report.partial),
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )
