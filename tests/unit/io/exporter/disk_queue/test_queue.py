"""A folder of segments: limits, failing disks, damaged files, restarts."""

import errno
import os
from pathlib import Path
from zlib import crc32

import pytest

from processor.io.exporter.disk_queue import segment
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.records import Record, encoded_bytes

_MIB = 1024 * 1024


def record(number, size=100):
    return Record("traces", b"%06d" % number + bytes(size - 6))


def number(each):
    return int(each.payload[:6])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "spool"


@pytest.fixture
def opened(folder):
    """Opens the folder; the one opened before lets go of it, as if its process had been killed."""
    held = []

    def again(**settings):
        while held:
            held.pop().close()
        disk_queue = DiskQueue(folder, **settings)
        held.append(disk_queue)
        disk_queue.open()
        return disk_queue

    yield again
    for disk_queue in held:
        disk_queue.close()


def drained(disk_queue, most=3):
    found = []
    while due := disk_queue.take(most, 10**9):
        found += map(number, due.records)
        disk_queue.finish(due)
    return found


def put(disk_queue, *numbers, size=100):
    assert disk_queue.append([record(each, size) for each in numbers]) == [None] * len(numbers)


def segments(folder, suffix=".spool"):
    return sorted(path for path in folder.iterdir() if path.suffix == suffix)


def test_first_in_first_out_across_segments_and_restarts(opened, folder):
    """Guarantees: everything that was kept comes out once and in order, and its files go."""
    disk_queue = opened(max_bytes=16 * 400)
    for each in range(20):
        put(disk_queue, each)
    assert len(segments(folder)) > 2
    due = disk_queue.take(7, 10**9)
    disk_queue.finish(due)
    disk_queue = opened(max_bytes=16 * 400)
    assert disk_queue.counters.found == disk_queue.waiting == 20 - len(due.records)
    put(disk_queue, 20)
    assert list(map(number, due.records)) + drained(disk_queue) == list(range(21))
    assert segments(folder) == []
    assert disk_queue.waiting == disk_queue.size_bytes == 0
    put(disk_queue, 21)
    assert drained(disk_queue) == [21]


def test_the_folder_appears_on_the_disk_with_all_its_parents(opened, folder, monkeypatch):
    """Guarantees: a power cut takes no folder away from under what was acknowledged."""
    synced = []
    real = os.fsync

    def note(descriptor):
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(segment.os, "fsync", note)
    disk_queue = opened()
    assert {str(folder.parent), str(folder.parent.parent)} <= set(synced)
    synced.clear()
    put(disk_queue, 1)
    (file,) = segments(folder)
    assert synced == [str(file), str(folder), str(file)]
    synced.clear()
    put(disk_queue, 2, 3, 4)
    assert synced == [str(file)], "those who come together share one sync"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_beyond_the_limit_nothing_is_kept_until_there_is_room(opened):
    """Guarantees: the folder is bounded, and what fits still goes in beside what does not."""
    size = encoded_bytes(record(0))
    disk_queue = opened(max_bytes=16 * 1000)
    accepted = 0
    while disk_queue.append([record(accepted)]) == [None]:
        accepted += 1
    assert accepted * size <= 16 * 1000 < (accepted + 8) * size
    assert disk_queue.size_bytes <= 16 * 1000
    assert disk_queue.counters.failed == 1
    due = disk_queue.take(accepted, 10**9)
    disk_queue.finish(due)
    assert len(due.records) < 12, "one segment, which is a small part of the whole"
    outcomes = disk_queue.append([record(1, 10**6), record(2)])
    assert isinstance(outcomes[0], OSError)
    assert outcomes[0].errno == errno.ENOSPC
    assert outcomes[1] is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("step", ["open", "pwritev", "fsync"])
def test_a_disk_that_fails_refuses_and_recovers(opened, folder, monkeypatch, code, step):
    """Guarantees: nothing is half kept, what was kept stays, and it goes on without a restart."""
    disk_queue = opened()
    put(disk_queue, 1)

    def fail(*_arguments):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(segment.os, step, fail)
        for _ in range(3):
            (outcome,) = disk_queue.append([record(2)])
            assert isinstance(outcome, OSError)
            assert outcome.errno == code
    assert len(segments(folder)) == 1
    put(disk_queue, 3)
    assert len(segments(folder)) == 2, "how much a failed sync has kept of the first is unknown"
    assert drained(opened()) == [1, 3]


def test_memory_that_is_short_refuses_and_recovers(opened, monkeypatch):
    """Guarantees: a record that cannot be handled is refused, not lost, and nothing ends."""
    disk_queue = opened()

    def fail(*_arguments):
        raise MemoryError

    with monkeypatch.context() as short:
        short.setattr(segment.os, "pwritev", fail)
        (outcome,) = disk_queue.append([record(1)])
        assert isinstance(outcome, OSError)
        assert outcome.errno == errno.ENOMEM
    put(disk_queue, 2)
    assert drained(disk_queue) == [2]


def test_what_was_sent_is_removed_on_a_full_disk_too(opened, folder, monkeypatch):
    """Guarantees: working the queue off needs no room, so it can end what filled the disk."""
    disk_queue = opened(max_bytes=16 * 300)
    for each in range(10):
        put(disk_queue, each)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as broken:
        broken.setattr(segment.os, "pwritev", full)
        broken.setattr(segment.os, "fsync", full)
        assert drained(disk_queue) == list(range(10))
    assert segments(folder) == []


def test_files_that_cannot_be_removed_are_tried_again(opened, folder, monkeypatch):
    """Guarantees: nothing that was sent stays for good, and nothing is sent twice meanwhile."""
    disk_queue = opened()
    put(disk_queue, 1)

    def fail(*_arguments, **_options):
        raise OSError(errno.EROFS, "read-only")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", fail)
        assert drained(disk_queue) == [1]
        assert len(segments(folder)) == 1
    assert drained(disk_queue) == []
    assert segments(folder) == []


def test_a_read_that_fails_for_now_is_reported_and_one_that_fails_for_good_is_skipped(
    opened, monkeypatch, folder
):
    """Guarantees: too few file descriptors cost nothing; a bad sector does not hold up the rest."""
    disk_queue = opened(max_bytes=16 * 300)
    put(disk_queue, 1, 2, 3, 4, 5)
    put(disk_queue, 6)
    first, _ = segments(folder)

    def fail(code):
        def read(*_arguments):
            raise OSError(code, os.strerror(code))

        return read

    with monkeypatch.context() as broken:
        broken.setattr(segment.os, "open", fail(errno.EMFILE))
        with pytest.raises(OSError, match="Too many open files"):
            disk_queue.take(10, 10**9)
    real = segment.load_segment(first).mark

    def bad_sector(path_mark):
        def find_pieces(_descriptor, mark, *rest):
            if mark == path_mark:
                raise OSError(errno.EIO, "bad sector")
            return real_find_pieces(_descriptor, mark, *rest)

        return find_pieces

    real_find_pieces = segment.find_pieces
    with monkeypatch.context() as broken:
        broken.setattr(segment, "find_pieces", bad_sector(real))
        assert drained(disk_queue) == [6]
    assert disk_queue.waiting == 5, "still there for the next start"
    assert drained(opened()) == [1, 2, 3, 4, 5]


def test_a_damaged_segment_is_kept_aside_and_read_as_far_as_it_goes(opened, folder):
    """Guarantees: it starts anyway; what is whole is sent once, the rest counted and left."""
    put(opened(), *range(10))
    (file,) = segments(folder)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    disk_queue = opened()
    found = drained(disk_queue)
    assert len(found) == 9
    assert disk_queue.counters.lost == 1
    assert disk_queue.counters.corrupt_segments == 1
    assert segments(folder) == []
    assert [path.stem for path in segments(folder, ".corrupt")] == [file.stem]
    disk_queue = opened()
    assert (drained(disk_queue), disk_queue.counters.lost, disk_queue.counters.found) == ([], 0, 0)


def test_a_damaged_segment_is_gone_on_with_after_a_restart(opened, folder):
    """Guarantees: kept aside or not, what it has is sent, and what was sent is not sent again."""
    put(opened(), *range(10))
    (file,) = segments(folder)
    data = bytearray(file.read_bytes())
    data[60] ^= 1
    file.write_bytes(data)
    disk_queue = opened()
    due = disk_queue.take(4, 10**9)
    disk_queue.finish(due)
    assert segments(folder) == []
    assert list(map(number, due.records)) == [1, 2, 3, 4]
    assert drained(opened()) == [5, 6, 7, 8, 9]


def test_damaged_segments_are_bounded(opened, folder):
    """Guarantees: a dying disk does not fill itself with what is kept aside."""
    for each in range(12):
        put(opened(), each)
        (file,) = segments(folder)
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
        assert drained(opened()) == []
    assert len(segments(folder, ".corrupt")) == 8


def test_files_that_are_no_segments_are_survived(opened, folder):
    """Guarantees: empty files, garbage, and files of others neither stop it nor are sent."""
    folder.mkdir(parents=True)
    (folder / "000000000001.spool").write_bytes(b"")
    (folder / "000000000002.spool").write_bytes(b"garbage" * 100)
    (folder / "000000000003.spool").mkdir()
    (folder / "notes.txt").write_text("mine")
    disk_queue = opened()
    put(disk_queue, 1)
    assert drained(disk_queue) == [1]
    assert (folder / "notes.txt").exists()
    assert not (folder / "000000000001.spool").exists()
    assert (folder / "000000000002.corrupt").exists()
    assert disk_queue.counters.lost == 1


def test_a_segment_of_another_version_is_left_alone(opened, folder, caplog):
    """Guarantees: going back to an older program loses nothing of a newer one, and says so."""
    put(opened(), 1)
    (file,) = segments(folder)
    data = file.read_bytes()
    head = data[:8] + (9).to_bytes(2, "big") + data[10:20]
    newer = head + crc32(head).to_bytes(4, "big") + data[24:]
    file.write_bytes(newer)
    disk_queue = opened()
    assert disk_queue.counters.other_version_segments == 1
    assert "format 9" in caplog.text
    put(disk_queue, 2)
    assert drained(disk_queue) == [2]
    assert file.read_bytes() == newer
    file.write_bytes(data)
    assert drained(opened()) == [1]


def test_only_one_process_has_the_folder(opened, folder):
    """Guarantees: two do not send the same things twice, or write over each other."""
    opened()
    other = DiskQueue(folder)
    with pytest.raises(BlockingIOError):
        other.open()
    other.close()
