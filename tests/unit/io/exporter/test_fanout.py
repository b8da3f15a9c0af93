"""Reserving once, delivering to all, merging the answers, and not delivering twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    OverloadedError,
    SignalNotTakenError,
    TooLargeError,
)
from processor.core.model import Batch, Receipt
from processor.core.ports import Exporter
from processor.io.exporter.destination import Counters, Destination
from processor.io.exporter.fanout import Fanout, _Delivered, merge
from processor.io.exporter.in_flight import InFlightLimiter

NOT_TAKEN = SignalNotTakenError(12, "takes no metrics")
REFUSED = BackendRefusedError(7, "no")
LATER = BackendUnavailableError("down", 3.0)
MUCH_LATER = BackendUnavailableError("busy", 9.0)


class Recording:
    """A destination that gives a set answer and remembers what it got."""

    def __init__(self, outcome=None):
        self.name = "recording"
        self.counters = Counters()
        self.outcome = Receipt() if outcome is None else outcome
        self.signals = {"traces", "metrics", "logs"}
        self.taken = []
        self.life = []

    def takes(self, signal):
        return signal in self.signals

    async def start(self):
        self.life.append("start")
        if self.outcome == "broken":
            raise ZeroDivisionError

    async def deliver(self, signal, payload, timeout_s, _metadata=()):
        self.taken.append((signal, payload, timeout_s))
        await asyncio.sleep(0)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def close(self):
        self.life.append("close")


def batch(timeout_s=None):
    return Batch("traces", b"before", 0, timeout_s)


async def test_it_is_an_exporter():
    recording = Recording()
    destination: Destination = recording
    exporter: Exporter = Fanout([destination], InFlightLimiter())
    with exporter.reserve(batch()) as reservation:
        assert await reservation.deliver(b"after") == Receipt()
    assert recording.taken == [("traces", b"after", None)]


async def test_the_senders_deadline_is_passed_on_less_what_went_by():
    recording = Recording()
    with Fanout([recording], InFlightLimiter()).reserve(batch(timeout_s=5.0)) as reservation:
        await asyncio.sleep(0)
        await reservation.deliver(b"x")
    ((_, _, left_s),) = recording.taken
    assert 0 < left_s < 5.0


async def test_over_the_limit_it_refuses_and_leaving_releases_the_reservation():
    exporter = Fanout([Recording()], InFlightLimiter(max_requests=1))
    with exporter.reserve(batch()), pytest.raises(OverloadedError), exporter.reserve(batch()):
        pytest.fail("admitted")
    with exporter.reserve(batch()):
        pass


async def test_all_are_waited_for_though_one_fails():
    good, bad = Recording(), Recording(LATER)
    exporter = Fanout([bad, good], InFlightLimiter())
    with exporter.reserve(batch()) as reservation, pytest.raises(BackendUnavailableError):
        await reservation.deliver(b"x")
    assert good.taken
    assert bad.taken


async def test_a_signal_goes_only_to_destinations_that_take_it():
    everything, only_logs = Recording(), Recording()
    only_logs.signals = {"logs"}
    with Fanout([everything, only_logs], InFlightLimiter()).reserve(batch()) as reservation:
        assert await reservation.deliver(b"x") == Receipt()
    assert everything.taken
    assert not only_logs.taken


async def test_a_signal_that_nobody_takes_is_refused_as_unimplemented():
    """Guarantees: the sender gets an error that says its data goes nowhere."""
    recording = Recording()
    recording.signals = set()
    refused = pytest.raises(BackendRefusedError, match="no backend here takes")
    exporter = Fanout([recording], InFlightLimiter())
    with exporter.reserve(batch()) as reservation, refused as caught:
        await reservation.deliver(b"x")
    assert caught.value.code == 12


@pytest.mark.parametrize(
    ("outcomes", "answer"),
    [
        ([], Receipt()),
        ([Receipt(), Receipt()], Receipt()),
        ([Receipt(), Receipt(2, "bad ids")], Receipt(2, "bad ids")),
        ([Receipt(3, "a"), Receipt(2, "b"), Receipt(1, "a")], Receipt(3, "a; b")),
        ([Receipt(0, "old"), Receipt()], Receipt(0, "old")),
    ],
)
def test_partial_successes_are_merged(outcomes, answer):
    assert merge(outcomes) == answer


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ([Receipt(), REFUSED], BackendRefusedError),
        ([TooLargeError("big"), Receipt(1, "x")], TooLargeError),
        # "Never" from one must not stop the sender from trying again for the other.
        ([REFUSED, LATER], BackendUnavailableError),
        ([LATER, ZeroDivisionError()], ZeroDivisionError),
    ],
)
def test_the_worst_answer_wins(outcomes, kind):
    with pytest.raises(kind):
        merge(outcomes)


@pytest.mark.parametrize(
    ("outcomes", "answer"),
    [([NOT_TAKEN, Receipt(2, "bad")], Receipt(2, "bad")), ([Receipt(), NOT_TAKEN], Receipt())],
)
def test_who_does_not_have_a_signal_has_no_say_beside_who_has(outcomes, answer):
    assert merge(outcomes) == answer


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ([NOT_TAKEN, NOT_TAKEN], SignalNotTakenError),
        ([NOT_TAKEN, LATER], BackendUnavailableError),
        ([REFUSED, NOT_TAKEN], BackendRefusedError),
    ],
)
def test_signal_that_nobody_has_is_not_taken_unless_somebody_says_otherwise(outcomes, kind):
    with pytest.raises(kind) as caught:
        merge(outcomes)
    assert isinstance(caught.value, SignalNotTakenError) == (kind is SignalNotTakenError)


def test_the_longest_delay_wins_and_every_reason_is_named():
    with pytest.raises(BackendUnavailableError, match="down; busy") as caught:
        merge([LATER, MUCH_LATER])
    assert caught.value.delay_s == 9.0


async def test_close_waits_for_what_is_under_way():
    recording = Recording()
    exporter = Fanout([recording], InFlightLimiter(), close_grace_s=30)
    await exporter.start()
    with exporter.reserve(batch()):
        closing = asyncio.ensure_future(exporter.close())
        await asyncio.sleep(0)
        assert not closing.done()
        assert recording.life == ["start"]
    await closing
    assert recording.life == ["start", "close"]


async def test_close_does_not_wait_for_ever(caplog):
    exporter = Fanout([Recording()], InFlightLimiter(), close_grace_s=0.01)
    with exporter.reserve(batch()):
        await exporter.close()
    assert "1 requests are still under way" in caplog.text


async def test_a_start_that_fails_closes_what_was_started():
    first, second = Recording(), Recording("broken")
    with pytest.raises(ZeroDivisionError):
        await Fanout([first, second], InFlightLimiter()).start()
    assert first.life == ["start", "close"]


HERE: Any = object()
TAKEN = {HERE: Receipt(1, "too old")}


@pytest.mark.parametrize(
    "other",
    [("logs", b"payload", ()), ("traces", b"payloads", ()), ("traces", b"payload", (("a", "b"),))],
)
def test_only_the_same_request_is_recalled(other):
    """Guarantees: signal, bytes and metadata all count."""
    delivered = _Delivered()
    delivered.keep("traces", b"payload", (), TAKEN)
    assert delivered.recall("traces", b"payload", ()) == TAKEN
    assert delivered.recall(*other) == {}


def test_what_has_arrived_everywhere_is_forgotten():
    delivered = _Delivered()
    delivered.keep("traces", b"payload", (), TAKEN)
    delivered.keep("traces", b"payload", (), {})
    assert len(delivered) == 0
    assert delivered.recall("traces", b"payload", ()) == {}


def test_it_is_bounded():
    """Guarantees: senders that never come back do not fill the memory; the oldest go first."""
    delivered = _Delivered(max_requests=2)
    for number in range(5):
        delivered.keep("traces", b"%d" % number, (), TAKEN)
    assert len(delivered) == 2
    assert [bool(delivered.recall("traces", b"%d" % number, ())) for number in (2, 3, 4)] == [
        False, True, True,
    ]  # fmt: skip
