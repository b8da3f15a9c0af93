"""What the rooms with I/O promise each other; the spine depends on these, not on the rooms."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from processor.core.model import Batch, Receipt


class Slot(Protocol):
    """A reserved place on the way out. Leaving its `with` block gives the place back."""

    def fill(self, payload: bytes) -> None:
        """Say what to send; called exactly once before `settled`."""

    async def settled(self) -> Receipt:
        """Wait until every exporter has delivered the payload or has it durably on disk.

        Raises BackendRefusedError when it never will, BackendUnavailableError when the sender
        should try again.
        """


class Exporter(Protocol):
    """A way out of the house."""

    def reserve(self, batch: Batch) -> AbstractContextManager[Slot]:
        """Take a place for a batch. Raises OverloadedError, before anything has changed."""

    async def start(self) -> None:
        """Open connections and files; never waits for the backend to be there."""

    async def close(self) -> None:
        """Finish what is under way, then let go of connections and files."""
