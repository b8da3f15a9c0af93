"""One file of records: crashes, damage, and what is read in spite of them."""

import errno
import os
from zlib import crc32

import pytest

from processor.io.exporter.disk_queue import records, segment
from processor.io.exporter.disk_queue.records import RECORD_BYTES, START, Record
from processor.io.exporter.disk_queue.segment import OtherVersionError, create_segment, load_segment

MARK = b"\x81mark\x00\xffk"
MANY = 1000, 10**9


def record(number, size=20):
    return Record("traces", b"%04d" % number + b"x" * (size - 4))


def numbers(taken):
    return [int(each.payload[:4]) for each in taken.records]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "1.spool"


@pytest.fixture
def five(path):
    """A file of five records, and where each begins."""
    made = create_segment(path, MARK)
    starts = []
    for number in range(5):
        starts.append(made.end)
        made.append([record(number)])
    return [*starts, made.end]


def test_what_was_appended_is_taken_in_order(path):
    """Guarantees: first in, first out, in bites of the size asked for, also after a restart."""
    made = create_segment(path, MARK)
    made.append([record(0), record(1)])
    made.append([record(2)])
    for each in (made, load_segment(path)):
        assert each.waiting == 3
        assert numbers(each.take(2, 10**9)) == [0, 1]
        assert numbers(each.take(3, 1)) == [0], "one is always taken, however large"
        assert numbers(each.take(*MANY)) == [0, 1, 2]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("five")
def test_what_was_dealt_with_is_not_taken_again(path):
    """Guarantees: the cursor is in the file, so that a killed process repeats nothing of it."""
    loaded = load_segment(path)
    loaded.advance(loaded.take(3, 10**9))
    for each in (loaded, load_segment(path)):
        assert each.waiting == 2
        assert numbers(each.take(*MANY)) == [3, 4]
        assert not each.is_spent
    loaded.advance(loaded.take(*MANY))
    assert load_segment(path).is_spent


def test_a_file_cut_off_anywhere_keeps_what_is_whole(path, five):
    """Guarantees: a torn end is an unfinished write, not damage, at each of its bytes."""
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        loaded = load_segment(path)
        whole = sum(end <= size for end in five[1:])
        assert numbers(loaded.take(*MANY)) == list(range(whole)) if whole else loaded.is_spent
        assert not loaded.is_damaged
        assert loaded.waiting == whole


@pytest.mark.usefixtures("five")
def test_zeros_at_the_end_are_an_unfinished_write(path):
    """Guarantees: what a power cut leaves behind a file's last sync is passed over."""
    path.write_bytes(path.read_bytes() + bytes(3_000_000))
    loaded = load_segment(path)
    assert loaded.torn_bytes == 3_000_000
    assert not loaded.is_damaged
    assert numbers(loaded.take(*MANY)) == [0, 1, 2, 3, 4]


def test_any_flipped_byte_costs_one_record_at_most(path, five):
    """Guarantees: the others are found behind it, the loss is counted, and nothing is made up."""
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        path.write_bytes(damaged)
        loaded = load_segment(path)
        taken = loaded.take(*MANY)
        hit = [row for row in range(5) if five[row] <= at < five[row + 1]]
        assert numbers(taken) == [row for row in range(5) if row not in hit], at
        assert taken.lost == len(hit), at
        loaded.advance(taken)
        assert loaded.is_spent


def test_damage_in_many_places_is_counted_by_the_numbers_that_are_missing(path, five):
    """Guarantees: as many as are gone between two that are left."""
    data = bytearray(path.read_bytes())
    for row in (0, 1, 3):
        data[five[row]] ^= 1
    path.write_bytes(data)
    loaded = load_segment(path)
    assert loaded.is_damaged
    first = loaded.take(1, 10**9)
    assert (numbers(first), first.lost) == ([2], 2)
    loaded.advance(first)
    rest = load_segment(path).take(*MANY)
    assert (numbers(rest), rest.lost) == ([4], 1)


def test_the_next_record_is_found_across_pieces_of_a_search(path, monkeypatch):
    """Guarantees: a mark on the border of two reads, or one that is no record, is no obstacle."""
    made = create_segment(path, MARK)
    made.append([record(0), Record("traces", b"y" * 30 + MARK + b"z" * 30), record(2)])
    data = bytearray(path.read_bytes())
    data[START + RECORD_BYTES + 20] ^= 1
    path.write_bytes(data)
    for size in range(8, 60):
        monkeypatch.setattr(records, "_SEARCH_BYTES", size)
        taken = load_segment(path).take(*MANY)
        assert taken.lost == 1
        assert taken.records[-1] == record(2)


@pytest.mark.usefixtures("five")
def test_a_file_of_another_version_is_known_for_what_it_is(path):
    """Guarantees: the head of every version is read, and its content is not guessed at."""
    data = path.read_bytes()
    head = segment.read_start(data)
    assert head == (2, MARK)
    path.write_bytes(_with_version(data, 3))
    with pytest.raises(OtherVersionError, match="format 3"):
        load_segment(path)


def _with_version(data, version):
    head = data[:8] + version.to_bytes(2, "big") + data[10:20]
    return head + crc32(head).to_bytes(4, "big") + data[24:]


@pytest.mark.parametrize("step", ["pwritev", "fsync"])
def test_a_write_that_fails_leaves_what_was_there(path, five, monkeypatch, step):
    """Guarantees: all of it or none, and what was refused does not appear after a restart."""
    loaded = load_segment(path)
    real = os.pwritev

    def fail(descriptor, *rest):
        if step == "pwritev" and len(rest[0]) > 1:
            return real(descriptor, rest[0][:1], rest[1])
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(segment.os, step, fail)
    with pytest.raises(OSError, match="no space"):
        loaded.append([record(8), record(9)])
    monkeypatch.undo()
    assert (loaded.end, loaded.waiting) == (five[-1], 5)
    assert numbers(load_segment(path).take(*MANY)) == [0, 1, 2, 3, 4]


def test_writes_that_come_back_short_are_gone_on_with(path, monkeypatch):
    """Guarantees: every byte is written, in whatever portions the system takes them."""
    real = os.pwritev

    def short(descriptor, pieces, at):
        return real(descriptor, [bytes(pieces[0][:3])], at)

    monkeypatch.setattr(segment.os, "pwritev", short)
    made = create_segment(path, MARK)
    made.append([record(0), Record("logs", b""), record(2)])
    monkeypatch.undo()
    assert [each.payload[:4] for each in load_segment(path).take(*MANY).records] == [
        b"0000", b"", b"0002",
    ]  # fmt: skip


def test_a_file_that_is_cut_off_while_in_use_is_given_up(path, five):
    """Guarantees: the records that are gone are counted, and nothing waits for them for ever."""
    loaded = load_segment(path)
    os.truncate(path, five[3])
    taken = loaded.take(*MANY)
    assert numbers(taken) == [0, 1, 2]
    loaded.advance(taken)
    taken = loaded.take(*MANY)
    assert (list(taken.records), taken.lost) == ([], 2)
    loaded.advance(taken)
    assert loaded.is_spent


def test_a_file_that_could_not_be_made_leaves_nothing(path, monkeypatch):
    """Guarantees: a full disk is not littered with beginnings."""

    def fail(_descriptor):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(segment.os, "fsync", fail)
    with pytest.raises(OSError, match="broken"):
        create_segment(path, MARK)
    assert not path.exists()
