"""What a channel has to offer."""

from __future__ import annotations

from typing import Protocol

from processor.core.errors import ProcessorError
from processor.core.notices import Notice


class SendError(ProcessorError):
    """An attempt that did not deliver, or perhaps did: nobody has said so."""

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        retry_after_s: float | None = None,
        is_gone: bool = False,
    ) -> None:
        """`message` is kept and shown, and has no secrets; `detail` is only for who tests."""
        super().__init__(message)
        self.detail = detail
        self.retry_after_s = retry_after_s
        """How long the other side asks to wait."""
        self.is_gone = is_gone
        """The other side says that nothing is to be sent there any more."""


class Channel(Protocol):
    """Delivers one message at a time."""

    @property
    def name(self) -> str:
        """How the settings call it."""

    @property
    def folded_max(self) -> int:
        """How many crossings may be one message; 1 for programs."""

    @property
    def interval_s(self) -> float:
        """The least time between two messages."""

    async def send(self, notice: Notice) -> None:
        """Deliver a message, within the channel's timeout. Raises SendError."""

    async def close(self) -> None:
        """Close connections."""
