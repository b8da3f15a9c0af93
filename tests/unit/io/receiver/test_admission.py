"""Requests that are not admitted are counted by the reason."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from processor.core.errors import OverloadedError
from processor.core.model import Receipt
from processor.io.receiver.admission import Admission


async def handle(_batch):
    return Receipt()


@pytest.fixture
def admission():
    return Admission(handle, max_concurrent_requests=1, read_timeout_s=0.01)


async def never():
    await asyncio.Event().wait()
    return b"", None


def counted(admission):
    tally = admission.flow.requests["logs", "http"]
    return tally.received, tally.arriving, tally.refused


async def expect_refusal(admission, read):
    with pytest.raises(OverloadedError):
        await admission.take("logs", read, (), "http")


async def test_a_body_that_does_not_arrive_is_a_slow_sender(admission):
    await expect_refusal(admission, lambda: admission.receive(never()))
    assert counted(admission) == (1, 0, Counter(slow_sender=1))


async def test_one_too_many_is_overload_and_one_that_disconnects_has_left(admission):
    first = asyncio.ensure_future(admission.take("logs", never, (), "http"))
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

    async def read():
        return b"", None

    await admission.take("logs", read, (), "http")
    assert counted(admission) == (1, 1, Counter())
