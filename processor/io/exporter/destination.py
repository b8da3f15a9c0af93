"""What a destination promises, and what it counts. `Fanout` makes one exporter of several."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from processor.core.counters import Backlog, DestinationCounters
from processor.core.errors import BackendRefusedError, LastFailure, PermanentError, RetryableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.codes import Code

_ABOUT_CREDENTIALS: Final = frozenset({Code.PERMISSION_DENIED, Code.UNAUTHENTICATED})
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
    displaced: int = 0
    """Given up to make room for newer ones."""


@dataclass(slots=True)
class Counters(DestinationCounters):
    """The counters of one destination, and how they count."""

    backlog: Callable[[], Backlog] | None = None
    """Gives what waits on the disk; None without a queue there."""
    certificate_ends_s: Callable[[], Mapping[str, float]] = dict
    """Gives when certificates end; see `DestinationState`."""

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
            reason = reason_of(error)
            self.refused += 1
            self.refused_for[reason] += 1
            if is_about_credentials(error):
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


def is_about_credentials(error: Exception) -> bool:
    """Whether a refusal is about our token or certificate, and not about a payload."""
    return isinstance(error, BackendRefusedError) and error.code in _ABOUT_CREDENTIALS


def reason_of(error: Exception) -> str:
    """The word under which a refusal is counted."""
    if isinstance(error, BackendRefusedError):
        return Code(error.code).name.lower()
    return error.reason if isinstance(error, PermanentError) else "bug"
