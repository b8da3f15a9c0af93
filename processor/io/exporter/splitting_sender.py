"""For a backend with a limit on size: larger requests reach it in several parts.

What is written on spans makes requests larger than they were received, and a backend may take less
than we do. A part is a request of its own: one that is refused fails alone, and its items are
reported to the sender as rejected. When the sender has to try again, all of it is sent again, since
to the sender it is one request; OTLP backends must expect duplicates.

A backend's limit need not be known: where it refuses a request for its size, the request is cut in
two, and from then on no request of that size is sent whole. Most gRPC servers take 4 MiB at most.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Final

from processor.core.errors import (
    BackendRefusedError,
    PermanentError,
    TooLargeError,
    UndecodableError,
)
from processor.core.model import Metadata, Receipt, Signal, SplitRequest
from processor.core.otlp.codes import Code
from processor.io.exporter.batcher import Send
from processor.io.exporter.destination import Counters

_log = logging.getLogger(__name__)

_TOO_LARGE: Final = re.compile(
    r"HTTP 413|larger than max( \([0-9]+ vs\. (?P<limit>[0-9]{1,18})\))?"
    r"|exceeds (the )?max|message (is )?too large",
    re.IGNORECASE,
)
_LEAST_BYTES: Final = 64 * 1024
"""No limit below this is learned, whatever a backend refuses."""

Split = Callable[[Signal, bytes, int, int], SplitRequest]
"""Cuts a payload into requests of a target size, with a limit for single items that are larger.
Raises UndecodableError."""


def unsplit(_signal: Signal, _payload: bytes, _target_bytes: int, _max_bytes: int) -> SplitRequest:
    """A `Split` for payloads that must not be cut."""
    raise UndecodableError("it is not cut")


class SplittingSender:
    """Takes requests of any size, and passes them to the next sender in parts it can send."""

    def __init__(
        self, send: Send, split: Split, counters: Counters, *, name: str, max_bytes: int
    ) -> None:
        """`name` is the backend's, and `max_bytes` the largest request that `send` may be given."""
        self._send = send
        self._split = split
        self._counters = counters
        self._name = name
        self._max_bytes = max_bytes
        self._target_bytes = max_bytes
        """What requests are cut to: the limit, or a lower one that the backend was seen to have."""

    async def send(
        self, signal: Signal, payload: bytes, budget_s: float, metadata: Metadata = ()
    ) -> Receipt:
        """Send as a whole or in parts, all of them within `budget_s`.

        What no part can hold is reported as rejected, and so is a part that is refused where
        another one is not. Raises TooLargeError where nothing would be left, and what `send`
        raises.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + budget_s
        if len(payload) <= self._target_bytes:
            try:
                return await self._send(signal, payload, budget_s, metadata)
            except BackendRefusedError as refusal:
                smaller = await self._cut_smaller(signal, payload, refusal)
                if smaller is None:
                    raise
            split = smaller
        else:
            split = await self._cut(signal, payload)
        outcome = _Outcome()
        if split.left_out:
            message = f"{split.left_out} items are each larger than {self._name} takes"
            outcome.leave_out(split.left_out, message)
        send = self.send if len(split.parts) > 1 else self._send
        for part, items in split.parts:
            left_s = max(end_s - loop.time(), 0.0)
            try:
                outcome.take(await send(signal, part, left_s, metadata))
            except PermanentError as error:
                outcome.refuse(items, error)
        receipt = outcome.receipt()
        self._counters.rejected_items += outcome.left_out
        return receipt

    async def _cut(self, signal: Signal, payload: bytes) -> SplitRequest:
        """Raise TooLargeError for what cannot be cut, or would leave nothing to be sent."""
        try:
            split = await self._parts(signal, payload, self._target_bytes)
        except UndecodableError:
            split = SplitRequest((), 0)
        if not split.parts:
            size = f"{len(payload)} bytes, and the limit is {self._max_bytes} for any part of it"
            raise TooLargeError(f"the payload for {self._name} has {size}")
        return split

    async def _parts(self, signal: Signal, payload: bytes, target_bytes: int) -> SplitRequest:
        """Cut beside the event loop: 30 MiB in as many thousand spans take more than 0.1 s."""
        return await asyncio.to_thread(self._split, signal, payload, target_bytes, self._max_bytes)

    async def _cut_smaller(
        self, signal: Signal, payload: bytes, refusal: BackendRefusedError
    ) -> SplitRequest | None:
        """Cut what was refused for its size, and use a lower target from now on; else None."""
        target_bytes = _learned_limit(refusal, len(payload))
        if target_bytes < _LEAST_BYTES:
            return None
        try:
            split = await self._parts(signal, payload, target_bytes)
        except UndecodableError:
            return None
        # A single large item says nothing about others; and before items are left out, the
        # backend's own refusal is what the sender should receive.
        if len(split.parts) < 2 or split.left_out:
            return None
        self._target_bytes = min(self._target_bytes, target_bytes)
        what = "%s does not take %d bytes, so requests above %d are cut; set max_message_mib"
        _log.warning(what, self._name, len(payload), target_bytes)
        return split


def _learned_limit(refusal: BackendRefusedError, size: int) -> int:
    """The target to try after `size` bytes; 0 where the refusal has another reason.

    OTLP has one code for what is too large and for what is over a quota. HTTP has 413, and gRPC's
    libraries say it in these words, most of them with the limit.
    """
    said = _TOO_LARGE.search(str(refusal))
    if refusal.code != Code.RESOURCE_EXHAUSTED or said is None:
        return 0
    limit = int(said["limit"] or 0)
    return limit if 0 < limit < size else size // 2


class _Outcome:
    """What has become of the parts of one request so far."""

    def __init__(self) -> None:
        self.left_out = 0
        """Items that have not been sent, or whose part was refused."""
        self._rejected = 0
        """Items of parts that were taken."""
        self._messages: dict[str, None] = {}
        self._refusal: PermanentError | None = None
        self._is_taken = False

    def take(self, receipt: Receipt) -> None:
        """A part was taken, perhaps not all of it."""
        self._is_taken = True
        self._rejected += receipt.rejected
        self._messages[receipt.message] = None

    def refuse(self, items: int, error: PermanentError) -> None:
        """A part was refused for good."""
        # Without the frames that it came through: one of them holds this outcome.
        self._refusal = error.with_traceback(None)
        self.leave_out(items, str(error))

    def leave_out(self, items: int, message: str) -> None:
        """Items will not arrive."""
        self.left_out += items
        self._messages[message] = None

    def receipt(self) -> Receipt:
        """The receipt of the whole. Raises the refusal where no part was taken."""
        refusal, self._refusal = self._refusal, None
        if refusal is not None and not self._is_taken:
            try:
                raise refusal
            finally:
                del refusal  # It holds this frame from here on.
        return Receipt(self._rejected + self.left_out, "; ".join(filter(None, self._messages)))
