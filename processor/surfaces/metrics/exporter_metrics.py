"""What became of what each exporter was given, and what waits on the disk for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from processor.core.counters import ExporterState
from processor.surfaces.metrics.declaration import (
    Metric,
    Sample,
    Table,
    counter,
    gauge,
    read_table,
)

_IN_FLIGHT: Final[Table] = {
    "requests": gauge(
        "gate_reserved_requests", "Requests that are being charged and sent, or wait to be."
    ),
    "bytes": gauge("gate_reserved_bytes", "Bytes of these requests, counted as they came in."),
    "max_requests": gauge(
        "gate_limit_requests", "Most requests that may be under way; further senders have to wait."
    ),
    "max_bytes": gauge("gate_limit_bytes", "Most bytes that may be under way."),
}
"""By field of `InFlight`."""

_DESTINATION: Final[Table] = {
    "given": counter(
        "exporter_given_requests",
        "Requests given to an exporter: delivered, refused, unavailable, abandoned or under way. "
        "One that leaves in parts, being too large, counts once.",
        "exporter",
    ),
    "under_way": gauge(
        "exporter_under_way_requests", "Requests that an exporter has not answered yet.", "exporter"
    ),
    "delivered": counter(
        "exporter_delivered_requests",
        "Requests that are safe with an exporter: taken, or on the disk, partial successes "
        "included.",
        "exporter",
    ),
    "delivered_bytes": counter(
        "exporter_delivered_bytes", "Bytes of these requests, before compression.", "exporter"
    ),
    "refused_for": counter(
        "exporter_refused_requests",
        "Requests that an exporter will never take, by the backend's status code or a reason of "
        "the processor's own.",
        "exporter",
        "reason",
    ),
    "unavailable": counter(
        "exporter_unavailable_requests",
        "Requests given back when the time was up, for their senders to try again.",
        "exporter",
    ),
    "abandoned": counter(
        "exporter_abandoned_requests",
        "Requests given up when the processor stopped; they may have arrived all the same.",
        "exporter",
    ),
    "rejected_items": counter(
        "exporter_rejected_items",
        "Spans, data points and log records of delivered requests that the backend's partial "
        "success named as rejected, or that were too large for it. It is reported to senders.",
        "exporter",
    ),
    "sent": counter(
        "exporter_sent_requests",
        "Requests that the backend has taken, as they were sent: merged, or from the disk.",
        "exporter",
    ),
    "sent_in_part": counter(
        "exporter_sent_in_part_requests",
        "The same of which it has rejected items, perhaps all.",
        "exporter",
    ),
    "unreadable": counter(
        "exporter_unreadable_answers",
        "Answers to delivered requests that could not be read.",
        "exporter",
    ),
    "retried": counter("exporter_retried_attempts", "Attempts after the first.", "exporter"),
    "merged": counter(
        "exporter_merged_requests", "Requests that left together with others, as one.", "exporter"
    ),
}
"""By field of `DestinationCounters`."""

_BACKLOG: Final[Table] = {
    "waiting": gauge(
        "queue_waiting_requests",
        "Acknowledged requests on the disk that are still to be sent. Found and kept ones are "
        "waiting, delivered, set aside, dropped or lost.",
        "exporter",
    ),
    "size_bytes": gauge("queue_used_bytes", "What the queue takes on the disk.", "exporter"),
    "max_bytes": gauge("queue_limit_bytes", "What it may take.", "exporter"),
    "found": counter(
        "queue_found_requests", "Requests that an earlier run has left on the disk.", "exporter"
    ),
    "kept": counter(
        "queue_kept_requests", "Requests acknowledged because they are on the disk.", "exporter"
    ),
    "failed": counter(
        "queue_failed_requests", "Requests that could not be written to the disk.", "exporter"
    ),
    "delivered": counter(
        "queue_delivered_requests", "Requests that the backend has taken from the disk.", "exporter"
    ),
    "set_aside": counter(
        "queue_set_aside_requests",
        "Requests that the backend has refused for good after they were acknowledged, by its "
        "status code. They are kept as files.",
        "exporter",
        "reason",
    ),
    "not_set_aside": counter(
        "queue_failed_set_aside_requests",
        "Times that there was no room to set such a request aside; it waits in the queue.",
        "exporter",
    ),
    "files": gauge(
        "queue_set_aside_files",
        "Requests that are set aside now, for llm-cost resend; those of earlier runs included.",
        "exporter",
    ),
    "files_bytes": gauge("queue_set_aside_bytes", "What they take on the disk.", "exporter"),
    "dropped": counter(
        "queue_dropped_requests",
        "Acknowledged requests that are lost: too old, or displaced by newer ones, where the "
        "settings ask for that; or of a signal that the backend does not have.",
        "exporter",
        "reason",
    ),
    "lost": counter("queue_lost_requests", "Requests that were damaged on the disk.", "exporter"),
    "is_away": gauge(
        "queue_backend_is_away",
        "1 while requests wait on the disk because the backend takes none.",
        "exporter",
    ),
}
"""By field of `Backlog`."""

_CERTIFICATES: Final = gauge(
    "exporter_certificate_expiry_timestamp_seconds",
    "When the first certificate of a file ends: certificate is what is presented to the backend, "
    "ca what is trusted instead of the system's authorities.",
    "exporter",
    "file",
)

METRICS: Final[tuple[Metric, ...]] = (
    *_IN_FLIGHT.values(),
    *_DESTINATION.values(),
    *_BACKLOG.values(),
    _CERTIFICATES,
)


def read_exporter(exporter: ExporterState) -> Iterator[Sample]:
    """What is under way, and each destination under the name that its setting gave it."""
    yield from read_table(_IN_FLIGHT, exporter.in_flight)
    for each in exporter.destinations:
        yield from read_table(_DESTINATION, each.counters, each.name)
        for file, end_s in each.certificate_ends_s.items():
            yield _CERTIFICATES(end_s, each.name, file)
        if each.backlog is not None:
            yield from read_table(_BACKLOG, each.backlog, each.name)
