"""What packages with I/O promise: the pipeline, the surfaces and the receiver depend on these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from processor.core.budgets import Policy
from processor.core.model import (
    Batch,
    Entry,
    Intake,
    Receipt,
    Repricing,
    SpanRow,
    Stamp,
    Standing,
    Totals,
    UnpricedCalls,
)


class Reservation(Protocol):
    """Capacity that is reserved for a batch. Leaving its `with` block releases it."""

    async def deliver(self, payload: bytes) -> Receipt:
        """Send, and wait until every exporter has delivered the payload or has it durably on disk.

        Raises BackendRefusedError when it never will, BackendUnavailableError when the sender
        should try again.
        """


class Exporter(Protocol):
    """Sends batches on, to every backend there is."""

    def reserve(self, batch: Batch) -> AbstractContextManager[Reservation]:
        """Reserve capacity for a batch. Raises OverloadedError, before anything has changed."""

    async def start(self) -> None:
        """Open connections and files; never waits for the backend to be there."""

    async def close(self) -> None:
        """Finish what is under way, then close connections and files."""


class Ledger(Protocol):
    """Charges batches. Raises LedgerUnavailableError, and then nothing was charged."""

    async def post(self, intake: Intake) -> Mapping[int, Stamp]:
        """Charge a batch; returns what to write on its spans, by row."""


class CostLedger(Protocol):
    """Answers what was charged. Raises LedgerUnavailableError when it cannot be read."""

    @property
    def policy(self) -> Policy:
        """The budgets in force."""

    async def total(self, scope: str, scope_id: str, window: tuple[int, int] = (0, 0)) -> Totals:
        """What a scope has spent in a window of epoch seconds; (0, 0) for all time."""

    async def task_title(self, task: str) -> str:
        """The title of a task, as its latest span had it; ``""`` when none has given it one."""

    async def standing(self, scopes: Mapping[str, str], time_s: int) -> list[Standing]:
        """How the given scope ids, and the grand total, stand against their budgets."""

    async def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price, alike ones together, most calls first."""

    async def reprice(
        self,
        price_again: Callable[[SpanRow], Entry],
        span_ns: tuple[int, int],
        now_ns: int,
        *,
        is_dry_run: bool,
    ) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``."""


class Caller(NamedTuple):
    """Who asks, as far as the connection says."""

    is_local: bool
    """Over the loopback interface or a Unix socket."""


Method = Callable[[bytes, Caller], Awaitable[bytes]]
"""From a request's bytes and who asks to the response's bytes."""


class Service(Protocol):
    """A gRPC service that the receiver offers beside OTLP's own."""

    @property
    def name(self) -> str:
        """Its full name, as on the wire."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """Its unary methods by name; each raises a ProcessorError for what it refuses."""
