"""Batching: many small requests are sent as one.

Two encoded Export…ServiceRequests, one after the other, are one valid request with the entries of
both, so merging is joining bytes. A request is sent at once while none of its kind is under way,
and joins others only while it would have to share the connection anyway: at low load nothing waits.

Only requests of one signal with the same metadata are merged, since they need the same headers.
Each sender still gets the answer of its own request:

- a merged request that is refused is sent again in its parts, so that the bad one fails alone;
- a partial success does not say whose items were rejected: each sender gets the message and
  a count of zero, and the count goes into the counters;
- a merged request goes on for as long as the most impatient of its senders allows; that one is
  then asked to try again, and the others go on without it.

Source: Protocol Buffers encoding, "Last One Wins": concatenated messages merge, repeated fields
are appended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    PermanentError,
    RetryableError,
    UndecodableError,
)
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.codes import Code
from processor.core.otlp.varint import read_varint
from processor.io.exporter.destination import Counters

Send = Callable[[Signal, bytes, float, Metadata], Awaitable[Receipt]]

_ENTRY_TAG: Final = 0x0A
_LENGTH_BYTES_MAX: Final = 5
"""Of a length's varint; parsers refuse longer ones."""


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """How much is merged, and how long a request may wait for that."""

    max_bytes: int = 64 * 1024
    """Of a merged request; a payload of half that or more is sent alone."""
    max_delay_s: float = 0.005


@dataclass(slots=True, eq=False)
class _Waiting:
    payload: bytes
    ends_s: float
    """When to give up on it, by the loop's clock."""
    done: asyncio.Future[Receipt]


class Batcher:
    """Merges the requests that it is given, and sends them by `send`; one batch for each kind."""

    def __init__(self, send: Send, policy: MergePolicy, counters: Counters) -> None:
        self._send = send
        self._policy = policy
        self._counters = counters
        self._batches: dict[tuple[Signal, Metadata], _Batch] = {}

    async def send(
        self, signal: Signal, payload: bytes, budget_s: float, metadata: Metadata = ()
    ) -> Receipt:
        """Send alone or together with others; raises what `send` raises."""
        batch = self._batches.get((signal, metadata)) or self._open_batch(signal, metadata)
        return await batch.send(payload, budget_s)

    async def close(self) -> None:
        """End what is still under way as unavailable."""
        for batch in self._batches.values():
            await batch.close()

    def _open_batch(self, signal: Signal, metadata: Metadata) -> _Batch:
        """Open a batch for a kind of payloads that has none yet.

        Empty ones are removed first, since senders choose how many kinds there are.
        """
        self._batches = {key: batch for key, batch in self._batches.items() if not batch.is_empty}

        def send(payload: bytes, budget_s: float) -> Awaitable[Receipt]:
            return self._send(signal, payload, budget_s, metadata)

        batch = self._batches[signal, metadata] = _Batch(send, self._policy, self._counters)
        return batch


class _Batch:
    """The payloads of one kind: same signal, same metadata, so they may become one request."""

    def __init__(
        self,
        send: Callable[[bytes, float], Awaitable[Receipt]],
        policy: MergePolicy,
        counters: Counters,
    ) -> None:
        self._send = send
        self._policy = policy
        self._counters = counters
        self._under_way = 0
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, payload: bytes, budget_s: float) -> Receipt:
        size = len(payload)
        is_large = size * 2 >= self._policy.max_bytes
        if not self._under_way or is_large or not is_whole(payload):
            return await self._send_alone(payload, budget_s)
        if self._waiting_bytes + size > self._policy.max_bytes:
            self._flush()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(payload, loop.time() + budget_s, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += size
        if self._timer is None:
            self._timer = loop.call_later(self._policy.max_delay_s, self._flush)
        try:
            return await waiting.done
        finally:
            # An error that it holds would keep this frame, and this frame would keep it.
            del waiting

    @property
    def is_empty(self) -> bool:
        return not (self._under_way or self._waiting or self._tasks)

    async def close(self) -> None:
        self._flush()
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_alone(self, payload: bytes, budget_s: float) -> Receipt:
        self._under_way += 1
        try:
            return await self._send(payload, budget_s)
        finally:
            self._finish_one()

    def _finish_one(self) -> None:
        """One request fewer is under way; those that waited for it are next."""
        self._under_way -= 1
        if not self._under_way:
            self._flush()

    def _flush(self) -> None:
        """Send all that wait, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # One that is done already was cancelled by its caller.
        group = [waiting for waiting in self._waiting if not waiting.done.done()]
        self._waiting, self._waiting_bytes = [], 0
        if group:
            self._under_way += 1
            task = asyncio.ensure_future(self._deliver(group))
            self._tasks.add(task)
            task.add_done_callback(partial(self._end, group))

    def _end(self, group: Sequence[_Waiting], task: asyncio.Task[None]) -> None:
        """A group was delivered, or cut off by `close`: then no caller may be left waiting."""
        self._tasks.discard(task)
        _fail(group, BackendUnavailableError("the processor is stopping"))
        self._finish_one()

    async def _deliver(self, group: Sequence[_Waiting]) -> None:
        """Send a group until each payload in it has an answer."""
        rest = await self._send_together(group) if len(group) > 1 else group
        await asyncio.gather(*map(self._send_separately, rest))

    async def _send_together(self, group: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Send a group as one request; returns those that have to be sent separately."""
        loop = asyncio.get_running_loop()
        self._counters.merged += len(group)
        while len(group) > 1:
            least_s = min(waiting.ends_s for waiting in group)
            outcome = await self._outcome_of(
                b"".join(waiting.payload for waiting in group), max(least_s - loop.time(), 0.0)
            )
            if isinstance(outcome, Receipt):
                for waiting in group:
                    _resolve(waiting, Receipt(0, outcome.message))
                return ()
            if isinstance(outcome, RetryableError):
                # Those that have time for another attempt go on, after the pause that is due.
                limit_s = max(least_s, loop.time() + outcome.delay_s)
                _fail([waiting for waiting in group if waiting.ends_s <= limit_s], outcome)
                group = [waiting for waiting in group if waiting.ends_s > limit_s]
                await asyncio.sleep(outcome.delay_s if group else 0.0)
            elif is_about_payload(outcome):
                return group
            else:
                _fail(group, outcome)
                return ()
        return group

    async def _send_separately(self, waiting: _Waiting) -> None:
        left_s = waiting.ends_s - asyncio.get_running_loop().time()
        outcome = await self._outcome_of(waiting.payload, max(left_s, 0.0))
        if isinstance(outcome, Receipt):
            _resolve(waiting, outcome)
        else:
            _fail([waiting], outcome)

    async def _outcome_of(self, payload: bytes, budget_s: float) -> Receipt | Exception:
        """Send, and give back what is raised.

        In a frame of its own: the futures of the senders will hold the error, which holds the
        frame in which it is caught, so that must not hold these futures.
        """
        try:
            return await self._send(payload, budget_s)
        except Exception as error:  # noqa: BLE001 - whatever fails, the senders get an answer
            return error


def is_about_payload(error: Exception) -> bool:
    """Whether a refusal may be the fault of one of several payloads.

    UNIMPLEMENTED is about the signal, whatever was sent.
    """
    if isinstance(error, BackendRefusedError):
        return error.code != Code.UNIMPLEMENTED
    return isinstance(error, PermanentError)


def is_whole(payload: bytes) -> bool:
    """Whether a payload is a sequence of complete entries and nothing else.

    Field 1 holds the entries in the requests of all three signals. An entry that claims more bytes
    than there are would take its neighbour's, and a field that is not repeated would be overwritten
    by it; such payloads have to be sent alone.
    """
    at, end = 0, len(payload)
    try:
        while at < end and payload[at] == _ENTRY_TAG:
            size, start = read_varint(payload, at + 1)
            if start - at - 1 > _LENGTH_BYTES_MAX:
                return False
            at = start + size
    except (UndecodableError, IndexError):
        return False
    return at == end


def _resolve(waiting: _Waiting, receipt: Receipt) -> None:
    if not waiting.done.done():  # else its caller was cancelled
        waiting.done.set_result(receipt)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.done.done():
            waiting.done.set_exception(error)
