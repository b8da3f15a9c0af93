"""An id is taken out of segments and of requests that were set aside, also amid kills."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time

import pytest

from processor.core.model import RequestRename
from processor.io.exporter.disk_queue.async_queue import SET_ASIDE, WAITING, AsyncDiskQueue
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.disk_queue.refused import refused_requests
from processor.io.exporter.disk_queue.rewriting import rewrite_queue, rewrite_refused

ID, OTHER = b"ada@example.com", b"forgotten-0a1b2c3d"


def rename(before=ID, after=OTHER):
    def payload(_signal, request):
        return request.replace(before, after) if before in request else request

    return RequestRename(
        payload, lambda text: text.replace(before.decode(), after.decode()), before
    )


def record(number, has_id, size=100):
    head = b"%06d" % number + (ID if has_id else b"")
    return Record("traces", head + bytes(size), (("x-tenant", "ada"),), 7.0)


@pytest.fixture
def queue(tmp_path):
    opened = DiskQueue(tmp_path / "spool", max_bytes=16 * 20_000)
    opened.open()
    yield opened
    opened.close()


def put(queue, records):
    assert queue.append(records) == [None] * len(records)


def run(steps):
    return [*steps][-1]


def drained(queue):
    found = []
    while due := queue.take(5, 10**9):
        found += due.records
        queue.finish(due)
    return found


def content(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_records_are_the_same_but_for_the_id(queue):
    """Guarantees: over several segments, with headers and times; what was sent is not in the file
    any more; segments without the id are not written."""
    put(queue, [record(number, number % 2) for number in range(300)])
    queue.finish(queue.take(10, 10**9))
    put(queue, [record(number, has_id=False) for number in range(300, 400)])
    before = {path: path.read_bytes() for path in queue.directory.iterdir()}
    assert run(rewrite_queue(queue, rename(), is_trial=True)) == 145
    assert {path: path.read_bytes() for path in queue.directory.iterdir()} == before
    assert run(rewrite_queue(queue, rename())) == 145
    assert ID not in content(queue.directory)
    put(queue, [record(400, has_id=True)])
    found = drained(queue)
    wanted = [record(number, number % 2 and number < 300) for number in range(10, 400)]
    renamed = rename().payload
    assert found == [
        *(each._replace(payload=renamed("traces", each.payload)) for each in wanted),
        record(400, has_id=True),
    ]
    assert not [*queue.directory.glob("*.spool")]


def test_a_restart_goes_on_where_the_copy_says(queue):
    """Guarantees: records that were finished while the copy was written are not sent again."""
    put(queue, [record(number, number % 2) for number in range(40)])
    due = queue.take(7, 10**9)
    for at, _ in enumerate(rewrite_queue(queue, rename())):
        if at == 20:
            queue.finish(due)
            due = queue.take(5, 10**9)
    queue.finish(due)
    queue.close()
    again = DiskQueue(queue.directory)
    again.open()
    assert [int(each.payload[:6]) for each in drained(again)] == list(range(12, 40))
    assert again.counters.lost == again.counters.torn_bytes == 0
    again.close()


def test_damage_loses_no_more_than_before_and_has_no_id(queue):
    """Guarantees: what cannot be read is overwritten, and counted as lost as it would be."""
    put(queue, [record(number, has_id=True) for number in range(9)])
    path = next(queue.directory.glob("*.spool"))
    data = bytearray(path.read_bytes())
    for number in (3, 8):
        data[data.index(b"%06d" % number) + 30] ^= 1
    path.write_bytes(data)
    (queue.directory / "000000000099.corrupt").write_bytes(b"x" * 70 + ID + b"y")
    assert run(rewrite_queue(queue, rename())) == 9
    assert ID not in content(queue.directory)
    assert [int(each.payload[:6]) for each in drained(queue)] == [0, 1, 2, 4, 5, 6, 7]
    assert queue.counters.lost == 2


def test_a_full_disk_changes_nothing(queue, monkeypatch):
    put(queue, [record(number, has_id=True) for number in range(9)])
    before = content(queue.directory)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("processor.io.exporter.disk_queue.rewriting.write_all", full)
        with pytest.raises(OSError, match="No space"):
            run(rewrite_queue(queue, rename()))
    assert content(queue.directory) == before
    assert run(rewrite_queue(queue, rename())) == 9


def test_a_request_that_is_being_sent_again_does_not_come_back(tmp_path):
    """Guarantees: with `llm-cost resend` beside it, one that was removed stays removed."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.traces.binpb").write_bytes(b"1" + ID)
        (tmp_path / f"{name}.traces.json").write_text(
            json.dumps({"refused": f"not {ID.decode()}", "headers": [["k", "v"]]})
        )
    first, second = refused_requests(tmp_path)
    steps = rewrite_refused(tmp_path, rename(), is_trial=False)
    with first.held():
        assert [next(steps) for _ in range(3)] == [0, 0, 0]
        first.remove()
    assert run(steps) == 1
    assert [each.path for each in refused_requests(tmp_path)] == [second.path]
    assert second.read() == Record("traces", b"1" + OTHER, (("k", "v"),))
    assert json.loads(second.notes.read_text())["refused"] == f"not {OTHER.decode()}"


async def test_what_becomes_a_file_later_is_renamed_if_it_was_there(tmp_path):
    """Guarantees: for what was taken before, what waits to be written, and nothing else."""
    queue = AsyncDiskQueue(DiskQueue(tmp_path / "spool"))
    await queue.start()
    await queue.append(record(1, has_id=True))
    due = await queue.take(5)
    with queue.under_way.follow() as since:
        written = asyncio.ensure_future(queue.append(record(2, has_id=True)))
        await asyncio.sleep(0)
        assert await queue.rename(rename()) == {WAITING: 1, SET_ASIDE: 0}
        await written
        assert ID not in content(tmp_path)
        for began in (since, due.since):
            assert ID not in queue.under_way.renamed(record(1, has_id=True), began).payload
        with queue.under_way.follow() as later:
            assert ID in queue.under_way.renamed(record(3, has_id=True), later).payload
    queue.under_way.end(due.since)
    assert not queue.under_way._renames, "no text of it stays in memory"
    await queue.close()


KILLED = """
import sys
from pathlib import Path
from unit.io.exporter.disk_queue.test_rewriting import ID, OTHER, rename, rewrite_queue, run
from processor.io.exporter.disk_queue.queue import DiskQueue
queue = DiskQueue(Path(sys.argv[1]), max_bytes=16 * 100_000)
queue.open()
print("open", flush=True)
while True:
    run(rewrite_queue(queue, rename(ID, OTHER)))
    run(rewrite_queue(queue, rename(OTHER, ID)))
"""


@pytest.mark.timeout(120)
def test_a_kill_at_any_moment_loses_and_doubles_nothing(tmp_path):
    """Guarantees: for a process that does nothing but rewrite, killed ten times."""
    chance = random.Random(7)
    queue = DiskQueue(tmp_path, max_bytes=16 * 100_000)
    queue.open()
    put(queue, [record(number, number % 2, size=1000) for number in range(1000)])
    queue.close()
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, tmp_path],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": ":".join(sys.path)},
        ) as process:
            assert process.stdout.readline() == b"open\n"
            time.sleep(chance.uniform(0.0, 0.2))
            process.send_signal(signal.SIGKILL)
    queue = DiskQueue(tmp_path, max_bytes=16 * 100_000)
    queue.open()
    assert not [*tmp_path.glob("*.new")]
    run(rewrite_queue(queue, rename(OTHER, ID)))
    assert drained(queue) == [record(number, number % 2, size=1000) for number in range(1000)]
    assert queue.counters.lost == queue.counters.torn_bytes == 0
    queue.close()
