"""What a single way out promises; `Fanout` makes one exporter of any number of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from processor.model import Receipt, Signal


@dataclass(slots=True)
class Counters:
    """What became of the payloads given to one destination; each is counted once at the end."""

    delivered: int = 0
    """Payloads that are safe at the destination, partial successes included."""
    delivered_bytes: int = 0
    refused: int = 0
    """Payloads that the destination will never take."""
    unavailable: int = 0
    """Payloads given back to their senders, to be sent again."""
    retried: int = 0
    """Attempts after the first."""
    rejected_items: int = 0
    """Spans, data points and log records that partial successes named as rejected."""
    merged: int = 0
    """Payloads that left in one request with others."""
    unreadable: int = 0
    """Requests that were taken with an answer that cannot be read."""


class Destination(Protocol):
    """A place where payloads are safe once `deliver` returns."""

    @property
    def name(self) -> str:
        """How people know it, for messages."""

    @property
    def counters(self) -> Counters:
        """What has become of its payloads so far."""

    def takes(self, signal: Signal) -> bool:
        """Whether payloads of this signal go here at all."""

    async def start(self) -> None:
        """Open connections and files; never waits for a backend. Raises ConfigError."""

    async def deliver(self, signal: Signal, payload: bytes, timeout_s: float | None) -> Receipt:
        """Return once the payload is delivered or durable.

        `timeout_s` is what is left until the sender gives up, None when it never does. Raises
        BackendRefusedError, TooLargeError or UndecodableError when it never will be, and
        BackendUnavailableError when the sender should try again.
        """

    async def close(self) -> None:
        """Let go of connections and files; called when nothing is being delivered any more."""
