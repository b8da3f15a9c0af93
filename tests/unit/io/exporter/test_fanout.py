"""Reserving once, delivering to all, and merging the answers."""

import asyncio

import pytest

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    OverloadedError,
    TooLargeError,
)
from processor.core.model import Batch, Receipt
from processor.core.ports import Exporter
from processor.io.exporter.destination import Counters, Destination
from processor.io.exporter.fanout import Fanout, merge
from processor.io.exporter.in_flight import InFlightLimiter

REFUSED = BackendRefusedError(7, "no")
LATER = BackendUnavailableError("down", 3.0)
MUCH_LATER = BackendUnavailableError("busy", 9.0)


class PriceSources:
    """A destination that gives a set answer and remembers what it got."""

    def __init__(self, outcome=None):
        self.name = "shelf"
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


async def test_it_is_the_exporter_of_the_house():
    shelf = PriceSources()
    destination: Destination = shelf
    exporter: Exporter = Fanout([destination], InFlightLimiter())
    with exporter.reserve(batch()) as reservation:
        reservation.fill(b"after")
        assert await reservation.settled() == Receipt()
    assert shelf.taken == [("traces", b"after", None)]


async def test_the_senders_deadline_is_passed_on_less_what_went_by():
    shelf = PriceSources()
    with Fanout([shelf], InFlightLimiter()).reserve(batch(timeout_s=5.0)) as reservation:
        await asyncio.sleep(0.01)
        reservation.fill(b"x")
        await reservation.settled()
    ((_, _, left_s),) = shelf.taken
    assert 0 < left_s < 5.0


async def test_a_full_house_refuses_and_leaving_gives_the_place_back():
    exporter = Fanout([PriceSources()], InFlightLimiter(max_requests=1))
    with exporter.reserve(batch()), pytest.raises(OverloadedError), exporter.reserve(batch()):
        pytest.fail("let through")
    with exporter.reserve(batch()):
        pass


async def test_all_are_waited_for_though_one_fails():
    good, bad = PriceSources(), PriceSources(LATER)
    with Fanout([bad, good], InFlightLimiter()).reserve(batch()) as reservation:
        reservation.fill(b"x")
        with pytest.raises(BackendUnavailableError):
            await reservation.settled()
    assert good.taken
    assert bad.taken


async def test_only_those_get_a_signal_that_take_it():
    everything, only_logs = PriceSources(), PriceSources()
    only_logs.signals = {"logs"}
    with Fanout([everything, only_logs], InFlightLimiter()).reserve(batch()) as reservation:
        reservation.fill(b"x")
        assert await reservation.settled() == Receipt()
    assert everything.taken
    assert not only_logs.taken


async def test_a_signal_that_nobody_takes_is_refused_as_unimplemented():
    """Guarantees: the sender hears that its data goes nowhere."""
    shelf = PriceSources()
    shelf.signals = set()
    with Fanout([shelf], InFlightLimiter()).reserve(batch()) as reservation:
        reservation.fill(b"x")
        with pytest.raises(BackendRefusedError, match="no backend here takes") as caught:
            await reservation.settled()
    assert caught.value.code == 12


async def test_settled_before_fill_is_a_mistake():
    exporter = Fanout([PriceSources()], InFlightLimiter())
    with exporter.reserve(batch()) as reservation, pytest.raises(RuntimeError, match="before fill"):
        await reservation.settled()


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


def test_the_longest_delay_wins_and_every_reason_is_named():
    with pytest.raises(BackendUnavailableError, match="down; busy") as caught:
        merge([LATER, MUCH_LATER])
    assert caught.value.delay_s == 9.0


async def test_close_waits_for_what_is_under_way():
    shelf = PriceSources()
    exporter = Fanout([shelf], InFlightLimiter(), close_grace_s=30)
    await exporter.start()
    with exporter.reserve(batch()):
        closing = asyncio.ensure_future(exporter.close())
        await asyncio.sleep(0.01)
        assert shelf.life == ["start"]
    await closing
    assert shelf.life == ["start", "close"]


async def test_close_does_not_wait_for_ever(caplog):
    exporter = Fanout([PriceSources()], InFlightLimiter(), close_grace_s=0.01)
    with exporter.reserve(batch()):
        await exporter.close()
    assert "1 requests are still under way" in caplog.text


async def test_a_start_that_fails_closes_what_was_started():
    first, second = PriceSources(), PriceSources("broken")
    with pytest.raises(ZeroDivisionError):
        await Fanout([first, second], InFlightLimiter()).start()
    assert first.life == ["start", "close"]
