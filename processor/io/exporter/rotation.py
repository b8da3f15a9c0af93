"""One growing file of lines, rotated by size. What `append` has returned from is on the disk.

    traces.jsonl      being written
    traces.1.jsonl    the one before
    traces.2.jsonl    older; the oldest is removed when there are too many

Plain blocking code for a worker thread; only one process may write in a directory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_SEARCH_BYTES = 64 * 1024


class RotatingFile:
    """`max_files` counts the one being written; each is over `max_bytes` by one append at most."""

    def __init__(self, directory: Path, stem: str, *, max_bytes: int, max_files: int) -> None:
        self.path = directory / f"{stem}.jsonl"
        self.removed = 0
        """How many files were removed to make room."""
        self.repaired_bytes = 0
        """How many bytes of an unfinished last line were cut off."""
        self._directory = directory
        self._stem = stem
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._descriptor: int | None = None
        self._size = 0
        self._is_torn = False

    def append(self, lines: Sequence[bytes]) -> None:
        """Write whole lines and wait until they are on the disk: all of them, or none.

        Raises OSError; the file is then as before, or will be before the next line is written.
        """
        text = b"".join(lines)
        descriptor = self._ready(len(text))
        self._is_torn = True
        try:
            _write_all(descriptor, text)
            os.fsync(descriptor)
        except OSError:
            self._repair()
            raise
        self._is_torn = False
        self._size += len(text)

    def open(self) -> int:
        """Open the file, creating it or cutting off a last line that a crash left unfinished.

        Returns its descriptor. Raises OSError.
        """
        is_new = not self.path.exists()
        # Spans can hold prompts and answers: only their owner may read them.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            whole = _whole_lines(descriptor, size)
            if whole != size:
                os.ftruncate(descriptor, whole)
                os.fsync(descriptor)
                self.repaired_bytes += size - whole
            if is_new:
                self._sync_directory()
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._size = descriptor, whole
        return descriptor

    def close(self) -> None:
        """Close the file; everything in it is on the disk already."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _ready(self, size: int) -> int:
        """The open file, free of torn lines and with room for `size` bytes."""
        if self._is_torn:
            self._repair()
        if self._is_torn:
            raise OSError("a torn line could not be cut off")
        descriptor = self.open() if self._descriptor is None else self._descriptor
        if self._size and self._size + size > self._max_bytes:
            self._rotate()
            descriptor = self.open()
        return descriptor

    def _repair(self) -> None:
        """Cut off what a failed write may have left; a failing disk may refuse even that."""
        if self._descriptor is None:
            self._is_torn = False
            return
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            return
        self._is_torn = False

    def _rotate(self) -> None:
        self.close()
        oldest = self._numbered(self._max_files - 1)
        if oldest.exists():
            oldest.unlink()
            self.removed += 1
        for number in range(self._max_files - 2, -1, -1):
            if self._numbered(number).exists():
                self._numbered(number).rename(self._numbered(number + 1))
        self._sync_directory()

    def _numbered(self, number: int) -> Path:
        name = f"{self._stem}.{number}.jsonl" if number else f"{self._stem}.jsonl"
        return self._directory / name

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _whole_lines(descriptor: int, size: int) -> int:
    """The size of the file without an unfinished last line, searched for from the end."""
    end = size
    while end > 0:
        start = max(0, end - _SEARCH_BYTES)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
