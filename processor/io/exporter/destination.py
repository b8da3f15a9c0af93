"""What a destination promises, and what it counts. `Fanout` makes one exporter of several."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from processor.core.errors import BackendRefusedError, LastFailure, PermanentError, RetryableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.codes import Code


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on the disk for one backend, and what has become of it since the start.

    While nothing is being sent, ``found + kept == waiting + delivered + sum(dropped.values()) +
    lost``, as far as the heads of damaged records show how many they were.
    """

    waiting: int
    """Payloads that are still to be sent."""
    size_bytes: int
    """What they take on the disk, with what was sent from files that are not empty yet."""
    max_bytes: int
    is_away: bool
    """Whether new payloads go to the disk without being tried."""
    found: int
    """Left by earlier runs."""
    kept: int
    """Acknowledged because they are on the disk."""
    failed: int
    """Could not be written, so their senders were asked to try again."""
    delivered: int
    """Taken by the backend, from the disk."""
    dropped: Mapping[str, int]
    """Refused by the backend for good after they were acknowledged, by reason."""
    lost: int
    """Damaged on the disk."""
    torn_bytes: int
    """Of writes that a crash cut off, which were never acknowledged."""
    corrupt_segments: int
    """Set aside because something in them is damaged."""
    other_version_segments: int
    """Left alone, for a program that can read them."""
    is_failing: bool = False
    """Whether the last payload could not be written, so that senders have to wait."""


_ABOUT_CREDENTIALS: Final = frozenset({"permission_denied", "unauthenticated"})
"""Codes that refuse whatever we send, not only one payload."""


@dataclass(slots=True)
class DiskQueueCounters:
    """What has become of the records of a disk queue since the start."""

    found: int = 0
    """Left by earlier runs."""
    kept: int = 0
    """Written, and so acknowledged."""
    failed: int = 0
    """Not written, for lack of room or because the disk failed."""
    done: int = 0
    """Taken out again, for good."""
    lost: int = 0
    """Damaged on the disk; at least so many."""
    torn_bytes: int = 0
    """Of writes that a crash cut off, which were never acknowledged."""
    corrupt_segments: int = 0
    """Set aside because something in them is damaged."""
    other_version_segments: int = 0
    """Left alone, for a program that can read them."""


@dataclass(slots=True)
class Counters:
    """What became of the payloads given to one destination.

    At any moment: given = delivered + refused + unavailable + abandoned + under way.
    """

    given: int = 0
    under_way: int = 0
    """Payloads that have no outcome yet."""
    delivered: int = 0
    """Payloads that are safe at the destination, partial successes included."""
    delivered_bytes: int = 0
    refused: int = 0
    """Payloads that the destination will never take."""
    refused_for: Counter[str] = field(default_factory=Counter)
    """The same by reason: the backend's status code, or one of our own reasons."""
    unavailable: int = 0
    """Payloads given back to their senders, to be sent again."""
    abandoned: int = 0
    """Payloads given up when the processor stopped; they may have arrived all the same."""
    retried: int = 0
    """Attempts after the first."""
    rejected_items: int = 0
    """Spans, data points and log records that partial successes named as rejected, and those of
    parts that were too large or refused where others were not."""
    merged: int = 0
    """Payloads that left in one request with others."""
    unreadable: int = 0
    """Requests that were taken with an answer that cannot be read."""
    backlog: Callable[[], Backlog] | None = None
    """Gives what waits on the disk; None without a queue there."""
    last_failure: LastFailure | None = None
    """None from each delivery until the next failure that is not about a single payload."""

    @contextmanager
    def follow(self, size: int) -> Iterator[None]:
        """Count one payload of `size` bytes, from when it is given to its one outcome."""
        self.given += 1
        self.under_way += 1
        try:
            yield
        except RetryableError as error:
            self.unavailable += 1
            self._note(error)
            raise
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        except Exception as error:
            reason = _reason(error)
            self.refused += 1
            self.refused_for[reason] += 1
            if reason in _ABOUT_CREDENTIALS:
                self._note(error)
            raise
        else:
            self.delivered += 1
            self.delivered_bytes += size
            self.last_failure = None
        finally:
            self.under_way -= 1

    def _note(self, error: Exception) -> None:
        times = self.last_failure.times if self.last_failure else 0
        self.last_failure = LastFailure(str(error), time.monotonic(), times + 1)


class Destination(Protocol):
    """A place where payloads are safe once `deliver` returns."""

    @property
    def name(self) -> str:
        """How users know it, for messages."""

    @property
    def counters(self) -> Counters:
        """What has become of its payloads so far."""

    def takes(self, signal: Signal) -> bool:
        """Whether payloads of this signal go here at all."""

    async def start(self) -> None:
        """Open connections and files; never waits for a backend. Raises ConfigError."""

    async def deliver(
        self, signal: Signal, payload: bytes, timeout_s: float | None, metadata: Metadata = ()
    ) -> Receipt:
        """Return once the payload is delivered or durable.

        `timeout_s` is what is left until the sender gives up, None when it never does; `metadata`
        are the sender's headers that may be forwarded. Raises
        BackendRefusedError, TooLargeError or UndecodableError when it never will be, and
        BackendUnavailableError when the sender should try again.
        """

    async def close(self) -> None:
        """Close connections and files; called when nothing is being delivered any more."""


def _reason(error: Exception) -> str:
    if isinstance(error, BackendRefusedError):
        return Code(error.code).name.lower()
    return error.reason if isinstance(error, PermanentError) else "bug"
