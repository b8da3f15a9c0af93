"""Where every request is, and every span in it: one count for each state, kept at each step.

At any moment, for each signal and transport, in requests and, for traces, in spans as well:

    received = accepted + refused + rejected + arriving
    accepted = acknowledged + returned + dropped + under way

What is *refused* or *rejected* has changed nothing. What is *accepted* is charged, as far as it
holds LLM calls, and goes to every exporter unless its signal is switched off. All counts are
changed in the event loop, each step without a pause, so whoever reads them there sees equations
that hold.

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

Input = tuple[Signal, Transport]
"""A signal and the protocol that it arrives over."""

INPUTS: Final[tuple[Input, ...]] = tuple(product(get_args(Signal), get_args(Transport)))

INVALID_ID: Final = "invalid_id"
SWITCHED_OFF: Final = "switched_off"
NOT_TAKEN: Final = "signal_not_taken"
"""By no backend, as none of them has this signal."""
CALLER_LEFT: Final = "caller_left"
"""Hung up before its body was read."""
STOPPING: Final = "stopping"
BUG: Final = "bug"


@dataclass(slots=True)
class OutcomeCounts:
    """Requests or spans of one input. What has a reason is counted by it."""

    received: int = 0
    arriving: int = 0
    """Being read, or waiting for the ledger. Nothing has been decided."""
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Not now: the sender was asked to try again."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Never: the same request would be rejected again."""
    under_way: int = 0
    """Accepted, and waiting for the answer of an exporter."""
    acknowledged: int = 0
    """Safe with every exporter, and the sender was answered so."""
    returned: Counter[str] = field(default_factory=Counter)
    """Accepted but not delivered: the sender was asked to try again."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Accepted but never delivered."""


@dataclass(slots=True)
class SpanOutcomes:
    """What the pipeline did with spans: each span of an accepted batch is counted in one field."""

    untouched: int = 0
    """Passed on byte for byte."""
    stamped: int = 0
    """Passed on with attributes or events of ours."""
    rejected: int = 0
    """Left out for its invalid ids, and reported to the sender."""
    unread: int = 0
    """Passed on as it came because reading or pricing its batch failed, which is a bug of ours."""
    unwritten: int = 0
    """Charged, and passed on as it came because writing on its batch failed; a bug as well."""


class FlowCounters:
    """The counts of one processor, shared by its receiver and its pipeline."""

    def __init__(self) -> None:
        self.requests = {each: OutcomeCounts() for each in INPUTS}
        self.spans = {each: OutcomeCounts() for each in INPUTS if each[0] == "traces"}
        self.received_bytes: Counter[Input] = Counter()
        """Bytes of the payloads that were read, uncompressed and as protobuf."""
        self.unreadable: Counter[tuple[Transport, str]] = Counter()
        """Requests whose head could not be read, so that nobody knows their signal, by reason."""
        self.outcomes = SpanOutcomes()

    @contextmanager
    def arrive(self, signal: Signal, transport: Transport) -> Iterator[None]:
        """Count a request, until its batch is handed on or an error ends it."""
        counts = self.requests[signal, transport]
        counts.received += 1
        counts.arriving += 1
        try:
            yield
        except BaseException as error:
            _count_failure(counts, 1, error, CALLER_LEFT)
            raise

    @contextmanager
    def screen(self, signal: Signal, transport: Transport) -> Iterator[None]:
        """Count a request only if an error ends it before it could `arrive`."""
        try:
            yield
        except ProcessorError as error:
            counts = self.requests[signal, transport]
            counts.received += 1
            counts.arriving += 1
            _count_failure(counts, 1, error, CALLER_LEFT)
            raise

    @contextmanager
    def follow(self, batch: Batch) -> Iterator[RequestTracker]:
        """Count what becomes of a batch that has arrived."""
        key = batch.signal, batch.transport
        self.received_bytes[key] += len(batch.payload)
        del batch  # Its payload may be gone long before the answer of an exporter.
        tracker = RequestTracker(self.requests[key], self.spans.get(key))
        try:
            yield tracker
        except BaseException as error:
            tracker.fail(error)
            raise
        tracker.end()


class RequestTracker:
    """Counts one batch, from when it has arrived until its sender is answered."""

    def __init__(self, requests: OutcomeCounts, spans: OutcomeCounts | None) -> None:
        self._requests = requests
        self._spans = spans or OutcomeCounts()
        self._span_count = 0
        self._is_accepted = False
        self._is_over = False

    def read(self, span_count: int) -> None:
        """The batch could be read, and has `span_count` spans."""
        self._span_count = span_count
        self._spans.received += span_count
        self._spans.arriving += span_count

    def accept(self, left_out: int = 0) -> None:
        """The batch is accepted, except for `left_out` spans with invalid ids."""
        self._is_accepted = True
        self._spans.arriving -= self._span_count
        self._span_count -= left_out
        if left_out:
            self._spans.rejected[INVALID_ID] += left_out
        for counts, count in self._counts():
            counts.accepted += count
            counts.under_way += count
        self._requests.arriving -= 1

    def drop(self, reason: str) -> None:
        """The accepted batch is delivered to nobody, although its sender is answered success."""
        self._is_over = True
        for counts, count in self._counts():
            counts.under_way -= count
            counts.dropped[reason] += count

    def end(self) -> None:
        """The sender is answered success."""
        if self._is_over:
            return
        self._is_over = True
        for counts, count in self._counts():
            counts.under_way -= count
            counts.acknowledged += count

    def fail(self, error: BaseException) -> None:
        """The sender is answered an error."""
        if not self._is_accepted:
            for counts, count in self._counts():
                _count_failure(counts, count, error, STOPPING)
            return
        is_retryable, reason = _classify(error, STOPPING)
        if not is_retryable:
            self.drop(reason)
            return
        self._is_over = True
        for counts, count in self._counts():
            counts.under_way -= count
            counts.returned[reason] += count

    def _counts(self) -> tuple[tuple[OutcomeCounts, int], ...]:
        return (self._requests, 1), (self._spans, self._span_count)


def _count_failure(
    counts: OutcomeCounts, count: int, error: BaseException, when_cancelled: str
) -> None:
    """Move what was arriving to refused or rejected."""
    is_retryable, reason = _classify(error, when_cancelled)
    counts.arriving -= count
    if count:
        (counts.refused if is_retryable else counts.rejected)[reason] += count


def _classify(error: BaseException, when_cancelled: str) -> tuple[bool, str]:
    """Whether the sender may try again after an error, and the reason that it is counted under."""
    if isinstance(error, ProcessorError):
        return isinstance(error, RetryableError), error.reason
    # What is no Exception comes from outside: the work was cancelled, perhaps for a reason.
    is_bug = isinstance(error, Exception)
    return (False, BUG) if is_bug else (True, getattr(error, "reason", when_cancelled))
