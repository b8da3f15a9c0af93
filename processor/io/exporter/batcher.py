"""Merging on the way out: many small requests leave as one.

Two encoded Export…ServiceRequests, one after the other, are one valid request with the entries of
both, so merging is joining bytes. A request leaves at once while none of its signal is under way,
and joins others only while it would have to share the connection anyway: at low load nothing waits.

Only requests of one signal with the same metadata are merged, as they have to be told the same to
the backend. What a sender is told stays what its own request deserves:

- a merged request that is refused is sent again in its parts, so that the bad one fails alone;
- of a partial success nobody can tell whose items were rejected: each sender gets the message and
  a count of zero, and the count goes into the counters;
- a merged request goes on for as long as the most impatient of its senders allows; that one is
  then told to try again, and the rest goes on without it.

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
    """How much is merged, and how long it may wait for that."""

    max_bytes: int = 64 * 1024
    """Of a merged request; a payload of half that or more leaves alone."""
    max_delay_s: float = 0.005


@dataclass(slots=True, eq=False)
class _Waiting:
    payload: bytes
    ends_s: float
    """When to give up on it, by the loop's clock."""
    done: asyncio.Future[Receipt]


class Batcher:
    """Stands before the courier and takes what the courier takes."""

    def __init__(self, send: Send, policy: MergePolicy, counters: Counters) -> None:
        self._send = send
        self._policy = policy
        self._counters = counters
        self._lanes: dict[tuple[Signal, Metadata], _Lane] = {}

    async def send(
        self, signal: Signal, payload: bytes, budget_s: float, metadata: Metadata = ()
    ) -> Receipt:
        """Send alone or together with others; raises what the courier raises."""
        lane = self._lanes.get((signal, metadata)) or self._open_lane(signal, metadata)
        return await lane.send(payload, budget_s)

    async def close(self) -> None:
        """End what is still under way as unavailable."""
        for lane in self._lanes.values():
            await lane.close()

    def _open_lane(self, signal: Signal, metadata: Metadata) -> _Lane:
        """Open a lane for payloads that have none yet.

        Those that are empty make room for it, since senders choose how many there are.
        """
        self._lanes = {key: lane for key, lane in self._lanes.items() if not lane.is_empty}

        def send(payload: bytes, budget_s: float) -> Awaitable[Receipt]:
            return self._send(signal, payload, budget_s, metadata)

        lane = self._lanes[signal, metadata] = _Lane(send, self._policy, self._counters)
        return lane


class _Lane:
    """The payloads of one signal that have the same metadata, and so may become one request."""

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
            self._depart()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(payload, loop.time() + budget_s, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += size
        if self._timer is None:
            self._timer = loop.call_later(self._policy.max_delay_s, self._depart)
        return await waiting.done

    @property
    def is_empty(self) -> bool:
        return not (self._under_way or self._waiting or self._tasks)

    async def close(self) -> None:
        self._depart()
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
            self._arrive()

    def _arrive(self) -> None:
        """One request less is under way; those who waited for it are next."""
        self._under_way -= 1
        if not self._under_way:
            self._depart()

    def _depart(self) -> None:
        """Everyone who waits leaves now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Who is done already has been cancelled by its caller.
        group = [waiting for waiting in self._waiting if not waiting.done.done()]
        self._waiting, self._waiting_bytes = [], 0
        if group:
            self._under_way += 1
            task = asyncio.ensure_future(self._carry(group))
            self._tasks.add(task)
            task.add_done_callback(partial(self._end, group))

    def _end(self, group: Sequence[_Waiting], task: asyncio.Task[None]) -> None:
        """A group has been carried, or was cut off by `close`: then nobody may be left waiting."""
        self._tasks.discard(task)
        _fail(group, BackendUnavailableError("the processor is stopping"))
        self._arrive()

    async def _carry(self, group: Sequence[_Waiting]) -> None:
        """Take a group to its end: everyone in it gets an answer."""
        rest = await self._send_together(group) if len(group) > 1 else group
        await asyncio.gather(*map(self._send_apart, rest))

    async def _send_together(self, group: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Send a group as one request; returns those who have to be sent apart."""
        loop = asyncio.get_running_loop()
        self._counters.merged += len(group)
        while len(group) > 1:
            least_s = min(waiting.ends_s for waiting in group)
            joined = b"".join(waiting.payload for waiting in group)
            try:
                receipt = await self._send(joined, max(least_s - loop.time(), 0.0))
            except RetryableError as error:
                # Whoever is in time for another attempt goes on, after the pause that is due.
                limit_s = max(least_s, loop.time() + error.delay_s)
                _fail([waiting for waiting in group if waiting.ends_s <= limit_s], error)
                group = [waiting for waiting in group if waiting.ends_s > limit_s]
                await asyncio.sleep(error.delay_s if group else 0.0)
            except Exception as error:  # noqa: BLE001 - whatever it is, the senders have to hear it
                if is_about_payload(error):
                    return group
                _fail(group, error)
                return ()
            else:
                for waiting in group:
                    _tell(waiting, Receipt(0, receipt.message))
                return ()
        return group

    async def _send_apart(self, waiting: _Waiting) -> None:
        left_s = waiting.ends_s - asyncio.get_running_loop().time()
        try:
            receipt = await self._send(waiting.payload, max(left_s, 0.0))
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender has to hear it
            _fail([waiting], error)
        else:
            _tell(waiting, receipt)


def is_about_payload(error: Exception) -> bool:
    """Whether a refusal may be the fault of one of several payloads.

    UNIMPLEMENTED is about the signal, whatever was sent.
    """
    if isinstance(error, BackendRefusedError):
        return error.code != Code.UNIMPLEMENTED
    return isinstance(error, PermanentError)


def is_whole(payload: bytes) -> bool:
    """Whether a payload is a row of complete entries and nothing else.

    Field 1 holds the entries in the requests of all three signals. An entry that claims more bytes
    than there are would swallow its neighbour's, and a field that is not repeated would be
    overwritten by it; such payloads have to travel alone.
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


def _tell(waiting: _Waiting, receipt: Receipt) -> None:
    if not waiting.done.done():  # else its caller has left
        waiting.done.set_result(receipt)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.done.done():
            waiting.done.set_exception(error)
