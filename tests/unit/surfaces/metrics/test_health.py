"""When requests should be sent here, and the words for why not."""

from dataclasses import replace

import pytest
from unit.surfaces.metrics.conftest import BACKLOG, Way

from processor.core.errors import LastFailure
from processor.io.exporter import DebugDestination
from processor.surfaces.metrics import Health


@pytest.fixture
def health(sources, way):
    way.counters.backlog = None
    found = Health(sources, clock_s=lambda: 100.0)
    found.phase = "serving"
    return found


def test_all_is_well_while_nothing_has_failed(health):
    assert health.report() == ("serving", ())
    assert health.report().is_well


@pytest.mark.parametrize("phase", ["starting", "stopping"])
def test_before_and_after_service_it_says_so(health, phase):
    health.phase = phase
    report = health.report()
    assert not report.is_well
    assert report == (phase, (f"the processor is {phase}",))


def test_books_that_cannot_be_written_are_a_reason(health, sources):
    sources.ledger.last_failure = LastFailure("disk full", 90.0)
    report = health.report()
    assert not report.is_well
    assert report == ("failing", ("the ledger cannot be written: disk full",))


def test_a_backend_that_takes_nothing_is_a_reason(health, way):
    way.counters.last_failure = LastFailure("connection refused", 90.0, times=3)
    report = health.report()
    assert not report.is_well
    assert report.reasons == (f"nothing is delivered to {way.name}: connection refused",)


def test_one_failure_is_told_but_counts_for_little(health, way):
    """Guarantees: a sender that waits for no answer cannot take the processor out of service."""
    way.counters.last_failure = LastFailure("deadline exceeded", 90.0, times=2)
    assert health.report().status == "degraded"
    assert health.report().is_well


def test_an_old_failure_is_forgotten(health, sources, way):
    """Guarantees: who is not sent anything for being unhealthy is tried again after a while."""
    way.counters.last_failure = LastFailure("connection refused", 69.0, times=9)
    sources.ledger.last_failure = LastFailure("disk full", 69.0)
    assert health.report() == ("serving", ())


def test_one_of_two_backends_is_enough(health, sources, way):
    way.counters.last_failure = LastFailure("connection refused", 90.0, times=3)
    sources.exporter.destinations = (way, Way("other:4317"))
    assert health.report().status == "degraded"


def test_the_log_is_no_backend(health, sources, way):
    way.counters.last_failure = LastFailure("connection refused", 90.0, times=3)
    sources.exporter.destinations = (way, DebugDestination(is_detailed=False))
    assert health.report().status == "failing"


def test_a_queue_that_has_room_is_told_and_no_failure(health, way):
    """Guarantees: what is safe on the disk does not make the processor unhealthy."""
    way.counters.last_failure = LastFailure("connection refused", 90.0, times=3)
    way.counters.backlog = lambda: BACKLOG
    report = health.report()
    assert report == (
        "degraded",
        (f"{way.name} is away, and 3 requests wait on the disk",),
    )
    way.counters.backlog = lambda: replace(BACKLOG, waiting=1)
    assert health.report().reasons == (f"{way.name} is away, and 1 request waits on the disk",)
    way.counters.backlog = lambda: replace(BACKLOG, is_failing=True)
    assert health.report().status == "failing"


def test_words_of_a_backend_are_cut_short(health, way):
    way.counters.last_failure = LastFailure("x" * 10_000, 90.0, times=3)
    assert len(health.report().reasons[0]) < 400
