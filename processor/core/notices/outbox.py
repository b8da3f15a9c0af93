"""What waits to be sent, and who keeps it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple, Protocol

from processor.core.model import Crossing

_LATE_MAX_S: Final = 24 * 3600


def is_notified(crossing: Crossing, now_s: int) -> bool:
    """Whether a crossing that is written now is worth a notification.

    One in a window that had ended more than a day ago is only recorded: a reprice, an exclusion or
    old spans that arrive late may find thousands, and nobody can do anything about them.
    """
    end_s = crossing.window_end_s
    return not end_s or now_s - end_s <= _LATE_MAX_S


class Waiting(NamedTuple):
    """A notification that waits for its channel."""

    seq: int
    crossing: Crossing | None
    """None for a report."""
    report: str
    """The period that a report is about; ``""`` for a crossing."""
    written_s: int
    """When it came to be, in epoch seconds."""
    attempts: int
    """How often sending it has failed."""


class Taken(NamedTuple):
    """What is to be sent by a channel now, as one message."""

    notifications: Sequence[Waiting]
    next_s: int | None
    """Where there are none: when the next one is due, in epoch seconds; None for none."""
    waiting: int = 0
    """How many wait for the channel, these included; counted up to a thousand."""


class Notification(NamedTuple):
    """A notification as it stands."""

    seq: int
    channel: str
    state: str
    """``waiting``, ``sent`` or ``failed``."""
    written_s: int
    changed_s: int
    """When it was sent, given up, or tried last."""
    next_s: int
    """When it is due, while it waits."""
    attempts: int
    error: str
    """Why the last attempt failed."""
    crossing: Crossing | None
    """None for a report."""
    report: str


class Backlog(NamedTuple):
    """What of a channel has not arrived."""

    channel: str
    waiting: int
    failed: int
    """Given up in the last seven days."""
    error: str
    """Why the last attempt that is known failed; ``""`` where what waits has not been tried."""


class Notifications(NamedTuple):
    """Notifications, latest first, and what of each channel has not arrived."""

    listed: Sequence[Notification]
    backlogs: Sequence[Backlog]


class Outbox(Protocol):
    """Notifications that were written with what they are about, until they are sent.

    Every method that asks raises LedgerUnavailableError while that cannot be done.
    """

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the event loop whenever something new may wait."""

    async def start(self, channels: Collection[str]) -> None:
        """Give up what waits for channels that are not there any more."""

    async def take(self, channel: str, now_s: int, limit: int) -> Taken:
        """What is due by a channel: up to `limit` crossings, or one report.

        What has been taken as one message is one again, until it is sent or given up: also after a
        restart.
        """

    async def sent(self, taken: Sequence[Waiting], now_s: int) -> None:
        """Note that it has been delivered."""

    async def failed(
        self, channel: str, taken: Sequence[Waiting], now_s: int, next_s: int, error: str
    ) -> int:
        """Note that it was not, and when it is tried again; returns how many were given up.

        Those are all of the channel that have waited for a day.
        """
