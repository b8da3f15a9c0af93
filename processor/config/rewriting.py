"""An operator's file is replaced by its changed text: all of it or nothing, and never unseen work.

The new text is on the disk under another name in the same folder before it takes the file's name.
"""

from __future__ import annotations

import codecs
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from processor.config.load import read_text
from processor.core.errors import ProcessorError

_ANY_WRITES: Final = 0o222
_CONFIG_MAP_FOLDER: Final = "..data"
"""The symbolic link by which Kubernetes swaps all files of a mounted ConfigMap at once."""


class FileNotWritableError(ProcessorError):
    """A file that must not or cannot be replaced from here; the message says why."""


class FileChangedError(ProcessorError):
    """Somebody else has changed the file since it was read; nothing was written."""


@dataclass(frozen=True)
class OriginalFile:
    """A file as it was read, to be replaced."""

    path: Path
    """As it was named; a symbolic link stays one."""
    text: str
    """Without a byte order mark; line ends as they are."""
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> OriginalFile:
        """Read a file. Raises ConfigError."""
        text = read_text(path)
        content = path.read_bytes()
        if content.decode("utf-8-sig", errors="replace") != text:
            raise _changed(path)
        return cls(path, text, content)

    def replace(self, text: str) -> None:
        """Put `text` in its place, with the same owner, mode and attributes.

        Raises FileNotWritableError, and FileChangedError where the file is another one by now.
        """
        mark = codecs.BOM_UTF8 if self.content.startswith(codecs.BOM_UTF8) else b""
        target = _target(self.path)
        with _errors_explained(self.path), _locked(target.parent):
            with _written(target, mark + text.encode()) as (new, descriptor):
                _like(target, new, descriptor)
                if target.read_bytes() != self.content or _target(self.path) != target:
                    raise _changed(self.path)
                new.replace(target)
            _sync_folder(target.parent)


def create_file(path: Path, text: str) -> None:
    """Write a new file. Raises FileChangedError where one is there, and FileNotWritableError."""
    with _errors_explained(path):
        with _written(path, text.encode()) as (new, descriptor):
            os.fchmod(descriptor, 0o666 & ~_umask())
            try:
                os.link(new, path)
            except FileExistsError:
                raise FileChangedError(f"{path} is there already; nothing was written") from None
        _sync_folder(path.parent)


def _target(path: Path) -> Path:
    """The file that a path leads to. Raises FileNotWritableError for one that is not to change."""
    with _errors_explained(path):
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    if (path.parent / _CONFIG_MAP_FOLDER).is_symlink():
        why = "it is of a mounted ConfigMap, which would replace it; change that one"
        raise FileNotWritableError(f"{path} cannot be written: {why}")
    if not mode & _ANY_WRITES or not os.access(target, os.W_OK):
        raise FileNotWritableError(f"{path} cannot be written: it is read-only")
    return target


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One command at a time; where the file system has no locks, the comparison has to do."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _written(target: Path, content: bytes) -> Iterator[tuple[Path, int]]:
    """A file beside `target` with this content on the disk, which is removed afterwards."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            yield new, file.fileno()
    finally:
        new.unlink(missing_ok=True)


def _like(target: Path, new: Path, descriptor: int) -> None:
    """Give the new file the owner, mode and attributes of the old one, and today's time."""
    old, own = target.stat(), os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (own.st_uid, own.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    shutil.copystat(target, new)
    os.utime(descriptor)
    os.fsync(descriptor)


@contextmanager
def _errors_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in {errno.EBUSY, errno.EXDEV}:
            why = "it is mounted by itself; mount its folder, or change it outside"
        raise FileNotWritableError(f"{path} cannot be written: {why}") from error


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too, where folders can be synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _changed(path: Path) -> ProcessorError:
    return FileChangedError(f"{path} was changed by somebody else meanwhile; nothing was written")
