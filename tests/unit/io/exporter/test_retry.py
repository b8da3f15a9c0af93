"""The retry policy's arithmetic."""

import pytest

from processor.io.exporter.retry import RetryPolicy


@pytest.mark.parametrize(
    ("timeout_s", "budget_s"),
    [
        (10.0, 9.0),  # a second before the sender's deadline
        (1000.0, 300.0),  # but never longer than the limit
        (None, 60.0),  # a sender without a deadline
        (2.0, 1.0),
        (1.0, 0.5),  # half time for a sender in a hurry
        (0.0, 0.0),
    ],
)
def test_retries_end_before_the_sender_gives_up(timeout_s, budget_s):
    assert RetryPolicy().budget_s(timeout_s) == budget_s


def test_pauses_grow_by_the_factor_up_to_the_longest():
    policy = RetryPolicy(initial_s=1.0, factor=2.0, max_s=10.0)
    assert [policy.pause_s(n, 1.0) for n in (1, 2, 3, 4, 5, 10**9)] == [1, 2, 4, 8, 10, 10]


def test_jitter_is_full():
    assert RetryPolicy().pause_s(1, 0.0) == 0.0
    assert RetryPolicy().pause_s(1, 0.5) == 0.5


def test_what_the_backend_asks_for_is_the_least_pause_and_grows():
    policy = RetryPolicy(factor=2.0)
    assert policy.pause_s(1, 0.0, asked_s=7.0) == 7.0
    assert policy.pause_s(3, 0.5, asked_s=7.0) == 9.0
    assert policy.pause_s(1, 0.5, asked_s=-3.0) == 0.5
