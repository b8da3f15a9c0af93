"""A payload that was refused, given back or delivered is kept alive by nobody.

Reference cycles of tracebacks and tasks would keep it until the cyclic collector runs, whose
thresholds count objects and not bytes; so it is switched off here.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import asynccontextmanager, suppress

import pytest
from backends.recorder import Recorder
from conditions import until
from conformance.sending import PROTOCOLS, request, sending

from processor.core.errors import ProcessorError
from processor.core.model import Batch
from processor.core.wire import split
from processor.io.exporter import (
    DiskQueue,
    Fanout,
    InFlightLimiter,
    MergePolicy,
    QueuedBackend,
)

ANSWERS = {
    "grpc": ["OK", "UNAVAILABLE", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"],
    "http": ["OK", "503", "400", "413"],
}
CASES = [(protocol, answer) for protocol in PROTOCOLS for answer in ANSWERS[protocol]]
TIMES = 5


@pytest.fixture(autouse=True)
def _collector_off():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
async def recorder():
    recorder = Recorder()
    yield recorder
    await recorder.stop()


def payload(size):
    return request(*("chat" for _ in range(4)), size=size)


async def holders_added(deliver, sent):
    """How many references to the payloads are left over from delivering each a few times."""
    before = [sys.getrefcount(each) for each in sent]

    def added():
        after = [sys.getrefcount(each) for each in sent]
        return [now - then for now, then in zip(after, before, strict=True)]

    for _ in range(TIMES):
        await asyncio.gather(*(failing(deliver, each) for each in sent))
    with suppress(TimeoutError):  # Callbacks that are due may hold what has just ended.
        await until(lambda: not any(added()), 5.0)
    return added()


async def failing(deliver, each):
    with suppress(ProcessorError):
        await deliver(each)


@asynccontextmanager
async def listening(recorder, protocol, **settings):
    port = await (recorder.start() if protocol == "grpc" else recorder.start_http())
    async with sending(protocol, port, split=split, **settings) as out:
        yield out


@pytest.mark.parametrize(("protocol", "answer"), CASES)
@pytest.mark.parametrize("size", [100, 200_000], ids=["merged", "alone"])
async def test_whatever_a_backend_answers_it_keeps_no_payload(recorder, protocol, answer, size):
    recorder.behaviour.answer = answer
    merge = MergePolicy(max_bytes=64 * 1024)
    async with listening(recorder, protocol, merge=merge) as out:
        sent = [payload(size) for _ in range(4)]
        added = await holders_added(lambda each: out.deliver("traces", each, 0.3), sent)
    assert recorder.attempts
    assert added == [0, 0, 0, 0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_backend_that_is_away_keeps_no_payload(recorder, protocol):
    async with listening(recorder, protocol) as out:
        await recorder.stop()
        sent = [payload(200_000) for _ in range(4)]
        added = await holders_added(lambda each: out.deliver("traces", each, 0.3), sent)
    assert added == [0, 0, 0, 0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_several_backends_keep_no_payload(recorder, protocol):
    """Guarantees: the worst answer of several is raised without the payload of any."""
    recorder.behaviour.answer = {"grpc": "UNAVAILABLE", "http": "503"}[protocol]
    other = Recorder()
    async with (
        listening(recorder, protocol) as first,
        listening(other, protocol) as second,
    ):
        fanout = Fanout([first, second], InFlightLimiter())

        async def deliver(each):
            batch = Batch("traces", b"", 0, timeout_s=0.3)
            with fanout.reserve(batch) as reservation:
                await reservation.deliver(each)

        added = await holders_added(deliver, [payload(200_000) for _ in range(4)])
    await other.stop()
    assert recorder.attempts
    assert other.attempts
    assert added == [0, 0, 0, 0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_queue_on_disk_keeps_no_payload(recorder, protocol, tmp_path):
    """Guarantees: neither what it has taken nor what it has no room for stays in memory."""
    recorder.behaviour.answer = {"grpc": "UNAVAILABLE", "http": "503"}[protocol]
    async with listening(recorder, protocol, cuts_attempts=False) as backend:
        await backend.close()  # The queue starts it again.
        queue = DiskQueue(tmp_path, max_bytes=2_000_000)
        queued = QueuedBackend(backend, queue, setting="here", spill_after_s=0.01)
        await queued.start()
        sent = [payload(100_000) for _ in range(4)]
        added = await holders_added(lambda each: queued.deliver("traces", each, 0.5), sent)
        assert queued.counters.backlog().failed
        await queued.close()
    assert added == [0, 0, 0, 0]
