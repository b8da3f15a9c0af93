"""The spine: the one place that knows the order of the house."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from processor.core import pricing, semconv, wire
from processor.core.enrich.attributes import enrich
from processor.core.errors import ProcessorError
from processor.core.flow import FlowCounters
from processor.core.model import Batch, Charge, Intake, Reading, Receipt, Spans, Stamp, Unpriced
from processor.core.ports import Exporter, Ledger
from processor.core.pricing import Catalog
from processor.core.semconv import ReadOptions

_LOG = logging.getLogger(__name__)
_UNREAD = Reading([], [], [])
_REJECTED = "spans without a valid trace id and span id were left out"


@dataclass(slots=True)
class Outcomes:
    """Every span of a batch that goes on ends in exactly one of these."""

    untouched: int = 0
    """Forwarded as it came."""
    stamped: int = 0
    """Forwarded with attributes or events of ours."""
    rejected: int = 0
    """Left out for its invalid ids, and reported to the sender."""
    unread: int = 0
    """Forwarded as it came because reading or pricing its batch failed, which is a bug of ours."""
    unwritten: int = 0
    """Forwarded as it came, its charge on the books, because writing on its batch failed; a bug."""


class Pipeline:
    """Takes batches through the house. `catalog` and `options` may be replaced between batches."""

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
    ) -> None:
        """`readers` are the tools for which costs are written under their own names as well.

        `counts_logs`: log records that tell of a call are charged.
        """
        self.exporter = exporter
        self.ledger = ledger
        self.catalog = catalog
        self.options = options
        self.readers = readers
        self.counts_logs = counts_logs
        self.flow = flow or FlowCounters()
        self.outcomes = Outcomes()
        self._has_met_bad_logs = False

    async def handle(self, batch: Batch) -> Receipt:
        """Take one received batch through the house.

        Raises UndecodableError for bytes that are no OTLP, OverloadedError before anything has
        changed, LedgerUnavailableError when nothing was charged, and what the backend answers.
        """
        # Refuse here, before anything changes.
        with self.flow.follow(batch) as tracker, self.exporter.reserve(batch) as reservation:
            if batch.signal != "traces":
                await self.charge_logs(batch)
                reservation.fill(batch.payload)
                tracker.accept()
                return await reservation.settled()
            spans = wire.scan(batch.payload, semconv.WANTED)
            tracker.read(len(spans))
            reading, charges = self._read(spans, batch)
            intake = Intake(spans, charges, reading.marks, batch.received_ns)
            stamps = await self.ledger.post(intake)
            reservation.fill(self._write(spans, stamps, reading))
            tracker.accept(left_out=len(reading.rejected))
            return _told(await reservation.settled(), len(reading.rejected))

    async def charge_logs(self, batch: Batch) -> None:
        """Charge the calls that log records tell of; the records themselves stay as they are.

        Raises LedgerUnavailableError, and then nothing was charged.
        """
        if batch.signal == "logs" and self.counts_logs:
            intake = self._read_logs(batch)
            if intake.charges:
                await self.ledger.post(intake)

    def _read_logs(self, batch: Batch) -> Intake:
        try:
            logs = wire.scan_logs(batch.payload, semconv.LOGS_WANTED)
            reading = semconv.read_logs(logs, batch.received_ns, self.options)
            charges = pricing.price(reading.calls, self.catalog)
        except ProcessorError as error:
            # Whether such bytes are logs is for the backend to say. Said once, since a sender
            # could fill the log with it.
            level = logging.DEBUG if self._has_met_bad_logs else logging.WARNING
            self._has_met_bad_logs = True
            _LOG.log(level, "log records could not be read, they go on as they are: %s", error)
            return Intake(Spans(b""), [], [], batch.received_ns)
        except Exception:  # noqa: BLE001 - a bug of ours must not cost the sender its records
            _LOG.exception("log records could not be read; they go on as they are")
            return Intake(Spans(b""), [], [], batch.received_ns)
        return Intake(reading.spans, charges, [], batch.received_ns)

    def _read(self, spans: Spans, batch: Batch) -> tuple[Reading, list[Charge | Unpriced]]:
        try:
            reading = semconv.read(spans, batch.received_ns, self.options)
            return reading, pricing.price(reading.calls, self.catalog)
        except Exception:  # noqa: BLE001 - whatever it is, see below
            # A bug of ours must not cost the sender its spans: they go on, loudly uncharged.
            _LOG.exception("%d spans could not be read; they go on as they are", len(spans))
            return _UNREAD, []

    def _write(self, spans: Spans, stamps: Mapping[int, Stamp], reading: Reading) -> bytes:
        try:
            edits = enrich(spans, stamps, self.readers)
            written = wire.splice(spans, edits, reading.rejected)
        except Exception:  # noqa: BLE001 - whatever it is, see below
            # The charge stands, so the spans must arrive.
            _LOG.exception("%d spans could not be written; they go on as they are", len(spans))
            self.outcomes.unwritten += len(spans)
            return spans.payload
        rest = len(spans) - len(edits) - len(reading.rejected)
        self.outcomes.stamped += len(edits)
        self.outcomes.rejected += len(reading.rejected)
        if reading is _UNREAD:
            self.outcomes.unread += rest
        else:
            self.outcomes.untouched += rest
        return written


def _told(receipt: Receipt, rejected: int) -> Receipt:
    """The backend's answer, with the spans that we left out ourselves."""
    if not rejected:
        return receipt
    message = f"{_REJECTED}; {receipt.message}" if receipt.message else _REJECTED
    return Receipt(receipt.rejected + rejected, message)
