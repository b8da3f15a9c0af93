"""The retry loop: what it tells the operator, and which reason it gives."""

from __future__ import annotations

import logging

import pytest

from processor.core.errors import BackendUnavailableError
from processor.core.model import Receipt
from processor.io.exporter.destination import Counters
from processor.io.exporter.retry import RetryPolicy
from processor.io.exporter.retrying_sender import RetryingSender
from processor.io.exporter.transport import AttemptError


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


def courier(backend):
    async def no_pause(_seconds):
        return None

    policy = RetryPolicy(initial_s=0.001, max_s=0.001)
    return RetryingSender(
        backend, Counters(), policy, attempt_timeout_s=5.0, chance=lambda: 0.0, sleep=no_pause
    )  # fmt: skip


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(caplog):
    """Guarantees: the operator hears of it once, not for each of a thousand payloads."""
    caplog.set_level(logging.INFO)
    backend = Backend(away(), away())
    out = courier(backend)
    for _ in range(2):
        with pytest.raises(BackendUnavailableError):
            await out.send("traces", b"", 0.0)
    await out.send("traces", b"", 5.0)
    await out.send("traces", b"", 5.0)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "connection refused" in said[0]
    assert "again" in said[1]


async def test_an_attempt_cut_short_does_not_hide_the_reason():
    """Guarantees: what the first attempt learnt is told, not that time ran out on the last one."""
    cut_short = [away("no answer in time") for _ in range(100_000)]
    backend = Backend(away("certificate has expired"), *cut_short)
    with pytest.raises(BackendUnavailableError, match="expired"):
        await courier(backend).send("traces", b"", 0.02)
