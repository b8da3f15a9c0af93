"""The bound on what is under way."""

import asyncio
from contextlib import ExitStack

import pytest

from processor.core.errors import OverloadedError
from processor.io.exporter.in_flight import InFlightLimiter


async def test_bytes_over_the_bound_are_refused_and_nothing_changes():
    limiter = InFlightLimiter(max_bytes=100, delay_s=2.5)
    with limiter.reserve(60):
        with pytest.raises(OverloadedError) as caught, limiter.reserve(41):
            pytest.fail("let through")
        assert caught.value.delay_s == 2.5
        assert (limiter.bytes_under_way, limiter.requests_under_way, limiter.refused) == (60, 1, 1)
        with limiter.reserve(40):
            assert limiter.bytes_under_way == 100


async def test_requests_over_the_bound_are_refused():
    limiter = InFlightLimiter(max_requests=2)
    with limiter.reserve(1), limiter.reserve(1), pytest.raises(OverloadedError), limiter.reserve(1):
        pytest.fail("let through")


async def test_a_payload_over_the_whole_bound_goes_through_alone():
    limiter = InFlightLimiter(max_bytes=100)
    with limiter.reserve(1000), pytest.raises(OverloadedError), limiter.reserve(0):
        pytest.fail("let through")
    with limiter.reserve(1), pytest.raises(OverloadedError), limiter.reserve(1000):
        pytest.fail("let through")


async def test_places_come_back_whatever_happens_inside():
    limiter = InFlightLimiter(max_bytes=100)
    with pytest.raises(ZeroDivisionError), limiter.reserve(100):
        raise ZeroDivisionError
    assert (limiter.bytes_under_way, limiter.requests_under_way) == (0, 0)


async def test_drain_waits_for_the_last_one():
    limiter = InFlightLimiter()
    places = ExitStack()
    places.enter_context(limiter.reserve(1))
    assert not await limiter.drain(0.01)
    draining = asyncio.ensure_future(limiter.drain(30))
    await asyncio.sleep(0)
    assert not draining.done()
    places.close()
    assert await draining
