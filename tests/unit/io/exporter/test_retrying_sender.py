"""The retry loop: when it tries again, what it logs, and which reason it gives."""

from __future__ import annotations

import asyncio
import logging

import pytest

from processor.core.errors import BackendUnavailableError, SignalNotTakenError
from processor.core.model import Receipt
from processor.io.exporter.destination import Counters
from processor.io.exporter.outage_log import OutageLog
from processor.io.exporter.retrying_sender import RetryingSender, RetryPolicy
from processor.io.exporter.transport import AttemptError


@pytest.mark.parametrize(
    ("timeout_s", "budget_s"),
    [
        (10.0, 9.0),  # a second before the sender's deadline
        (1000.0, 300.0),  # but never longer than the limit
        (None, 60.0),  # a sender without a deadline
        (2.0, 1.0),
        (1.0, 0.5),  # half of the time for an impatient sender
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


class Backend:
    """A transport that fails with the given reasons, then takes what it is sent."""

    name = "backend:4317"

    def __init__(self, *failures):
        self.failures = list(failures)

    async def attempt(self, _signal, _payload, _timeout_s, _metadata):
        if self.failures:
            raise self.failures.pop(0)
        return Receipt()


def away(why="connection refused"):
    return AttemptError("UNAVAILABLE", why, 14, is_retryable=True)


def retrying(backend):
    async def no_pause(_seconds):
        return None

    policy = RetryPolicy(initial_s=0.001, max_s=0.001)
    return RetryingSender(
        backend, Counters(), policy, attempt_timeout_s=5.0, chance=lambda: 0.0, sleep=no_pause
    )  # fmt: skip


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(caplog):
    """Guarantees: one line for an outage, not one for each of a thousand payloads."""
    caplog.set_level(logging.INFO)
    backend = Backend(away(), away())
    out = retrying(backend)
    out._outages = OutageLog(quiet_s=0.0)
    for _ in range(2):
        with pytest.raises(BackendUnavailableError):
            await out.send("traces", b"", 0.0)
    await out.send("traces", b"", 5.0)
    await out.send("traces", b"", 5.0)
    await asyncio.sleep(0.01)  # until nothing has failed for a while
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == 2
    assert "connection refused" in logged[0]
    assert "again" in logged[1]


async def test_an_attempt_cut_short_does_not_hide_the_reason():
    """Guarantees: the first attempt's reason is reported, not that time ran out on the last."""
    cut_short = [away("no answer in time") for _ in range(100_000)]
    backend = Backend(away("certificate has expired"), *cut_short)
    with pytest.raises(BackendUnavailableError, match="expired"):
        await retrying(backend).send("traces", b"", 0.02)


async def test_backend_without_a_signal_is_asked_again_after_a_while(monkeypatch, caplog):
    """Guarantees: a backend that gets what it did not have is found out, without a restart."""
    caplog.set_level(logging.INFO)
    backend = Backend(*(AttemptError("UNIMPLEMENTED", "no", 12, is_retryable=False),) * 2)
    sender = retrying(backend)
    for _ in range(3):
        with pytest.raises(SignalNotTakenError):
            await sender.send("metrics", b"m", 1.0)
    assert len(backend.failures) == 1
    monkeypatch.setattr("processor.io.exporter.retrying_sender._NOT_TAKEN_S", 0.0)
    with pytest.raises(SignalNotTakenError):
        await sender.send("metrics", b"m", 1.0)
    assert await sender.send("metrics", b"m", 1.0) == Receipt()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_each_time_that_a_backend_stops_to_take_a_signal_is_said(monkeypatch, caplog):
    """Guarantees: what was taken in between is not dropped in silence afterwards."""
    caplog.set_level(logging.INFO)
    unknown = AttemptError("UNIMPLEMENTED", "no", 12, is_retryable=False)
    backend = Backend(unknown)
    sender = retrying(backend)
    monkeypatch.setattr("processor.io.exporter.retrying_sender._NOT_TAKEN_S", 0.0)
    with pytest.raises(SignalNotTakenError):
        await sender.send("metrics", b"m", 1.0)
    assert await sender.send("metrics", b"m", 1.0) == Receipt()
    backend.failures.append(unknown)
    with pytest.raises(SignalNotTakenError):
        await sender.send("metrics", b"m", 1.0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]
