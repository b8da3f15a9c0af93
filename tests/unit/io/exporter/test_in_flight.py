"""The bound on what is under way."""

import asyncio
from contextlib import ExitStack

import pytest

from processor.core.errors import OverloadedError
from processor.io.exporter.in_flight import InFlightLimiter


async def test_bytes_over_the_bound_are_refused_and_nothing_changes():
    gate = InFlightLimiter(max_bytes=100, delay_s=2.5)
    with gate.place(60):
        with pytest.raises(OverloadedError) as caught, gate.place(41):
            pytest.fail("let through")
        assert caught.value.delay_s == 2.5
        assert (gate.bytes_under_way, gate.requests_under_way, gate.refused) == (60, 1, 1)
        with gate.place(40):
            assert gate.bytes_under_way == 100


async def test_requests_over_the_bound_are_refused():
    gate = InFlightLimiter(max_requests=2)
    with gate.place(1), gate.place(1), pytest.raises(OverloadedError), gate.place(1):
        pytest.fail("let through")


async def test_a_payload_over_the_whole_bound_goes_through_alone():
    gate = InFlightLimiter(max_bytes=100)
    with gate.place(1000), pytest.raises(OverloadedError), gate.place(0):
        pytest.fail("let through")
    with gate.place(1), pytest.raises(OverloadedError), gate.place(1000):
        pytest.fail("let through")


async def test_places_come_back_whatever_happens_inside():
    gate = InFlightLimiter(max_bytes=100)
    with pytest.raises(ZeroDivisionError), gate.place(100):
        raise ZeroDivisionError
    assert (gate.bytes_under_way, gate.requests_under_way) == (0, 0)


async def test_drain_waits_for_the_last_one():
    gate = InFlightLimiter()
    places = ExitStack()
    places.enter_context(gate.place(1))
    assert not await gate.drain(0.01)
    draining = asyncio.ensure_future(gate.drain(30))
    await asyncio.sleep(0)
    assert not draining.done()
    places.close()
    assert await draining
