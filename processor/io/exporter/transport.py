"""What one way of sending promises: one attempt, and what became of it."""

from __future__ import annotations

from typing import Literal, Protocol

from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.codes import Code

Compression = Literal["none", "gzip"]


class AttemptError(Exception):
    """One attempt that failed; `RetryingSender` decides whether there is another one."""

    def __init__(
        self,
        reason: str,
        message: str,
        code: Code,
        *,
        is_retryable: bool,
        asked_s: float | None = None,
        advice: str = "",
    ) -> None:
        """`reason` is the code's name or HTTP's; `asked_s` the least wait."""
        super().__init__(message)
        self.reason = reason
        self.code = code
        self.is_retryable = is_retryable
        self.asked_s = asked_s
        self.advice = advice


class Transport(Protocol):
    """A connection to a backend that speaks OTLP."""

    @property
    def name(self) -> str:
        """How people know the backend, for messages."""

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload. Raises ConfigError."""

    def takes(self, signal: Signal) -> bool:
        """Whether payloads of this signal can be sent here at all."""

    async def attempt(
        self, signal: Signal, payload: bytes, timeout_s: float, metadata: Metadata = ()
    ) -> Receipt | None:
        """Send once. None: the backend has taken the payload, but its answer cannot be read.

        `metadata` goes along, each name in place of a header of that name that is set. Raises
        AttemptError, and BackendUnavailableError once it has been closed.
        """

    async def close(self) -> None:
        """Close the connection; attempts under way end as unavailable."""
