"""Requests and spans, by where they are. Source of the equations: `processor.core.flow`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from processor.core.flow import FlowCounters, OutcomeCounts
from processor.surfaces.metrics.declaration import Metric, Sample, counter, gauge

_SENTENCES: Final = {
    "received": "{} that came in: accepted, refused, rejected or arriving.",
    "arriving": "{} that nothing has been decided of.",
    "accepted": "{} on the books as far as they belong there, and given to every exporter: "
    "acknowledged, returned, dropped or under way.",
    "refused": "{} that came at a bad time. Nothing has changed, and their senders were told to "
    "try again.",
    "rejected": "{} that would be rejected again. Nothing has changed.",
    "under_way": "{} that are accepted, and wait for the answer of an exporter.",
    "acknowledged": "{} that are accepted, and safe with every exporter: delivered or on the disk.",
    "returned": "{} that were accepted, but not delivered in time. Their senders were told to try "
    "again, and will be charged nothing for it.",
    "dropped": "{} that were accepted, but an exporter will never take them, or their signal is "
    "switched off.",
}
"""By field of `OutcomeCounts`."""
_RECEIVER: Final = frozenset({"received", "arriving", "accepted", "refused", "rejected"})
_GAUGES: Final = frozenset({"arriving", "under_way"})

_REASONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "requests": {
        "refused": ("overloaded", "slow_sender", "stopping", "ledger_unavailable", "caller_left"),
        "rejected": ("undecodable", "too_large", "unsupported", "bug"),
        "returned": ("backend_unavailable", "stopping"),
        "dropped": ("backend_refused", "too_large", "undecodable", "switched_off", "bug"),
    },
    "spans": {
        "refused": ("ledger_unavailable", "stopping"),
        "rejected": ("invalid_id", "bug"),
        "returned": ("backend_unavailable", "stopping"),
        "dropped": ("backend_refused", "too_large", "undecodable", "bug"),
    },
}
"""What is shown even while it is 0, so that the first one is seen as an increase."""


class _Place(NamedTuple):
    """One field of a tally, as it is shown."""

    field: str
    metric: Metric
    reasons: tuple[str, ...]
    """Empty for a plain number."""


def _places(unit: str, *labels: str) -> tuple[_Place, ...]:
    """The metrics of all fields of a tally of requests or of spans."""
    found = []
    for field, sentence in _SENTENCES.items():
        reasons = _REASONS[unit].get(field, ())
        declare = gauge if field in _GAUGES else counter
        name = f"{'receiver' if field in _RECEIVER else 'pipeline'}_{field}_{unit}"
        all_labels = (*labels, "reason") if reasons else labels
        metric = declare(name, sentence.format(unit.capitalize()), *all_labels)
        found.append(_Place(field, metric, reasons))
    return tuple(found)


_REQUESTS: Final = _places("requests", "signal", "transport")
_SPANS: Final = _places("spans", "transport")
_BYTES: Final = counter(
    "receiver_received_bytes",
    "Payloads that were read, uncompressed and as protobuf.",
    "signal",
    "transport",
)

METRICS: Final[tuple[Metric, ...]] = (*(each.metric for each in (*_REQUESTS, *_SPANS)), _BYTES)


def read_flow(flow: FlowCounters) -> Iterator[Sample]:
    """Where every request is, and every span that has been read."""
    for lane, tally in flow.requests.items():
        yield from _samples(_REQUESTS, tally, lane)
        yield _BYTES(flow.received_bytes[lane], *lane)
    for (_, transport), tally in flow.spans.items():
        yield from _samples(_SPANS, tally, (transport,))


def _samples(
    places: tuple[_Place, ...], tally: OutcomeCounts, labels: tuple[str, ...]
) -> Iterator[Sample]:
    for place in places:
        value: int | Mapping[str, int] = getattr(tally, place.field)
        if isinstance(value, int):
            yield place.metric(value, *labels)
            continue
        for reason in dict.fromkeys((*place.reasons, *value)):
            yield place.metric(value.get(reason, 0), *labels, reason)
