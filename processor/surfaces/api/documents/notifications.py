"""Notifications: what was sent, what waits, and why."""

from __future__ import annotations

from typing import Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.notices import Notification, crossing_id
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    Share,
    known,
    moment,
)
from processor.surfaces.queries import NotificationsPage

State = Literal["waiting", "sent", "failed"]


class NotificationDocument(Document):
    """A notification by one channel."""

    number: int
    channel: str
    state: State = Field(description="`failed`: given up after it had waited for a day.")
    attempts: int
    error: str | None = Field(description="Why the last attempt failed.")
    written_at: Moment | None
    changed_at: Moment | None = Field(description="When it was sent, given up, or tried last.")
    next_attempt_at: Moment | None = Field(description="Null unless it waits.")
    crossing_id: str | None = Field(description="As in `/crossings`; null for a report.")
    budget: str | None
    scope: str | None
    scope_id: str | None
    threshold: Share | None
    report: str | None = Field(description="The period that a report is about.")

    @classmethod
    def from_notification(cls, each: Notification, zone: ZoneInfo) -> NotificationDocument:
        """The document of a notification."""
        crossing = each.crossing
        is_waiting = each.state == "waiting"
        return cls(
            number=each.seq,
            channel=each.channel,
            state=cast("State", each.state),
            attempts=each.attempts,
            error=known(each.error),
            written_at=moment(each.written_s, zone),
            changed_at=moment(each.changed_s, zone),
            next_attempt_at=moment(each.next_s, zone) if is_waiting else None,
            crossing_id=None if crossing is None else crossing_id(crossing),
            budget=None if crossing is None else crossing.budget,
            scope=None if crossing is None else crossing.scope,
            scope_id=None if crossing is None else known(crossing.scope_id),
            threshold=None if crossing is None else crossing.threshold,
            report=known(each.report),
        )


class ChannelDocument(Document):
    """What of a channel has not arrived."""

    channel: str
    waiting: int
    failed: int = Field(description="Given up in the last seven days.")
    error: str | None = Field(description="Why the last attempt that is known failed.")


class NotificationsDocument(Answer):
    """Notifications, latest first."""

    data: list[NotificationDocument]
    channels: list[ChannelDocument] = Field(
        description="Those of which something waits or was given up lately."
    )
    next_cursor: str | None = Field(description="Asks for the page after; null on the last one.")
    time_zone: str
    partial: list[str]

    @classmethod
    def from_page(cls, page: NotificationsPage, zone: ZoneInfo) -> NotificationsDocument:
        """The document of a page."""
        found = page.notifications
        return cls(
            data=[NotificationDocument.from_notification(each, zone) for each in found.listed],
            channels=[
                ChannelDocument(
                    channel=each.channel,
                    waiting=each.waiting,
                    failed=each.failed,
                    error=known(each.error),
                )
                for each in found.backlogs
            ],
            next_cursor=known(page.cursor),
            time_zone=zone.key,
            partial=[],
            as_of=AsOfDocument.from_answer(page.as_of, zone),
        )
