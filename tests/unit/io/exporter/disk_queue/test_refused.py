"""The folder of refused requests is bounded by what it takes on the disk, in bytes and in files."""

from __future__ import annotations

import errno
import os

import pytest

from processor.io.exporter.disk_queue import refused
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.disk_queue.refused import RefusedFolder, refused_requests

SMALL = Record("traces", b"x" * 75, ())


def settled(folder):
    """Make the last change of a folder long enough ago to be trusted."""
    os.utime(folder.directory, (1_000_000, 1_000_000))


def filled(folder):
    """How many small requests fit."""
    for count in range(1000):
        try:
            folder.keep(SMALL, "no" * 500)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return count
    raise AssertionError("nothing bounds the folder")


def test_small_requests_count_with_their_notes_and_whole_blocks(tmp_path):
    folder = RefusedFolder(tmp_path / "refused", 1024 * 1024)
    assert filled(folder) == 128
    blocks = sum(each.stat().st_blocks for each in folder.directory.iterdir())
    assert blocks * 512 <= folder.size_bytes == 1024 * 1024


def test_a_later_run_counts_the_same(tmp_path):
    folder = RefusedFolder(tmp_path / "refused", 1024 * 1024)
    folder.keep(SMALL, "no")
    folder.keep(Record("logs", b"x" * 10_000, ()), "no" * 3000)
    later = RefusedFolder(folder.directory, 1024 * 1024)
    later.count()
    assert (later.requests, later.size_bytes) == (2, folder.size_bytes) == (2, 28 * 1024)


def test_what_is_removed_makes_room(tmp_path):
    folder = RefusedFolder(tmp_path / "refused", 5 * 8192)
    assert filled(folder) == 5
    next(refused_requests(folder.directory)).remove()
    assert filled(folder) == 1
    for each in refused_requests(folder.directory):
        each.remove()
    folder.directory.rmdir()
    assert filled(folder) == 5


def test_a_full_folder_is_listed_once_until_it_changes(tmp_path, monkeypatch):
    folder = RefusedFolder(tmp_path / "refused", 5 * 8192)
    filled(folder)
    settled(folder)
    listed = []
    monkeypatch.setattr(
        refused.os, "scandir", lambda path, list_=os.scandir: (listed.append(path), list_(path))[1]
    )
    for _ in range(20):
        assert filled(folder) == 0
    assert len(listed) == 1


def test_the_number_of_files_is_bounded_in_a_large_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(refused, "_REQUESTS_MAX", 10)
    folder = RefusedFolder(tmp_path / "refused", 2**40)
    assert filled(folder) == 10
    with pytest.raises(OSError, match="holds all of its 10 requests"):
        folder.keep(SMALL, "no")
