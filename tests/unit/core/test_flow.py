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
from processor.core.flow import Tally, Traffic
from processor.core.model import Batch

TRACES = Batch("traces", b"12345", 0, transport="http")
LANE = ("traces", "http")


@pytest.fixture
def traffic():
    return Traffic()


def arrived(traffic, batch=TRACES):
    with traffic.arrive(batch.signal, batch.transport):
        pass


def handle(traffic, error, *, span_count, is_accepted):
    """A batch that can be read, and fails before or after it was accepted."""
    with suppress(type(error)), traffic.follow(TRACES) as passage:
        passage.read(span_count)
        if is_accepted:
            passage.accept()
        raise error


def test_what_goes_well_is_acknowledged(traffic):
    arrived(traffic)
    assert traffic.requests[LANE] == Tally(received=1, arriving=1)
    with traffic.follow(TRACES) as passage:
        passage.read(3)
        assert traffic.spans[LANE] == Tally(received=3, arriving=3)
        passage.accept(left_out=1)
        assert traffic.requests[LANE] == Tally(received=1, accepted=1, under_way=1)
        assert traffic.spans[LANE] == Tally(
            received=3, accepted=2, under_way=2, rejected=Counter(invalid_id=1)
        )
    assert traffic.requests[LANE] == Tally(received=1, accepted=1, acknowledged=1)
    assert traffic.spans[LANE].acknowledged == 2
    assert traffic.received_bytes[LANE] == 5


@pytest.mark.parametrize(
    ("error", "tally"),
    [
        (OverloadedError("full"), Tally(received=1, refused=Counter(overloaded=1))),
        (UndecodableError("torn"), Tally(received=1, rejected=Counter(undecodable=1))),
        (asyncio.CancelledError(), Tally(received=1, refused=Counter(caller_left=1))),
        (KeyError("x"), Tally(received=1, rejected=Counter(bug=1))),
    ],
)
def test_who_is_turned_away_at_the_door_is_counted_by_reason(traffic, error, tally):
    with pytest.raises(type(error)), traffic.arrive(*LANE):
        raise error
    assert traffic.requests[LANE] == tally


def test_a_screen_counts_only_who_is_turned_away(traffic):
    with traffic.screen(*LANE):
        pass
    assert traffic.requests[LANE] == Tally()
    with pytest.raises(UndecodableError), traffic.screen(*LANE):
        raise UndecodableError("torn")
    assert traffic.requests[LANE] == Tally(received=1, rejected=Counter(undecodable=1))


def test_books_that_fail_refuse_request_and_spans(traffic):
    """Guarantees: nothing was charged, so nothing was accepted."""
    arrived(traffic)
    handle(traffic, LedgerUnavailableError("disk full"), span_count=3, is_accepted=False)
    refused = Counter(ledger_unavailable=1)
    assert traffic.requests[LANE] == Tally(received=1, refused=refused)
    assert traffic.spans[LANE] == Tally(received=3, refused=Counter(ledger_unavailable=3))


@pytest.mark.parametrize(
    ("error", "place", "reason"),
    [
        (BackendUnavailableError("away"), "returned", "backend_unavailable"),
        (asyncio.CancelledError(), "returned", "stopping"),
        (BackendRefusedError(7, "no"), "dropped", "backend_refused"),
        (KeyError("x"), "dropped", "bug"),
    ],
)
def test_what_was_accepted_and_not_delivered_is_counted_by_reason(traffic, error, place, reason):
    arrived(traffic)
    handle(traffic, error, span_count=2, is_accepted=True)
    for tally, count in ((traffic.requests[LANE], 1), (traffic.spans[LANE], 2)):
        assert (tally.accepted, tally.under_way, tally.acknowledged) == (count, 0, 0)
        assert getattr(tally, place) == Counter({reason: count})


def test_what_is_switched_off_is_dropped_and_not_acknowledged(traffic):
    batch = Batch("logs", b"", 0)
    arrived(traffic, batch)
    with traffic.follow(batch) as passage:
        passage.drop("switched_off")
    assert traffic.requests["logs", "grpc"] == Tally(
        received=1, accepted=1, dropped=Counter(switched_off=1)
    )
