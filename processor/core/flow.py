"""Where every request is, and every span in it: one count for each place, kept at each step.

At any moment, for each signal and transport, in requests and, for traces, in spans as well:

    received = accepted + refused + rejected + arriving
    accepted = acknowledged + returned + dropped + under way

What is *refused* or *rejected* has changed nothing. What is *accepted* is on the books, as far as
it belongs there, and goes to every exporter. All counts are changed in the event loop, each step
without a pause, so whoever reads them there sees equations that hold.

Spans are counted once a request has been read; metrics and most logs are never decoded, so they
have requests only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Final, get_args

from processor.core.errors import ProcessorError, RetryableError
from processor.core.model import Batch, Signal, Transport

Lane = tuple[Signal, Transport]

LANES: Final[tuple[Lane, ...]] = tuple(product(get_args(Signal), get_args(Transport)))

INVALID_ID: Final = "invalid_id"
SWITCHED_OFF: Final = "switched_off"
CALLER_LEFT: Final = "caller_left"
"""Hung up before its body was read, or gRPC itself has refused a body that is too large."""
STOPPING: Final = "stopping"
BUG: Final = "bug"


@dataclass(slots=True)
class OutcomeCounts:
    """Requests or spans of one lane. What has a reason is counted by it."""

    received: int = 0
    arriving: int = 0
    """Being read, in line, or waiting for the books. Nothing has been decided."""
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Not now: the sender was told to try again."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Never: the same request would be rejected again."""
    under_way: int = 0
    """Accepted, and waiting for the answer of an exporter."""
    acknowledged: int = 0
    """Safe with every exporter, and the sender was told so."""
    returned: Counter[str] = field(default_factory=Counter)
    """Accepted but not delivered: the sender was told to try again."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Accepted but never delivered."""


class FlowCounters:
    """The counts of one processor, shared by its way in and its pipeline."""

    def __init__(self) -> None:
        self.requests = {lane: OutcomeCounts() for lane in LANES}
        self.spans = {lane: OutcomeCounts() for lane in LANES if lane[0] == "traces"}
        self.received_bytes: Counter[Lane] = Counter()
        """Bytes of the payloads that were read, uncompressed and as protobuf."""

    @contextmanager
    def arrive(self, signal: Signal, transport: Transport) -> Iterator[None]:
        """Count a request, until its batch is handed on or it is turned away by an error."""
        tally = self.requests[signal, transport]
        tally.received += 1
        tally.arriving += 1
        try:
            yield
        except BaseException as error:
            _turn_away(tally, 1, error, CALLER_LEFT)
            raise

    @contextmanager
    def screen(self, signal: Signal, transport: Transport) -> Iterator[None]:
        """Count a request only if an error turns it away before it could `arrive`."""
        try:
            yield
        except ProcessorError as error:
            tally = self.requests[signal, transport]
            tally.received += 1
            tally.arriving += 1
            _turn_away(tally, 1, error, CALLER_LEFT)
            raise

    @contextmanager
    def follow(self, batch: Batch) -> Iterator[RequestTracker]:
        """Count what becomes of a batch that has arrived."""
        lane = batch.signal, batch.transport
        self.received_bytes[lane] += len(batch.payload)
        tracker = RequestTracker(self.requests[lane], self.spans.get(lane))
        try:
            yield tracker
        except BaseException as error:
            tracker.fail(error)
            raise
        tracker.end()


class RequestTracker:
    """One batch on its way."""

    def __init__(self, requests: OutcomeCounts, spans: OutcomeCounts | None) -> None:
        self._requests = requests
        self._spans = spans or OutcomeCounts()
        self._span_count = 0
        self._is_accepted = False
        self._is_over = False

    def read(self, span_count: int) -> None:
        """The batch could be read, and has so many spans."""
        self._span_count = span_count
        self._spans.received += span_count
        self._spans.arriving += span_count

    def accept(self, left_out: int = 0) -> None:
        """The batch goes on, but for spans that were left out for their invalid ids."""
        self._is_accepted = True
        self._spans.arriving -= self._span_count
        self._span_count -= left_out
        if left_out:
            self._spans.rejected[INVALID_ID] += left_out
        for tally, count in self._counts():
            tally.accepted += count
            tally.under_way += count
        self._requests.arriving -= 1

    def drop(self, reason: str) -> None:
        """The batch is taken, and goes nowhere."""
        self.accept()
        self._end_in("dropped", reason)

    def end(self) -> None:
        """The sender is told that all is well."""
        if self._is_over:
            return
        self._is_over = True
        for tally, count in self._counts():
            tally.under_way -= count
            tally.acknowledged += count

    def fail(self, error: BaseException) -> None:
        """The sender is told of an error."""
        if self._is_accepted:
            is_retryable, reason = _read(error, STOPPING)
            self._end_in("returned" if is_retryable else "dropped", reason)
            return
        for tally, count in self._counts():
            _turn_away(tally, count, error, STOPPING)

    def _end_in(self, place: str, reason: str) -> None:
        self._is_over = True
        for tally, count in self._counts():
            tally.under_way -= count
            reasons = tally.returned if place == "returned" else tally.dropped
            reasons[reason] += count

    def _counts(self) -> tuple[tuple[OutcomeCounts, int], ...]:
        return (self._requests, 1), (self._spans, self._span_count)


def _turn_away(tally: OutcomeCounts, count: int, error: BaseException, when_cancelled: str) -> None:
    is_retryable, reason = _read(error, when_cancelled)
    tally.arriving -= count
    if count:
        (tally.refused if is_retryable else tally.rejected)[reason] += count


def _read(error: BaseException, when_cancelled: str) -> tuple[bool, str]:
    """Whether the sender may try again after an error, and a word for it."""
    if isinstance(error, ProcessorError):
        return isinstance(error, RetryableError), error.reason
    # What is no Exception comes from outside: the work was cancelled.
    is_bug = isinstance(error, Exception)
    return (False, BUG) if is_bug else (True, when_cancelled)
