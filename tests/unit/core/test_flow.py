"""Where every request and span is counted, step by step."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    LedgerUnavailableError,
    OverloadedError,
    UndecodableError,
)
from processor.core.flow import FlowCounters, OutcomeCounts
from processor.core.model import Batch

TRACES = Batch("traces", b"12345", 0, transport="http")
INPUT = ("traces", "http")


@pytest.fixture
def flow():
    return FlowCounters()


def arrived(flow, batch=TRACES):
    with flow.arrive(batch.signal, batch.transport):
        pass


def handle(flow, error, *, span_count, is_accepted):
    """A batch that can be read, and fails before or after it was accepted."""
    with suppress(type(error)), flow.follow(TRACES) as tracker:
        tracker.read(span_count)
        if is_accepted:
            tracker.accept()
        raise error


def test_a_delivered_batch_is_acknowledged(flow):
    arrived(flow)
    assert flow.requests[INPUT] == OutcomeCounts(received=1, arriving=1)
    with flow.follow(TRACES) as tracker:
        tracker.read(3)
        assert flow.spans[INPUT] == OutcomeCounts(received=3, arriving=3)
        tracker.accept(left_out=1)
        assert flow.requests[INPUT] == OutcomeCounts(received=1, accepted=1, under_way=1)
        assert flow.spans[INPUT] == OutcomeCounts(
            received=3, accepted=2, under_way=2, rejected=Counter(invalid_id=1)
        )
    assert flow.requests[INPUT] == OutcomeCounts(received=1, accepted=1, acknowledged=1)
    assert flow.spans[INPUT].acknowledged == 2
    assert flow.received_bytes[INPUT] == 5


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (OverloadedError("full"), OutcomeCounts(received=1, refused=Counter(overloaded=1))),
        (UndecodableError("torn"), OutcomeCounts(received=1, rejected=Counter(undecodable=1))),
        (asyncio.CancelledError(), OutcomeCounts(received=1, refused=Counter(caller_left=1))),
        (KeyError("x"), OutcomeCounts(received=1, rejected=Counter(bug=1))),
    ],
)
def test_a_request_that_fails_on_arrival_is_counted_by_reason(flow, error, counts):
    with pytest.raises(type(error)), flow.arrive(*INPUT):
        raise error
    assert flow.requests[INPUT] == counts


def test_a_screen_counts_only_requests_that_fail(flow):
    with flow.screen(*INPUT):
        pass
    assert flow.requests[INPUT] == OutcomeCounts()
    with pytest.raises(UndecodableError), flow.screen(*INPUT):
        raise UndecodableError("torn")
    assert flow.requests[INPUT] == OutcomeCounts(received=1, rejected=Counter(undecodable=1))


def test_a_ledger_that_fails_refuses_request_and_spans(flow):
    """Guarantees: nothing was charged, so nothing was accepted."""
    arrived(flow)
    handle(flow, LedgerUnavailableError("disk full"), span_count=3, is_accepted=False)
    refused = Counter(ledger_unavailable=1)
    assert flow.requests[INPUT] == OutcomeCounts(received=1, refused=refused)
    assert flow.spans[INPUT] == OutcomeCounts(received=3, refused=Counter(ledger_unavailable=3))


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (BackendUnavailableError("away"), "returned", "backend_unavailable"),
        (asyncio.CancelledError(), "returned", "stopping"),
        (BackendRefusedError(7, "no"), "dropped", "backend_refused"),
        (KeyError("x"), "dropped", "bug"),
    ],
)
def test_an_accepted_batch_that_is_not_delivered_is_counted_by_reason(flow, error, outcome, reason):
    arrived(flow)
    handle(flow, error, span_count=2, is_accepted=True)
    for counts, count in ((flow.requests[INPUT], 1), (flow.spans[INPUT], 2)):
        assert (counts.accepted, counts.under_way, counts.acknowledged) == (count, 0, 0)
        assert getattr(counts, outcome) == Counter({reason: count})


def test_a_batch_of_a_signal_that_is_switched_off_is_dropped_and_not_acknowledged(flow):
    batch = Batch("logs", b"", 0)
    arrived(flow, batch)
    with flow.follow(batch) as tracker:
        tracker.accept()
        tracker.drop("switched_off")
    assert flow.requests["logs", "grpc"] == OutcomeCounts(
        received=1, accepted=1, dropped=Counter(switched_off=1)
    )
