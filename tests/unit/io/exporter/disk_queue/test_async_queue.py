"""The disk queue for coroutines."""

import asyncio
import os
import threading

import pytest

from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.records import Record


@pytest.fixture
async def queue(tmp_path):
    opened = AsyncDiskQueue(DiskQueue(tmp_path))
    await opened.start()
    yield opened
    await opened.close()


async def test_writes_that_wait_together_share_one_sync(queue, monkeypatch):
    """Guarantees: an outage costs one sync for many requests, and none on the event loop."""
    await queue.append(Record("traces", b"first"))
    threads = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: threads.append(threading.current_thread()) or real(fd)
    )
    await asyncio.gather(*(queue.append(Record("traces", b"%d" % row)) for row in range(100)))
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    assert queue.disk_queue.waiting == 101


async def test_a_group_has_a_largest_size(queue, monkeypatch):
    """Guarantees: no write waits for the disk to take hundreds of megabytes."""
    synced = []
    real = os.fsync
    await queue.append(Record("traces", b"first"))
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(fd) or real(fd))
    large = bytes(3 * 1024 * 1024)
    await asyncio.gather(*(queue.append(Record("traces", large)) for _ in range(4)))
    assert len(synced) == 2
    synced.clear()
    await asyncio.gather(*(queue.append(Record("traces", b"")) for _ in range(600)))
    assert len(synced) == 3


async def test_taking_waits_until_there_is_something(queue):
    """Guarantees: no polling, and nothing is overlooked."""
    taking = asyncio.ensure_future(queue.take(5))
    await asyncio.sleep(0)
    await queue._run(lambda: None)  # After this the one thread has looked for records.
    assert not taking.done()
    await queue.append(Record("logs", b"one"))
    due = await taking
    assert [record.payload for record in due.records] == [b"one"]
    await queue.finish(due)
    assert queue.disk_queue.waiting == 0


async def test_a_caller_that_is_cancelled_fails_no_other(queue):
    """Guarantees: the others of its group get an answer, and the queue goes on."""
    leaving, staying = (
        asyncio.ensure_future(queue.append(Record("traces", b"%d" % row))) for row in range(2)
    )
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    await queue.append(Record("traces", b"2"))


async def test_whatever_fails_no_caller_is_left_waiting(queue, monkeypatch):
    """Guarantees: a bug of ours is a refusal, not a request that hangs."""

    def fail(_records):
        raise RuntimeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(queue.disk_queue, "append", fail)
        with pytest.raises(OSError, match="a bug"):
            await queue.append(Record("traces", b""))
    await queue.append(Record("traces", b""))


async def test_closing_writes_what_waits_and_takes_nothing_more(tmp_path):
    """Guarantees: what was given in time is written, and later callers get an error at once."""
    queue = AsyncDiskQueue(DiskQueue(tmp_path))
    await queue.start()
    appending = [asyncio.ensure_future(queue.append(Record("traces", b""))) for _ in range(5)]
    await asyncio.sleep(0)
    await queue.close()
    await asyncio.gather(*appending)
    with pytest.raises(OSError, match="stopping"):
        await queue.append(Record("traces", b""))
    again = AsyncDiskQueue(DiskQueue(tmp_path))
    await again.start()
    assert again.disk_queue.waiting == 5
    await again.close()
