"""The file of lines: whole lines only, on the disk when `append` returns, bounded in size."""

import errno
import os
from pathlib import Path

import pytest

from processor.io.exporter.rotation import RotatingFile


def file_in(folder, **settings):
    settings = {"max_bytes": 1_000_000, "max_files": 3, **settings}
    return RotatingFile(folder, "traces", **settings)


@pytest.fixture
def file(tmp_path):
    file = file_in(tmp_path)
    yield file
    file.close()


def fail(*_arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_lines_are_appended_in_order(file):
    file.append([b"a\n", b"b\n"])
    file.append([b"c\n"])
    assert file.path.read_bytes() == b"a\nb\nc\n"


def test_only_the_owner_may_read(file):
    file.append([b"a\n"])
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_append_returns_after_the_sync(file, monkeypatch):
    file.append([b"a\n"])
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(file.path.read_bytes()))
    file.append([b"b\n"])
    assert synced == [b"a\nb\n"]


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"", b""),
        (b"a\n", b"a\n"),
        (b"a\nb", b"a\n"),
        (b"torn", b""),
        (b"a\n" + b"x" * 200_000, b"a\n"),
        (b"y" * 70_000 + b"\n" + b"x" * 70_000, b"y" * 70_000 + b"\n"),
    ],
)
def test_an_unfinished_line_is_cut_off_at_start(file, left, kept):
    file.path.write_bytes(left)
    file.open()
    assert file.path.read_bytes() == kept
    assert file.repaired_bytes == len(left) - len(kept)
    file.append([b"new\n"])
    assert file.path.read_bytes() == kept + b"new\n"


def test_a_full_file_becomes_number_one_and_the_oldest_goes(tmp_path):
    file = file_in(tmp_path, max_bytes=10)
    for letter in b"abcde":
        file.append([bytes([letter]) * 7 + b"\n"])
    file.close()
    texts = {path.name: path.read_bytes()[:1] for path in tmp_path.iterdir()}
    assert texts == {"traces.jsonl": b"e", "traces.1.jsonl": b"d", "traces.2.jsonl": b"c"}
    assert file.removed == 2


def test_lines_longer_than_a_file_still_get_one(tmp_path):
    file = file_in(tmp_path, max_bytes=10)
    file.append([b"x" * 100 + b"\n"])
    file.append([b"y" * 100 + b"\n"])
    file.close()
    assert file.path.read_bytes() == b"y" * 100 + b"\n"
    assert file.removed == 0


def test_the_size_is_known_again_after_a_restart(tmp_path):
    first = file_in(tmp_path, max_bytes=10)
    first.append([b"aaaaaaa\n"])
    first.close()
    second = file_in(tmp_path, max_bytes=10)
    second.append([b"bbbbbbb\n"])
    second.close()
    assert second.path.read_bytes() == b"bbbbbbb\n"
    assert (tmp_path / "traces.1.jsonl").exists()


def test_a_write_that_fails_half_way_leaves_nothing_behind(file, monkeypatch):
    file.append([b"a\n"])
    write = os.write

    def tear(descriptor, data):
        if len(data) < 4:
            fail()
        return write(descriptor, data[:2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", tear)
        with pytest.raises(OSError, match="No space"):
            file.append([b"bcd\n"])
    assert file.path.read_bytes() == b"a\n"
    file.append([b"e\n"])
    assert file.path.read_bytes() == b"a\ne\n"


def test_a_sync_that_fails_takes_the_line_back(file, monkeypatch):
    # The sender is asked to send it again: left in the file it would be there twice.
    file.append([b"a\n"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            file.append([b"b\n"])
    assert file.path.read_bytes() == b"a\n"


def test_nothing_is_written_behind_a_torn_line(file, monkeypatch):
    file.append([b"a\n"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        patch.setattr(os, "ftruncate", fail)
        for _ in range(2):
            with pytest.raises(OSError, match=r"No space|torn"):
                file.append([b"b\n"])
    assert file.path.read_bytes() == b"a\nb\n"
    file.append([b"c\n"])
    assert file.path.read_bytes() == b"a\nc\n"


def test_a_rotation_that_fails_is_tried_again(tmp_path, monkeypatch):
    file = file_in(tmp_path, max_bytes=10)
    file.append([b"aaaaaaa\n"])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="No space"):
            file.append([b"bbbbbbb\n"])
    file.append([b"bbbbbbb\n"])
    file.close()
    written = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert written == b"aaaaaaa\nbbbbbbb\n"


def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path, monkeypatch):
    file = file_in(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        with pytest.raises(OSError, match="No space"):
            file.append([b"a\n"])
    file.append([b"a\n"])
    file.close()
    assert file.path.read_bytes() == b"a\n"
