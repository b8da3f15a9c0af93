"""Emptying the queue in spite of failing disks, payloads and bugs."""

import asyncio
import errno
import json
import math
from contextlib import asynccontextmanager, suppress

import pytest

from processor.core.errors import BackendRefusedError, BackendUnavailableError
from processor.core.memory import MemoryLimit
from processor.core.model import Receipt
from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.drain import Drain
from processor.io.exporter.disk_queue.losses import Losses
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.disk_queue.refused import refused_requests


class Backend:
    """Takes what it is given, unless a test has set another answer."""

    name = "backend:4317"

    def __init__(self):
        self.answers = {}
        self.receipts = {}
        self.taken = []
        self.under_way = self.most_under_way = 0
        self.pauses = []

    def pause_s(self, failures):
        self.pauses.append(failures)
        return float(failures)

    async def send(self, _signal, payload, _budget_s, _metadata, *, merges):
        assert not merges
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        answers = self.answers.get(payload) or self.answers.get(b"*")
        if answers:
            raise answers.pop()
        self.taken.append(payload)
        return self.receipts.get(payload, Receipt())


@pytest.fixture
async def queue(tmp_path):
    opened = AsyncDiskQueue(DiskQueue(tmp_path))
    await opened.start()
    yield opened
    await opened.close()


@asynccontextmanager
async def draining(queue, backend, consumers=4, max_age_s=math.inf, memory=None):
    slept, taken = [], []

    async def sleep(seconds):
        slept.append(seconds)
        await asyncio.sleep(0)

    drain = Drain(
        queue, backend, losses=Losses(queue, backend.name), consumers=consumers, round_s=1.0,
        on_taken=taken.append, on_refused=lambda _: None,
        on_failed=lambda *_: None, sleep=sleep, max_age_s=max_age_s,
        clock_s=lambda: 1000.0, memory=memory,
    )  # fmt: skip
    task = asyncio.ensure_future(drain.run())
    yield drain, slept
    async with asyncio.timeout(20):
        while queue.disk_queue.waiting:  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.001)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(taken) == drain.delivered == len(backend.taken)


async def put(queue, *payloads):
    for payload in payloads:
        await queue.append(Record("traces", payload))


def away(delay_s=0.1):
    return BackendUnavailableError("away", delay_s)


async def test_so_many_at_a_time_and_in_order(queue):
    """Guarantees: the backend that has just come back is not flooded."""
    backend = Backend()
    payloads = [b"%d" % row for row in range(20)]
    await put(queue, *payloads)
    async with draining(queue, backend):
        pass
    assert backend.taken == payloads
    assert backend.most_under_way == 4


async def test_what_is_being_sent_is_counted_in_the_memory_budget(queue):
    """Guarantees: while it is sent, and not while it waits on the disk."""
    backend, memory = Backend(), MemoryLimit(1000)
    backend.answers[b"1" * 100] = [away()]
    seen = []
    backend.pause_s = lambda _: seen.append(memory.used_bytes) or 0.0
    await put(queue, b"1" * 100)
    async with draining(queue, backend, memory=memory) as (_, slept):
        while not slept:  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0)
        assert memory.used_bytes == 0
    assert seen == [200]


async def test_pauses_grow_and_are_as_long_as_was_asked_for(queue):
    """Guarantees: a backend that is away is tried less and less often, or when it asks."""
    backend = Backend()
    backend.answers[b"*"] = [away(50.0), *(away() for _ in range(5))]
    await put(queue, b"1")
    async with draining(queue, backend) as (drain, slept):
        pass
    assert slept == [1.0, 2.0, 3.0, 4.0, 5.0, 50.0]
    assert backend.pauses == [1, 2, 3, 4, 5, 6]
    assert (backend.taken, drain.put_back) == ([b"1"], 0)


async def test_one_that_fails_among_others_waits_behind_them(queue):
    """Guarantees: it is sent in the end, and once."""
    backend = Backend()
    backend.answers[b"1"] = [away() for _ in range(2)]
    await put(queue, b"0", b"1", b"2", b"3", b"4")
    async with draining(queue, backend) as (drain, _):
        pass
    assert sorted(backend.taken) == [b"0", b"1", b"2", b"3", b"4"]
    assert drain.put_back >= 1


async def test_what_is_written_again_and_displaces_others_is_reported(tmp_path, caplog):
    """Guarantees: no record is lost without a word, whoever writes the one that displaces it."""
    queue = AsyncDiskQueue(DiskQueue(tmp_path, max_bytes=20_000, drops_oldest=True))
    await queue.start()
    backend = Backend()
    payloads = [b"%02d" % row + bytes(1000) for row in range(19)]
    backend.answers[payloads[0]] = [away()]
    await put(queue, *payloads)
    assert queue.disk_queue.counters.displaced == 0
    async with draining(queue, backend, consumers=2) as (drain, _):
        pass
    await queue.close()
    assert drain.losses.dropped["displaced"] == len(payloads) - len(backend.taken) > 0
    assert len([line for line in caplog.messages if "displaced" in line]) == 1


async def test_one_that_cannot_wait_behind_them_is_tried_on(queue, monkeypatch):
    """Guarantees: a full disk does not send anything twice.

    And a backend that asks for a pause has it.
    """
    backend = Backend()
    backend.answers[b"1"] = [away(), away(30.0), away(0.1)]
    await put(queue, b"0", b"1", b"2")

    async def full(_record):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(queue, "append", full)
    async with draining(queue, backend) as (drain, slept):
        pass
    assert slept == [1.0, 30.0, 3.0]
    assert sorted(backend.taken) == [b"0", b"1", b"2"]
    assert drain.put_back == 0


async def test_those_that_nobody_takes_do_not_hold_up_the_others(queue):
    """Guarantees: two payloads that always fail are distinguished from a backend that is away."""
    backend = Backend()
    for payload in (b"0", b"1"):
        backend.answers[payload] = [away() for _ in range(30)]
    await put(queue, *(b"%d" % row for row in range(8)))
    async with draining(queue, backend) as (drain, _):
        async with asyncio.timeout(20):
            while len(backend.taken) < 6:  # noqa: ASYNC110 - what is looked at has no event
                await asyncio.sleep(0.001)
        assert len(backend.answers[b"0"]) > 10
    assert sorted(backend.taken) == [b"%d" % row for row in range(8)]
    assert drain.put_back > 0


async def test_what_is_refused_is_counted_by_its_reason(queue):
    """Guarantees: nothing disappears without a number."""
    backend = Backend()
    for payload in (b"1", b"2"):
        backend.answers[payload] = [BackendRefusedError(3, "no")]
    await put(queue, b"0", b"1", b"2")
    async with draining(queue, backend) as (drain, _):
        pass
    assert drain.losses.aside == {"invalid_argument": 2}
    assert drain.losses.dropped == {}
    assert backend.taken == [b"0"]
    kept = list(refused_requests(queue.refused.directory))
    assert {each.read().payload for each in kept} == {b"1", b"2"}
    assert "no" in kept[0].notes.read_text()


async def test_what_is_refused_and_cannot_be_set_aside_stays_in_the_queue(queue, monkeypatch):
    """Guarantees: a full folder loses nothing; it is counted, and tried again a minute later."""
    backend = Backend()
    backend.answers[b"1"] = [BackendRefusedError(3, "no")] * 3
    monkeypatch.setattr(queue.refused, "max_bytes", 0)
    await put(queue, b"1")
    async with draining(queue, backend) as (drain, slept):
        pass
    assert slept == [60.0, 60.0, 60.0]
    assert (drain.losses.not_set_aside, drain.losses.aside) == (3, {})
    assert backend.taken == [b"1"]


async def test_a_copy_is_kept_of_what_the_backend_has_taken_in_part(queue):
    """Guarantees: rejected items of acknowledged requests are not only counted."""
    backend = Backend()
    backend.receipts[b"1"] = Receipt(2, "too old")
    await put(queue, b"0", b"1")
    async with draining(queue, backend) as (drain, _):
        pass
    (kept,) = refused_requests(queue.refused.directory)
    assert kept.read().payload == b"1"
    assert json.loads(kept.notes.read_text()) == {
        "refused": "2 items rejected: too old",
        "headers": [],
        "is_partial": True,
        "rejected_items": 2,
    }
    assert (drain.delivered, drain.losses.aside) == (2, {})
    assert "too old" in drain.losses.last_trouble.message


async def test_what_is_too_old_is_lost_counted_and_said(queue, caplog):
    """Guarantees: only where the settings ask for it, and once for each record."""
    backend = Backend()
    backend.answers[b"*"] = [away()] * 4
    await queue.append(Record("traces", b"old", (), 899.0))
    await queue.append(Record("traces", b"new", (), 901.0))
    await queue.append(Record("traces", b"of an older version"))
    async with draining(queue, backend, max_age_s=100.0) as (drain, _):
        pass
    assert sorted(backend.taken) == [b"new", b"of an older version"]
    assert drain.losses.dropped == {"too_old": 1}
    assert drain.losses.last_trouble is not None
    assert len([line for line in caplog.messages if "too_old" in line]) == 1


@pytest.mark.parametrize("code", [7, 16])
async def test_what_waits_is_kept_while_a_token_is_refused(queue, caplog, code):
    """Guarantees: an expired token costs time, not what was acknowledged."""
    backend = Backend()
    backend.answers[b"*"] = [BackendRefusedError(code, "token expired")] * 3
    await put(queue, b"0")
    async with draining(queue, backend) as (drain, slept):
        pass
    assert backend.taken == [b"0"]
    assert drain.losses.aside == {}
    assert slept[:3] == [60.0, 60.0, 60.0]
    assert len([line for line in caplog.messages if "token expired" in line]) == 1


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "too many"), RuntimeError("a bug")])
async def test_whatever_fails_it_goes_on_later(queue, monkeypatch, caplog, error):
    """Guarantees: the task that empties the queue does not end before the processor."""
    backend = Backend()
    await put(queue, b"0")
    failures = [error, error]
    real = queue.disk_queue.take

    def take(*bounds):
        if failures:
            raise failures.pop()
        return real(*bounds)

    monkeypatch.setattr(queue.disk_queue, "take", take)
    async with draining(queue, backend) as (drain, slept):
        pass
    assert backend.taken == [b"0"]
    assert slept == [5.0, 5.0]
    assert str(error.args[-1]) in caplog.text
    assert not drain.is_busy
