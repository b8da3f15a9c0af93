"""What calls would have cost with other models, or at other prices."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.insight import NotComparable, WhatIfRow
from processor.core.money import exact_usd
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    Share,
    Usd,
    known,
    moment,
    share,
)
from processor.surfaces.queries import WhatIfReport


class WhatIfRowDocument(Document):
    """The calls of one model that would have had one price."""

    provider: str | None
    model: str | None = Field(description="Null where models beyond those listed are together.")
    other_provider: str | None
    other_model: str | None = Field(description="Whose price the calls would have had.")
    calls: int
    actual_usd: Usd
    other_usd: Usd = Field(description="What they would have cost.")
    difference_usd: Usd = Field(description="How much more that is; negative for less.")

    @classmethod
    def from_row(cls, row: WhatIfRow) -> WhatIfRowDocument:
        """The document of a row."""
        return cls(
            provider=known(row.provider),
            model=known(row.model),
            other_provider=known(row.other_provider),
            other_model=known(row.other_model),
            calls=row.calls,
            actual_usd=exact_usd(row.actual_nano_usd),
            other_usd=exact_usd(row.other_nano_usd),
            difference_usd=exact_usd(row.other_nano_usd - row.actual_nano_usd),
        )


class NotComparableDocument(Document):
    """Calls of which nobody can say what they would have cost."""

    reason: str
    calls: int
    actual_usd: Usd = Field(description="What they cost, as far as that is known.")
    unpriced_calls: int = Field(description="How many of them are of unknown cost already.")

    @classmethod
    def from_row(cls, row: NotComparable) -> NotComparableDocument:
        """The document of a reason."""
        return cls(
            reason=row.reason,
            calls=row.calls,
            actual_usd=exact_usd(row.actual_nano_usd),
            unpriced_calls=row.unpriced_calls,
        )


class WhatIfDocument(Answer):
    """What calls have cost, and would have cost; only those of which both is known."""

    data: list[WhatIfRowDocument] = Field(description="The largest difference first.")
    calls: int = Field(description="How many were compared.")
    actual_usd: Usd
    other_usd: Usd = Field(description="What they would have cost.")
    difference_usd: Usd = Field(description="How much more that is; negative for less.")
    difference: Share | None = Field(description="The same as a share of what they cost.")
    not_comparable: list[NotComparableDocument] = Field(
        description="Calls that are in neither sum, with why, most first."
    )
    newly_priced_calls: int = Field(
        description="Calls of unknown cost that would have had a price; they are in no sum."
    )
    newly_priced_usd: Usd = Field(description="What these would have cost.")
    models: dict[str, str] = Field(description="What was to stand for which model.")
    price_version: str = Field(description="Of the prices that the calls would have had.")
    method: str = Field(description="How that was found, in words.")
    starting_at: Moment | None
    ending_at: Moment | None
    time_zone: str
    partial: list[str] = Field(description="Why calls are missing.")

    @classmethod
    def from_report(cls, report: WhatIfReport) -> WhatIfDocument:
        """The document of a report."""
        zone = ZoneInfo(report.time_zone)
        difference = report.other_nano_usd - report.actual_nano_usd
        newly_priced, cost = report.newly_priced
        return cls(
            data=[WhatIfRowDocument.from_row(each) for each in report.models],
            calls=report.calls,
            actual_usd=exact_usd(report.actual_nano_usd),
            other_usd=exact_usd(report.other_nano_usd),
            difference_usd=exact_usd(difference),
            difference=share(difference, report.actual_nano_usd),
            not_comparable=[NotComparableDocument.from_row(each) for each in report.not_comparable],
            newly_priced_calls=newly_priced,
            newly_priced_usd=exact_usd(cost),
            models={
                model: f"{name.provider}:{name.model}" if name.provider else name.model
                for model, name in report.replacements.items()
            },
            price_version=report.price_version,
            method=(
                "each call that is kept is priced again with the tokens that it reported; another "
                "model may need more or fewer tokens for the same text, and answer otherwise"
            ),
            starting_at=moment(report.start_s, zone),
            ending_at=moment(report.end_s, zone),
            time_zone=report.time_zone,
            partial=list(report.partial),
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )
