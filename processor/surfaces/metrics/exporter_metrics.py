"""What became of what the ways out were given, and what waits on the disk for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from processor.surfaces.metrics.declaration import Metric, Sample, counter, gauge
from processor.surfaces.metrics.sources import Backlog, Destination, Exporter, InFlightLimiter

_RESERVED_REQUESTS: Final = gauge(
    "gate_reserved_requests", "Requests that hold a place on the way out."
)
_RESERVED_BYTES: Final = gauge(
    "gate_reserved_bytes", "Bytes of these requests, counted as they came in."
)
_LIMIT_REQUESTS: Final = gauge(
    "gate_limit_requests", "Most requests that may hold a place; senders beyond it have to wait."
)
_LIMIT_BYTES: Final = gauge("gate_limit_bytes", "Most bytes that may hold a place.")

_GIVEN: Final = counter(
    "exporter_given_requests",
    "Requests given to an exporter: delivered, refused, unavailable, abandoned or under way. One "
    "that leaves in parts, being too large, counts once.",
    "exporter",
)
_UNDER_WAY: Final = gauge(
    "exporter_under_way_requests", "Requests that an exporter has not answered yet.", "exporter"
)
_DELIVERED: Final = counter(
    "exporter_delivered_requests",
    "Requests that are safe with an exporter: taken, or on the disk, partial successes included.",
    "exporter",
)
_DELIVERED_BYTES: Final = counter(
    "exporter_delivered_bytes", "Bytes of these requests, before compression.", "exporter"
)
_REFUSED: Final = counter(
    "exporter_refused_requests",
    "Requests that an exporter will never take, by the backend's status code or our own reason.",
    "exporter",
    "reason",
)
_UNAVAILABLE: Final = counter(
    "exporter_unavailable_requests",
    "Requests given back when the time was up, for their senders to try again.",
    "exporter",
)
_ABANDONED: Final = counter(
    "exporter_abandoned_requests",
    "Requests given up when the processor stopped; they may have arrived all the same.",
    "exporter",
)
_REJECTED: Final = counter(
    "exporter_rejected_items",
    "Spans, data points and log records of delivered requests that the backend's partial success "
    "named as rejected, or that were too large for it. Senders are told.",
    "exporter",
)
_UNREADABLE: Final = counter(
    "exporter_unreadable_answers",
    "Answers to delivered requests that could not be read.",
    "exporter",
)
_RETRIED: Final = counter("exporter_retried_attempts", "Attempts after the first.", "exporter")
_MERGED: Final = counter(
    "exporter_merged_requests", "Requests that left together with others, as one.", "exporter"
)

_QUEUE_WAITING: Final = gauge(
    "queue_waiting_requests",
    "Acknowledged requests on the disk that are still to be sent. Found and kept ones are "
    "waiting, delivered, dropped or lost.",
    "exporter",
)
_QUEUE_BYTES: Final = gauge("queue_used_bytes", "What the queue takes on the disk.", "exporter")
_QUEUE_LIMIT_BYTES: Final = gauge("queue_limit_bytes", "What it may take.", "exporter")
_QUEUE_FOUND: Final = counter(
    "queue_found_requests", "Requests that an earlier run has left on the disk.", "exporter"
)
_QUEUE_KEPT: Final = counter(
    "queue_kept_requests", "Requests acknowledged because they are on the disk.", "exporter"
)
_QUEUE_FAILED: Final = counter(
    "queue_failed_requests", "Requests that could not be written to the disk.", "exporter"
)
_QUEUE_DELIVERED: Final = counter(
    "queue_delivered_requests", "Requests that the backend has taken from the disk.", "exporter"
)
_QUEUE_DROPPED: Final = counter(
    "queue_dropped_requests",
    "Requests that the backend has refused for good after they were acknowledged.",
    "exporter",
    "reason",
)
_QUEUE_LOST: Final = counter(
    "queue_lost_requests", "Requests that were damaged on the disk.", "exporter"
)
_IS_AWAY: Final = gauge(
    "queue_backend_is_away", "1 while requests go to the disk because the backend takes none.",
    "exporter",
)  # fmt: skip

METRICS: Final[tuple[Metric, ...]] = (
    _RESERVED_REQUESTS,
    _RESERVED_BYTES,
    _LIMIT_REQUESTS,
    _LIMIT_BYTES,
    _GIVEN,
    _UNDER_WAY,
    _DELIVERED,
    _DELIVERED_BYTES,
    _REFUSED,
    _UNAVAILABLE,
    _ABANDONED,
    _REJECTED,
    _UNREADABLE,
    _RETRIED,
    _MERGED,
    _QUEUE_WAITING,
    _QUEUE_BYTES,
    _QUEUE_LIMIT_BYTES,
    _QUEUE_FOUND,
    _QUEUE_KEPT,
    _QUEUE_FAILED,
    _QUEUE_DELIVERED,
    _QUEUE_DROPPED,
    _QUEUE_LOST,
    _IS_AWAY,
)


def read_exporter(exporter: Exporter) -> Iterator[Sample]:
    """The gate, and each way out under the name that its setting gave it."""
    yield from _of_limiter(exporter.in_flight)
    for destination in exporter.destinations:
        yield from _of_destination(destination)
        ask = destination.counters.backlog
        if ask is not None:
            yield from _of_backlog(ask(), destination.name)


def _of_limiter(limiter: InFlightLimiter) -> Iterator[Sample]:
    yield _RESERVED_REQUESTS(limiter.requests_under_way)
    yield _RESERVED_BYTES(limiter.bytes_under_way)
    yield _LIMIT_REQUESTS(limiter.max_requests)
    yield _LIMIT_BYTES(limiter.max_bytes)


def _of_destination(destination: Destination) -> Iterator[Sample]:
    name, counters = destination.name, destination.counters
    yield _GIVEN(counters.given, name)
    yield _UNDER_WAY(counters.under_way, name)
    yield _DELIVERED(counters.delivered, name)
    yield _DELIVERED_BYTES(counters.delivered_bytes, name)
    for reason, count in counters.refused_for.items():
        yield _REFUSED(count, name, reason)
    yield _UNAVAILABLE(counters.unavailable, name)
    yield _ABANDONED(counters.abandoned, name)
    yield _REJECTED(counters.rejected_items, name)
    yield _UNREADABLE(counters.unreadable, name)
    yield _RETRIED(counters.retried, name)
    yield _MERGED(counters.merged, name)


def _of_backlog(backlog: Backlog, name: str) -> Iterator[Sample]:
    yield _QUEUE_WAITING(backlog.waiting, name)
    yield _QUEUE_BYTES(backlog.size_bytes, name)
    yield _QUEUE_LIMIT_BYTES(backlog.max_bytes, name)
    yield _QUEUE_FOUND(backlog.found, name)
    yield _QUEUE_KEPT(backlog.kept, name)
    yield _QUEUE_FAILED(backlog.failed, name)
    yield _QUEUE_DELIVERED(backlog.delivered, name)
    for reason, count in backlog.dropped.items():
        yield _QUEUE_DROPPED(count, name, reason)
    yield _QUEUE_LOST(backlog.lost, name)
    yield _IS_AWAY(backlog.is_away, name)
