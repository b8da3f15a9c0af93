"""A session, a user, an agent, a task or another owner."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field

from processor.surfaces.api.documents.costs import CostsDocument
from processor.surfaces.api.documents.traces import TraceSummary
from processor.surfaces.api.documents.values import Answer, known
from processor.surfaces.queries import OwnerReport


class OwnerDocument(Answer):
    """What an owner has used, and its newest traces."""

    dimension: str
    value: str
    label: str | None = Field(description="The title of a task.")
    costs: CostsDocument = Field(description="What it has used, by model unless asked otherwise.")
    traces: list[TraceSummary] = Field(
        description="Its newest ones: those that belong to it as a whole."
    )

    @classmethod
    def from_report(cls, report: OwnerReport, *, with_classes: bool = False) -> OwnerDocument:
        """The document of a report."""
        zone = ZoneInfo(report.usage.time_zone)
        costs = CostsDocument.from_report(report.usage, with_classes=with_classes)
        title = report.label
        return cls(
            dimension=report.dimension,
            value=report.value,
            label=known(title),
            costs=costs,
            traces=[TraceSummary.from_row(each, zone, title) for each in report.traces],
            as_of=costs.as_of,
        )
