"""Requests and spans, by what became of them. The equations stand in `processor.core.flow`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Final

from processor.core.flow import FlowCounters
from processor.surfaces.metrics.declaration import (
    Metric,
    Sample,
    Table,
    counter,
    gauge,
    read_table,
)

_SENTENCES: Final = {
    "received": "{} that came in: accepted, refused, rejected or arriving.",
    "arriving": "{} that nothing has been decided of.",
    "accepted": "{} that are charged as far as they hold LLM calls, and given to every exporter: "
    "acknowledged, returned, dropped or under way.",
    "refused": "{} that could not be taken at the time. Nothing has changed, and their senders "
    "were asked to try again.",
    "rejected": "{} that would be rejected again. Nothing has changed.",
    "under_way": "{} that are accepted, and wait for the answer of an exporter.",
    "acknowledged": "{} that are accepted, and safe with every exporter: delivered or on the disk.",
    "returned": "{} that were accepted, but not delivered in time. Their senders were asked to try "
    "again, and will be charged nothing for it.",
    "dropped": "{} that were accepted, but an exporter will never take them, or their signal is "
    "switched off.",
}
"""By field of `OutcomeCounts`."""
_RECEIVER: Final = frozenset({"received", "arriving", "accepted", "refused", "rejected"})
_GAUGES: Final = frozenset({"arriving", "under_way"})

_REASONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "requests": {
        "refused": (
            "overloaded",
            "memory_full",
            "slow_sender",
            "stopping",
            "ledger_unavailable",
            "caller_left",
            "cut_off",
        ),
        "rejected": ("undecodable", "too_large", "headers_too_large", "unsupported", "bug"),
        "returned": ("backend_unavailable", "stopping"),
        "dropped": (
            "backend_refused",
            "too_large",
            "undecodable",
            "switched_off",
            "signal_not_taken",
            "bug",
        ),
    },
    "spans": {
        "refused": ("ledger_unavailable", "stopping"),
        "rejected": ("invalid_id", "bug"),
        "returned": ("backend_unavailable", "stopping"),
        "dropped": ("backend_refused", "too_large", "undecodable", "switched_off", "bug"),
    },
}
"""The reasons that are served even at 0, by unit and field."""


def _table(unit: str, *labels: str) -> Table:
    """The metrics for all fields of `OutcomeCounts`, of requests or of spans."""
    found = {}
    for field, sentence in _SENTENCES.items():
        reasons = _REASONS[unit].get(field, ())
        declare = gauge if field in _GAUGES else counter
        name = f"{'receiver' if field in _RECEIVER else 'pipeline'}_{field}_{unit}"
        all_labels = (*labels, "reason") if reasons else labels
        metric = declare(name, sentence.format(unit.capitalize()), *all_labels)
        found[field] = metric._replace(always=reasons)
    return found


_REQUESTS: Final = _table("requests", "signal", "transport")
_SPANS: Final = _table("spans", "transport")
_BYTES: Final = counter(
    "receiver_received_bytes",
    "Payloads that were read, uncompressed and as protobuf.",
    "signal",
    "transport",
)
_UNREADABLE: Final = counter(
    "receiver_unreadable_requests",
    "Requests whose head could not be read, so that they count for no signal.",
    "transport",
    "reason",
)
_OUTCOMES: Final = counter(
    "pipeline_handled_spans",
    "Spans of accepted requests, and what was done with them: untouched, stamped with cost, "
    "rejected for their ids, or passed on as they came because of a bug (unread, unwritten).",
    "outcome",
)

METRICS: Final[tuple[Metric, ...]] = (
    *_REQUESTS.values(),
    *_SPANS.values(),
    _BYTES,
    _UNREADABLE,
    _OUTCOMES,
)


def read_flow(flow: FlowCounters) -> Iterator[Sample]:
    """What became of every request, and of every span that has been read."""
    for (signal, transport), counts in flow.requests.items():
        yield from read_table(_REQUESTS, counts, signal, transport)
        yield _BYTES(flow.received_bytes[signal, transport], signal, transport)
    for (_, transport), counts in flow.spans.items():
        yield from read_table(_SPANS, counts, transport)
    for (transport, reason), count in flow.unreadable.items():
        yield _UNREADABLE(count, transport, reason)
    for outcome, count in asdict(flow.outcomes).items():
        yield _OUTCOMES(count, outcome)
