"""When requests should be sent here, and the words for why not."""

from dataclasses import replace

import pytest
from unit.surfaces.metrics.conftest import BACKLOG
from unit.surfaces.metrics.conftest import states as states  # noqa: PLC0414 - fixtures are found by name

from processor.core.counters import (
    CheckState,
    DestinationCounters,
    DestinationState,
    ExportState,
    FileState,
    OpenConnections,
)
from processor.core.errors import LastFailure
from processor.core.flow import FlowCounters
from processor.surfaces.queries import Health

NAME = "127.0.0.1:5317"


@pytest.fixture
def health(states):
    states.destinations = [states.destinations[0]._replace(backlog=None)]
    states.files = {"budgets": FileState(), "pricing": FileState()}
    found = Health(
        states.exporter,
        lambda: states.ledger,
        FlowCounters(),
        states.files,
        clock_s=lambda: 100.0,
    )
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


def test_a_ledger_that_cannot_be_written_is_a_reason(health, states):
    states.ledger = states.ledger._replace(last_failure=LastFailure("disk full", 90.0))
    report = health.report()
    assert not report.is_well
    assert report == ("failing", ("the ledger cannot be written: disk full",))


def test_an_export_that_is_not_written_is_said_while_all_goes_on(health):
    found = [ExportState("a"), ExportState("b", failures=1, failure="disk full")]
    health._exports = lambda: found
    report = health.report()
    assert report.is_well
    assert report == ("degraded", ("export b is not written: disk full",))


def test_a_sum_that_is_not_that_of_its_charges_is_said_while_all_goes_on(health, states):
    check = CheckState(differences=2, first="session 'a': cost is 2 and should be 1")
    states.ledger = states.ledger._replace(check=check)
    report = health.report()
    assert report.status == "degraded"
    (reason,) = report.reasons
    assert reason.startswith("2 sums of the ledger are not that of its charges, llm-cost verify")
    assert reason.endswith(": session 'a': cost is 2 and should be 1")


def test_a_backend_that_takes_nothing_is_a_reason(health, states):
    states.fail("connection refused", 90.0, times=3)
    report = health.report()
    assert not report.is_well
    assert report.reasons == (f"nothing is delivered to {NAME}: connection refused",)


def test_few_failures_are_reported_but_do_not_make_it_unhealthy(health, states):
    """Guarantees: a sender with a short timeout cannot take the processor out of service."""
    states.fail("deadline exceeded", 90.0, times=2)
    assert health.report().status == "degraded"
    assert health.report().is_well


def test_an_old_failure_is_forgotten(health, states):
    """Guarantees: a processor that gets no requests for being unhealthy is tried again."""
    states.fail("connection refused", 69.0, times=9)
    states.ledger = states.ledger._replace(last_failure=LastFailure("disk full", 69.0))
    assert health.report() == ("serving", ())


@pytest.mark.parametrize(("is_backend", "status"), [(True, "degraded"), (False, "failing")])
def test_one_of_two_backends_is_enough_and_the_log_is_none(health, states, is_backend, status):
    states.fail("connection refused", 90.0, times=3)
    other = DestinationState("other", DestinationCounters(), is_backend=is_backend)
    states.destinations.append(other)
    assert health.report().status == status


def test_a_queue_that_has_room_is_reported_and_is_no_failure(health, states):
    """Guarantees: what is safe on the disk does not make the processor unhealthy."""
    states.fail("connection refused", 90.0, times=3)

    def report_with(backlog):
        states.destinations = [states.destinations[0]._replace(backlog=backlog)]
        return health.report()

    assert report_with(BACKLOG) == (
        "degraded",
        (f"{NAME} is away, and 3 requests wait on the disk",),
    )
    one = report_with(replace(BACKLOG, waiting=1))
    assert one.reasons == (f"{NAME} is away, and 1 request waits on the disk",)
    assert report_with(replace(BACKLOG, is_failing=True)).status == "failing"


def test_messages_of_a_backend_are_cut_short(health, states):
    states.fail("x" * 10_000, 90.0, times=3)
    assert len(health.report().reasons[0]) < 400


def test_a_queue_with_room_does_not_hide_a_backend_that_refuses(health, states):
    """Guarantees: it is not out of service, and who looks learns that nothing gets through."""
    states.fail("permission denied", 90.0, times=3)
    backlog = replace(BACKLOG, is_away=False)
    states.destinations = [states.destinations[0]._replace(backlog=backlog)]
    assert health.report() == (
        "degraded",
        (f"nothing is delivered to {NAME}: permission denied",),
    )


def test_a_file_that_is_not_in_force_is_named_with_its_reason(health, states):
    """Guarantees: a price that was edited and is not charged is seen before the bill is."""
    states.files["pricing"].last_error = "a.yaml:3: is bad\na.yaml:9: is worse"
    what = "pricing: what the file holds now is not in force"
    reason = f"{what}: a.yaml:3: is bad; 1 more: llm-cost check-config"
    assert health.report() == ("degraded", (reason,))


def test_a_backend_that_is_away_is_described(health, states):
    """Guarantees: since when, why, how full the queue is, and where it is."""
    backlog = replace(
        BACKLOG, size_bytes=2**19, max_bytes=2**20, folder="/q/otlp",
        away_since_s=1_796_000_000.0, away_reason="connection refused",
    )  # fmt: skip
    states.destinations = [states.destinations[0]._replace(backlog=backlog)]
    what = f"{NAME} is away, and 3 requests wait on the disk (50% of 1 MiB in /q/otlp)"
    since = "since 2026-11-30 00:53:20 UTC: connection refused"
    assert health.report().reasons == (f"{what}, {since}",)


def test_what_is_set_aside_is_a_reason_as_long_as_it_is_there(health, states):
    """Guarantees: with its folder and the command, however long ago it was refused."""
    backlog = replace(
        BACKLOG, is_away=False, files=1, files_bytes=3 * 2**19, files_folder="/q/otlp/refused"
    )
    states.destinations = [states.destinations[0]._replace(backlog=backlog)]
    what = f"{NAME} has refused what was acknowledged: 1 request is set aside (1.5 MiB)"
    assert health.report() == ("degraded", (f"{what}, llm-cost resend /q/otlp/refused",))


def test_what_lasts_is_a_reason_however_long_ago_it_was_tried(health, states):
    """Guarantees: once, and beside what was lately."""
    lasting = ("no room", "token refused")
    for at_s, recent in ((10.0, ()), (90.0, ("too old",))):
        trouble = LastFailure("too old", at_s)
        backlog = replace(BACKLOG, is_away=False, last_trouble=trouble, lasting_troubles=lasting)
        states.destinations = [states.destinations[0]._replace(backlog=backlog)]
        assert health.report() == ("degraded", (*lasting, *recent))
    trouble = LastFailure("no room", 90.0)
    backlog = replace(BACKLOG, is_away=False, last_trouble=trouble, lasting_troubles=lasting)
    states.destinations = [states.destinations[0]._replace(backlog=backlog)]
    assert health.report() == ("degraded", lasting)


def test_connections_that_are_nearly_used_up_are_a_reason(health):
    """Guarantees: who keeps other senders out is seen, and takes nothing out of service."""
    health.grpc_connections = lambda: OpenConnections(10, 300)
    assert health.report() == ("serving", ())
    health.grpc_connections = lambda: OpenConnections(299, 300)
    reason = "299 of 300 connections to the gRPC port are open"
    assert health.report() == ("degraded", (reason,))
