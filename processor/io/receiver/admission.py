"""Admission, which both protocols share: a place for each request, each handled to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from processor.core.errors import (
    ProcessorError,
    SlowSenderError,
    StoppingError,
)
from processor.core.flow import FlowCounters
from processor.core.memory import REQUEST_BYTES
from processor.core.model import Batch, Metadata, Receipt, Signal, Transport
from processor.io.receiver.place import Peer, Place
from processor.io.receiver.places import Places
from processor.io.receiver.status import forget_frames

_log = logging.getLogger(__name__)

T = TypeVar("T")

Handle = Callable[[Batch], Awaitable[Receipt]]
"""Handles one batch to its end; may raise any ProcessorError."""

Read = Callable[[Place], Awaitable[tuple[bytes, float | None]]]
"""Reads a request's payload as protobuf, and what is then left of its caller's time limit; the
place holds what has come of it."""

_WORK: Final = {"traces": 4, "metrics": 1, "logs": 3}
"""How many times its size a payload takes until the ledger has it: itself, its columns (measured:
0.9 to 1.9 times as much), and what the parser and the writer make of it."""


class Admission:
    """Admits requests to places, and has them handled."""

    def __init__(
        self,
        handle: Handle,
        places: Places,
        *,
        read_timeout_s: float,
        flow: FlowCounters | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`read_timeout_s` bounds how long a sender may take to send one body."""
        self._handle = handle
        self.flow = flow or FlowCounters()
        self._places = places
        self._read_timeout_s = read_timeout_s
        self._now_ns = now_ns
        self._handling: set[asyncio.Task[Receipt]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def under_way(self) -> int:
        """Requests that are being read or handled, those whose caller has disconnected included."""
        return len(self._places)

    async def take(
        self,
        signal: Signal,
        read: Read,
        metadata: Metadata = (),
        transport: Transport = "grpc",
        *,
        peer: Peer,
        claim_bytes: int = 0,
        is_trusted: bool = False,
    ) -> Receipt:
        """Admit a request, read its body, and handle it to its end.

        `claim_bytes` is what it holds from the start, before anything of its body is known;
        `is_trusted` tells that the sender is another processor.
        Raises OverloadedError before `read` is called, and whatever reading and handling raise.
        """
        with self.flow.arrive(signal, transport):
            self._refuse_when_stopping()
            place = await self._places.enter(peer, claim_bytes)
            self._idle.clear()
            try:
                self._refuse_when_stopping()
                payload, timeout_s = await read(place)
                place.begin_work(len(payload) * _WORK[signal] + REQUEST_BYTES)
            except BaseException:
                self._leave(place)
                raise
            batch = Batch(
                signal, payload, self._now_ns(), timeout_s, metadata, transport, place.holding,
                is_trusted,
            )  # fmt: skip
            del payload
            task = self._start_handling(batch, place)
            del batch
        # A caller that disconnects cancels this coroutine. What is in the ledger must still be
        # forwarded, so the batch is handled in a task of its own.
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            raise StoppingError("the processor stopped before this was delivered") from None
        finally:
            # The task has the error, whose traceback has this frame: without this they would be a
            # cycle, which keeps the payload until the garbage collector runs.
            del task

    async def receive(self, read: Callable[[], Awaitable[T]], place: Place) -> T:
        """Wait for a body; once it is there, its place is no longer at risk.

        Raises SlowSenderError when its sender takes too long, OverloadedError when its place is
        needed for others; where that was so before, nothing is read.
        """
        place.ensure_kept()
        try:
            async with asyncio.timeout(self._read_timeout_s) as place.deadline:
                body = await read()
        except TimeoutError:
            place.ensure_kept()
            message = f"the request body did not arrive within {self._read_timeout_s:g} s"
            raise SlowSenderError(message) from None
        finally:
            place.deadline = None
        place.finish_arriving(len(body) if isinstance(body, bytes) else 0)
        return body

    def refuse_further(self) -> None:
        """From now on refuse every new request."""
        self._draining = True

    async def finish(self, grace_s: float) -> int:
        """Wait for the batches under way, then give up on the rest; returns how many those were."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        abandoned = list(self._handling)
        for task in abandoned:
            task.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)
        return len(abandoned)

    def _refuse_when_stopping(self) -> None:
        if self._draining:
            raise StoppingError("the processor is shutting down")

    def _start_handling(self, batch: Batch, place: Place) -> asyncio.Task[Receipt]:
        task = asyncio.ensure_future(self._handle(batch))
        self._handling.add(task)

        def finish(task: asyncio.Task[Receipt]) -> None:
            """Forget a finished batch, and read its outcome in case its caller no longer does."""
            self._handling.discard(task)
            self._leave(place)
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.debug("a batch was not delivered: %s", error)
                if isinstance(error, ProcessorError):
                    forget_frames(error)

        task.add_done_callback(finish)
        return task

    def _leave(self, place: Place) -> None:
        place.close()
        if not self.under_way:
            self._idle.set()
