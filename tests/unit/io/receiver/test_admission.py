"""Requests that are not admitted are counted by the reason."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from processor.core.errors import OverloadedError
from processor.core.memory import MemoryLimit
from processor.core.model import Receipt
from processor.io.receiver.admission import Admission
from processor.io.receiver.place import Peer
from processor.io.receiver.places import Places


async def handle(_batch):
    return Receipt()


PEER = Peer("10.0.0.1", "10.0.0.1:1")


@pytest.fixture
def admission():
    places = Places(MemoryLimit(2**20), max_requests=1, max_arriving=1, wait_s=0.02)
    return Admission(handle, places, read_timeout_s=0.01)


async def never(_place=None):
    await asyncio.Event().wait()
    return b"", None


def take(admission, read):
    return admission.take("logs", read, (), "http", peer=PEER)


def counted(admission):
    tally = admission.flow.requests["logs", "http"]
    return tally.received, tally.arriving, tally.refused


async def expect_refusal(admission, read):
    with pytest.raises(OverloadedError):
        await take(admission, read)


async def test_a_body_that_does_not_arrive_is_a_slow_sender(admission):
    await expect_refusal(admission, lambda place: admission.receive(never, place))
    assert counted(admission) == (1, 0, Counter(slow_sender=1))


async def test_one_too_many_is_overload_and_one_that_disconnects_has_left(admission):
    first = asyncio.ensure_future(take(admission, never))
    await asyncio.sleep(0)
    await expect_refusal(admission, never)
    assert counted(admission) == (2, 1, Counter(overloaded=1))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert counted(admission) == (2, 0, Counter(overloaded=1, caller_left=1))


async def test_one_during_the_stop_is_refused_for_that(admission):
    admission.refuse_further()
    await expect_refusal(admission, never)
    assert counted(admission) == (1, 0, Counter(stopping=1))


async def test_what_was_passed_on_is_counted_by_the_pipeline(admission):
    """Guarantees: until the pipeline decides, it is arriving."""

    async def read(_place):
        return b"", None

    await take(admission, read)
    assert counted(admission) == (1, 1, Counter())


async def test_a_place_that_was_ended_is_not_read(admission):
    """Guarantees: what ended before its body was asked for takes no memory that is not counted."""
    asked = []

    async def read(place):
        place.end("its place was needed for others")
        return await admission.receive(lambda: asked.append(place), place)

    await expect_refusal(admission, read)
    assert asked == []


async def test_a_body_that_comes_as_its_place_is_ended_is_not_taken(admission):
    async def read(place):
        async def body():
            place.end("memory was needed for others")
            return b"body"

        return await admission.receive(body, place), None

    await expect_refusal(admission, read)
    assert counted(admission) == (1, 0, Counter(overloaded=1))
