"""The pipeline: the one place that knows the order of the steps."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final, get_args

from processor.core import pricing, semconv, wire
from processor.core.enrich.attributes import enrich
from processor.core.enrich.hints import Hints
from processor.core.enrich.names import OWN_EVENTS
from processor.core.enrich.reported import keep_reported
from processor.core.episodes import Episodes
from processor.core.errors import ProcessorError, RetryableError, SignalNotTakenError
from processor.core.flow import NOT_TAKEN, SWITCHED_OFF, FlowCounters, RequestTracker
from processor.core.memory import REQUEST_BYTES, SPAN_BYTES
from processor.core.model import (
    Batch,
    Crossing,
    Intake,
    Kept,
    Reading,
    Receipt,
    Signal,
    Spans,
    Stamp,
    Wanted,
)
from processor.core.ports import Exporter, Ledger, Reservation
from processor.core.posting.crossed import read_crossings
from processor.core.pricing import Catalog
from processor.core.semconv import ReadOptions

_LOG = logging.getLogger(__name__)
_PAUSES: Final = 8
"""Turns of the event loop between two payloads that are read while others wait for that."""
_UNREAD = Reading([], [], [])
_REJECTED = "spans without a valid trace id and span id were left out"


class Pipeline:
    """Takes batches through every step. `catalog` and `options` may be replaced between batches."""

    def __init__(
        self,
        exporter: Exporter,
        ledger: Ledger,
        catalog: Catalog,
        options: ReadOptions,
        readers: Collection[str] = (),
        *,
        flow: FlowCounters | None = None,
        counts_logs: bool = True,
        forwarded: Collection[Signal] = get_args(Signal),
        hints: Hints | None = None,
    ) -> None:
        """`readers` are the tools for which costs are written under their own names as well.

        `counts_logs`: log records that report a call are charged. `forwarded`: the signals that
        go to the exporter; others are charged likewise, and dropped. `hints` are written on calls.
        """
        self.exporter = exporter
        self.ledger = ledger
        self.catalog = catalog
        self.options = options
        self.readers = readers
        self.counts_logs = counts_logs
        self.forwarded = frozenset(forwarded)
        self.hints = hints
        self.flow = flow or FlowCounters()
        self._episodes = Episodes()
        self._reading = asyncio.Lock()

    async def handle(self, batch: Batch) -> Receipt:
        """Take one batch through every step, and return the exporter's answer.

        Raises UndecodableError for bytes that are not OTLP, OverloadedError before anything has
        changed, LedgerUnavailableError when nothing was charged, and what the backend answers.
        """
        with self.flow.follow(batch) as tracker, self.exporter.reserve(batch) as reservation:
            signal, memory = batch.signal, batch.memory
            payload, rejected = batch.payload, 0
            if signal == "traces":
                payload, rejected = await self._charge_traces(batch, tracker)
            elif signal == "logs":
                await self._charge_logs(batch)
            tracker.accept(left_out=rejected)
            if signal not in self.forwarded:
                tracker.drop(SWITCHED_OFF)
                return _with_rejected(Receipt(), rejected)
            del batch  # What was received is not needed any more, and a backend may take minutes.
            if memory is not None:
                # gRPC keeps a copy. From here on the next request may be worked on.
                memory.finish_work(2 * len(payload) + REQUEST_BYTES)
            return _with_rejected(await _deliver(reservation, payload, tracker), rejected)

    async def _charge_traces(self, batch: Batch, tracker: RequestTracker) -> tuple[bytes, int]:
        """What goes on, and how many spans were left out of it."""
        is_busy = self._reading.locked()
        async with self._reading:
            # Without pauses all that is ready would be read in one turn of the event loop, in which
            # gRPC accepts a single request: others would wait for seconds to be refused.
            for _ in range(_PAUSES if is_busy else 0):
                await asyncio.sleep(0)
            wanted = self.options.dimensions.wanted_beside(semconv.WANTED)
            spans = _scan(batch, wanted)
            tracker.read(len(spans))
            reading, intake = self._read(spans, batch)
        stamps = await self.ledger.post(intake)
        written = self._write(spans, stamps, reading, is_trusted=batch.is_trusted)
        return written, len(reading.rejected)

    async def _charge_logs(self, batch: Batch) -> None:
        """Charge the calls that log records report; the records themselves stay as they are.

        Raises LedgerUnavailableError or MemoryFullError, and then nothing was charged.
        """
        if self.counts_logs:
            intake = self._read_logs(batch)
            if intake.charges:
                await self.ledger.post(intake)

    def _read_logs(self, batch: Batch) -> Intake:
        try:
            wanted = self.options.dimensions.wanted_beside(semconv.LOGS_WANTED)
            logs = wire.scan_logs(batch.payload, wanted, _hold_of(batch))
            reading = semconv.read_logs(logs, batch.received_ns, self.options)
            charges = pricing.price(reading.calls, self.catalog)
        except RetryableError:
            raise  # Later there may be the memory that reading them takes.
        except ProcessorError as error:
            # Whether such bytes are logs is for the backend to decide.
            if self._begins("logs that are none"):
                _LOG.warning(
                    "log records could not be read, they go on as they are: %r", str(error)
                )
            return Intake(Spans(b""), [], [], batch.received_ns)
        except Exception:  # noqa: BLE001 - a bug of ours must not lose the sender's records
            if self._begins("logs"):
                _LOG.exception("log records could not be read; they go on as they are")
            return Intake(Spans(b""), [], [], batch.received_ns)
        return Intake(reading.spans, charges, [], batch.received_ns)

    def _begins(self, trouble: str) -> bool:
        """Whether to log it: senders could fill the disk with what each of their batches causes."""
        return self._episodes.note(trouble, time.monotonic())

    def _read(self, spans: Spans, batch: Batch) -> tuple[Reading, Intake]:
        is_trusted, received_ns = batch.is_trusted, batch.received_ns
        try:
            reading = semconv.read(spans, received_ns, self.options, is_trusted=is_trusted)
            charges = pricing.price(reading.calls, self.catalog)
            crossed: Sequence[Crossing] = ()
            if is_trusted:
                reading, charges = pricing.adopt(spans, reading, charges)
                crossed = read_crossings(spans, wire.find_events(spans, OWN_EVENTS))
        except Exception:  # noqa: BLE001 - whatever it is, see below
            # A bug of ours must not lose the sender's spans: they go on, uncharged.
            if self._begins("reading"):
                _LOG.exception("%d spans could not be read; they go on as they are", len(spans))
            return _UNREAD, Intake(spans, [], [], received_ns)
        tools = frozenset(reading.tools)
        return reading, Intake(spans, charges, reading.marks, received_ns, tools, crossed)

    def _write(
        self, spans: Spans, stamps: Mapping[int, Stamp], reading: Reading, *, is_trusted: bool
    ) -> bytes:
        outcomes = self.flow.outcomes
        try:
            edits = enrich(spans, stamps, self.readers)
            if self.hints is not None:
                self.hints.add(edits, spans, reading.calls, stamps, self.catalog)
            kept: Mapping[int, Kept] = {}
            if not is_trusted:  # What a trusted processor has written stays as it is.
                kept = keep_reported(spans, stamps, wire.find_events(spans, OWN_EVENTS))
            written = wire.splice(spans, edits, reading.rejected, kept)
        except Exception:  # noqa: BLE001 - whatever it is, see below
            # The charge stands, so the spans must arrive.
            if self._begins("writing"):
                _LOG.exception("%d spans could not be written; they go on as they are", len(spans))
            outcomes.unwritten += len(spans)
            return spans.payload
        changed = len((edits.keys() | kept.keys()).difference(reading.rejected))
        rest = len(spans) - changed - len(reading.rejected)
        outcomes.stamped += changed
        outcomes.rejected += len(reading.rejected)
        if reading is _UNREAD:
            outcomes.unread += rest
        else:
            outcomes.untouched += rest
        return written


async def _deliver(reservation: Reservation, payload: bytes, tracker: RequestTracker) -> Receipt:
    """The exporter's answer; success where no backend has this signal: no sender can help it."""
    try:
        return await reservation.deliver(payload)
    except SignalNotTakenError:
        tracker.drop(NOT_TAKEN)
        return Receipt()


def _scan(batch: Batch, wanted: Wanted) -> Spans:
    """The spans of a batch, which holds what reading them takes only while they are read."""
    memory = batch.memory
    before_bytes = 0 if memory is None else memory.size_bytes
    spans = wire.scan(batch.payload, wanted, _hold_of(batch))
    if memory is not None:
        memory.set(max(before_bytes, len(spans) * SPAN_BYTES + len(batch.payload)))
    return spans


def _hold_of(batch: Batch) -> wire.Hold:
    """How to hold what reading a batch takes; nothing for one that has no limit."""
    return wire.hold_nothing if batch.memory is None else batch.memory.require


def _with_rejected(receipt: Receipt, rejected: int) -> Receipt:
    """The answer, with the spans that were left out here added to what the backend rejected."""
    if not rejected:
        return receipt
    message = f"{_REJECTED}; {receipt.message}" if receipt.message else _REJECTED
    return Receipt(receipt.rejected + rejected, message)
