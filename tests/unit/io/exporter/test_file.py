"""Delivery into files."""

import asyncio
import errno
import json
import os
from contextlib import asynccontextmanager

import pytest

from processor.core.errors import BackendUnavailableError, ConfigError, UndecodableError
from processor.core.model import Receipt
from processor.io.exporter import FileDestination
from processor.io.exporter.outage_log import OutageLog


@asynccontextmanager
async def opened(folder, **settings):
    destination = FileDestination(folder, **settings)
    await destination.start()
    yield destination
    await destination.close()


def lines(folder, signal="traces"):
    return [json.loads(line) for line in (folder / f"{signal}.jsonl").read_text().splitlines()]


async def test_a_delivered_payload_is_a_line_of_its_signals_file(tmp_path, payload):
    folder = tmp_path / "new" / "folder"
    async with opened(folder) as out:
        for signal in ("traces", "metrics", "logs"):
            assert await out.deliver(signal, payload if signal == "traces" else b"", 1.0) == (
                Receipt()
            )
        (line,) = lines(folder)
    span = line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert span == {
        "traceId": "000102030405060708090a0b0c0d0e0f",
        "spanId": "0001020304050607",
        "name": "chat",
    }
    assert lines(folder, "metrics") == []
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_those_who_wait_together_share_one_sync(tmp_path, payload, monkeypatch):
    async with opened(tmp_path) as out:
        synced = []
        fsync = os.fsync

        def count(descriptor):
            synced.append(descriptor)
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", count)
        await asyncio.gather(*[out.deliver("traces", payload, None) for _ in range(50)])
        assert len(synced) == 1
        assert len(lines(tmp_path)) == 50
        assert out.counters.delivered == 50


async def test_groups_are_bounded_in_size(tmp_path, payload, monkeypatch):
    monkeypatch.setattr("processor.io.exporter.file._GROUP_LIMIT_BYTES", 3 * len(payload))
    async with opened(tmp_path) as out:
        await asyncio.gather(*[out.deliver("traces", payload, None) for _ in range(10)])
        assert len(lines(tmp_path)) == 10


async def test_one_undecodable_payload_takes_no_other_with_it(tmp_path, payload):
    async with opened(tmp_path) as out:
        results = await asyncio.gather(
            out.deliver("traces", payload, None),
            out.deliver("traces", b"\xff", None),
            out.deliver("traces", payload, None),
            return_exceptions=True,
        )
        assert len(lines(tmp_path)) == 2
    assert results[0] == results[2] == Receipt()
    assert isinstance(results[1], UndecodableError)
    assert (out.counters.delivered, out.counters.refused) == (2, 1)


async def test_a_full_disk_is_reported_to_senders_and_recovered_from(
    tmp_path, payload, monkeypatch, caplog
):
    def fail(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    caplog.set_level("INFO")
    async with opened(tmp_path) as out:
        out._outages = OutageLog(quiet_s=0.0)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fail)
            for _ in range(3):
                with pytest.raises(BackendUnavailableError, match="No space left") as caught:
                    await out.deliver("traces", payload, None)
            assert caught.value.delay_s == 5.0
        assert await out.deliver("traces", payload, None) == Receipt()
        assert len(lines(tmp_path)) == 1
        await asyncio.sleep(0.01)  # until nothing has failed for a while
    assert caplog.text.count("No space left") == 1
    assert caplog.text.count("can be written again") == 1
    assert (out.counters.delivered, out.counters.unavailable) == (1, 3)


async def test_a_line_torn_by_a_crash_is_repaired_at_start(tmp_path, payload, caplog):
    (tmp_path / "traces.jsonl").write_bytes(b'{}\n{"resourceSp')
    async with opened(tmp_path) as out:
        await out.deliver("traces", payload, None)
    assert len(lines(tmp_path)) == 2
    assert "cut off 12 bytes" in caplog.text


async def test_old_files_are_removed_and_counted(tmp_path, payload):
    async with opened(tmp_path, max_file_bytes=1, max_files=2) as out:
        for _ in range(4):
            await out.deliver("traces", payload, None)
        assert out.removed_files == 2
    names = sorted(path.name for path in tmp_path.glob("traces*"))
    assert names == ["traces.1.jsonl", "traces.jsonl"]


async def test_close_writes_what_still_waits(tmp_path, payload):
    async with opened(tmp_path) as out:
        delivery = asyncio.ensure_future(out.deliver("traces", payload, None))
        await asyncio.sleep(0)
    assert await delivery == Receipt()
    assert len(lines(tmp_path)) == 1
    with pytest.raises(BackendUnavailableError, match="stopping"):
        await out.deliver("traces", payload, None)


async def test_a_caller_that_leaves_harms_nobody(tmp_path, payload):
    async with opened(tmp_path) as out:
        leaving = asyncio.ensure_future(out.deliver("traces", payload, None))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await out.deliver("traces", payload, None) == Receipt()
    assert len(lines(tmp_path)) == 2


async def test_two_processes_may_not_write_in_one_directory(tmp_path):
    second = FileDestination(tmp_path)
    async with opened(tmp_path):
        with pytest.raises(ConfigError, match="another process writes"):
            await second.start()
    await second.start()
    await second.close()


async def test_a_directory_that_cannot_be_is_a_config_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        await FileDestination(tmp_path / "file").start()
