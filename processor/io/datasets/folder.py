"""A folder of files for other programs, which one process writes at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, cast

from processor.core.columns import Column, Value
from processor.core.errors import ExportFailedError
from processor.io.datasets.csv_rows import CsvRows
from processor.io.datasets.parquet import ParquetRows

Format = Literal["csv", "csv.gz", "parquet"]
_READ_BYTES: Final = 1 << 20
_UNSYNCED_BYTES: Final = 4 << 20
"""So much at most waits to be written by the disk: who syncs another file then, such as the log of
the ledger, would wait for all of it."""


class Written(NamedTuple):
    """A file as it is once it is written."""

    rows: int
    size_bytes: int
    sha256: str
    """In hex."""


class DatasetFolder:
    """A folder whose files get their names when they are whole and on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make the folder where it is missing, and keep others from writing there.

        Within it an OSError is an ExportFailedError, as is a folder that somebody else writes to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _lock(descriptor, self.path)
                yield
            finally:
                os.close(descriptor)
        except BrokenPipeError:
            raise  # Nobody reads what is printed meanwhile.
        except OSError as error:
            what = f"cannot be written: {error.strerror or error}"
            raise ExportFailedError(f"{error.filename or self.path}: {what}") from error

    @contextmanager
    def partial(self, name: str, columns: Sequence[Column], form: Format) -> Iterator[PartialFile]:
        """A new file beside the one of that name; it is gone afterwards unless it was kept."""
        path = self.path / f".{name}.partial"
        with path.open("wb") as file:
            made = PartialFile(self.path / name, path, cast("BinaryIO", file), columns, form)
            try:
                yield made
            finally:
                with suppress(OSError):
                    made.close()
                with suppress(OSError):
                    path.unlink()

    def read_text(self, name: str) -> str | None:
        """What stands in a file, as far as it is text; None where it is not there."""
        try:
            return (self.path / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write_text(self, name: str, text: str) -> None:
        """Write a file that is replaced as a whole, unless it says the same already."""
        if self.read_text(name) == text:
            return
        path = self.path / f".{name}.partial"
        with path.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.replace(self.path / name)
        _sync(self.path)


class PartialFile:
    """A file that is being written."""

    def __init__(
        self, path: Path, partial: Path, file: BinaryIO, columns: Sequence[Column], form: Format
    ) -> None:
        self._path, self._partial, self._file = path, partial, file
        self._digest = _Digest(file)
        target = cast("BinaryIO", self._digest)
        self._rows: CsvRows | ParquetRows
        if form == "parquet":
            self._rows = ParquetRows(target, columns)
        else:
            self._rows = CsvRows(target, columns, is_packed=form == "csv.gz")
        self._count = self._synced_bytes = 0
        self._is_closed = False

    def write(self, rows: Sequence[Sequence[Value]]) -> None:
        """Write some rows."""
        self._rows.write(rows)
        self._count += len(rows)
        if self._digest.size_bytes - self._synced_bytes > _UNSYNCED_BYTES:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._synced_bytes = self._digest.size_bytes

    def finish(self) -> Written:
        """Write what is left."""
        self.close()
        self._file.flush()
        return Written(self._count, self._digest.size_bytes, self._digest.sha256.hexdigest())

    def close(self) -> None:
        """End the rows, so that nothing is written once the file is closed."""
        if not self._is_closed:
            self._is_closed = True
            self._rows.close()

    def keep(self, written: Written) -> bool:
        """Give it its name; False where a file with these very bytes has it already."""
        if _is_same(self._path, written):
            return False
        os.fsync(self._file.fileno())
        self._partial.replace(self._path)
        _sync(self._path.parent)
        return True


class _Digest(RawIOBase):
    """Passes bytes on to a file, and remembers what they were."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Iterable[int] | bytes) -> int:  # type: ignore[override] # what is written is bytes
        octets = memoryview(cast("bytes", data))
        self._file.write(octets)
        self.sha256.update(octets)
        self.size_bytes += octets.nbytes
        return octets.nbytes

    def tell(self) -> int:
        return self.size_bytes


def _is_same(path: Path, written: Written) -> bool:
    try:
        if path.stat().st_size != written.size_bytes:
            return False
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while octets := file.read(_READ_BYTES):
                digest.update(octets)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == written.sha256


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"{path} is being written by another export (wait for its end)"
        raise ExportFailedError(message) from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
