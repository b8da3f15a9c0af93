"""Health by what becomes of requests: whatever fails, nearly all of it lately is a failure."""

import pytest

from processor.core.flow import FlowCounters
from processor.surfaces.queries.outcomes import RecentOutcomes

INPUT = ("traces", "grpc")


class Observed:
    """Counters that a test moves, a clock that it moves too, and the verdict each second."""

    def __init__(self):
        self.now_s = 1000.0
        self.flow = FlowCounters()
        self.counts = self.flow.requests[INPUT]
        self.outcomes = RecentOutcomes(self.flow, lambda: self.now_s)

    def wait(self, seconds):
        for _ in range(seconds):
            self.now_s += 1.0
            self.outcomes.verdict()

    @property
    def verdict(self):
        return self.outcomes.verdict()


@pytest.fixture
def seen():
    return Observed()


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("refused", "ledger_unavailable"),
        ("refused", "memory_full"),
        ("refused", "overloaded"),
        ("refused", "a reason that nobody thought of"),
        ("returned", "backend_unavailable"),
        ("dropped", "backend_refused"),
        ("rejected", "bug"),
    ],
)
def test_nearly_all_failing_is_a_failure_whatever_the_reason(seen, field, reason):
    getattr(seen.counts, field)[reason] += 9
    seen.counts.acknowledged += 1
    assert seen.verdict == (True, (f"9 of 10 requests failed in 30 s: 9 {reason}",))


def test_some_failures_are_named_and_fewer_than_three_are_not(seen):
    seen.counts.refused["overloaded"] += 2
    assert seen.verdict == (False, ())
    seen.counts.refused["overloaded"] += 1
    seen.counts.acknowledged += 3
    assert seen.verdict == (False, ("3 of 6 requests failed in 30 s: 3 overloaded",))


def test_one_failure_in_a_thousand_is_no_reason(seen):
    seen.counts.acknowledged += 9997
    seen.counts.refused["overloaded"] += 3
    assert seen.verdict == (False, ())


def test_nobody_takes_it_out_of_service_with_nonsense(seen):
    """Guarantees: what its sender has to change is named, and is no failure of ours."""
    seen.counts.rejected["undecodable"] += 100
    seen.counts.refused["slow_sender"] += 100
    seen.counts.acknowledged += 1
    reasons = ("100 of 101 requests were rejected in 30 s: 100 undecodable",)
    assert seen.verdict == (False, reasons)


def test_a_few_failures_among_nonsense_do_not_count_for_more(seen):
    seen.counts.rejected["undecodable"] += 100
    seen.counts.refused["overloaded"] += 1
    assert not seen.verdict.is_failing


def test_it_is_over_half_a_minute_after_the_last_failure(seen):
    """Guarantees: who gets no requests because it is unhealthy is tried again."""
    seen.wait(100)
    seen.counts.refused["overloaded"] += 50
    seen.wait(29)
    assert seen.verdict.is_failing
    seen.wait(2)
    assert seen.verdict == (False, ())


def test_what_comes_right_shows_within_seconds(seen):
    seen.counts.refused["ledger_unavailable"] += 1000
    assert seen.verdict.is_failing
    seen.wait(6)
    seen.counts.acknowledged += 1
    assert not seen.verdict.is_failing
    assert seen.verdict.reasons


def test_a_signal_that_is_switched_off_is_served(seen):
    seen.counts.dropped["switched_off"] += 100
    assert seen.verdict == (False, ())


def test_spans_that_a_bug_left_uncharged_are_named(seen):
    seen.flow.outcomes.unread += 7
    assert seen.verdict.reasons == (
        "a bug has kept spans from being charged or stamped: 7 spans not read",
    )
