"""Delivery into files of OTLP/JSON lines, for users who have no backend yet.

Each signal has its file. Payloads that wait at the same time are written together and share one
sync; a payload is delivered when its line is on the disk.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from processor.core.errors import BackendUnavailableError, ConfigError, Problem
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.json_writer import encode_line
from processor.io.exporter.destination import Counters
from processor.io.exporter.outage_log import OutageLog
from processor.io.exporter.rotation import RotatingFile

_log = logging.getLogger(__name__)

_SETTING = "exporters.file.path"
_MIB = 1024 * 1024
_GROUP_LIMIT_BYTES: Final = 8 * _MIB
_DELAY_S: Final = 5.0
_SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)


@dataclass(slots=True)
class _Waiting:
    signal: Signal
    payload: bytes
    done: asyncio.Future[Receipt]


class FileDestination:
    """A directory of rotated files, as a `Destination`."""

    def __init__(
        self, directory: Path, *, max_file_bytes: int = 100 * _MIB, max_files: int = 10
    ) -> None:
        """Each signal has up to `max_files` files (at least 2) of about `max_file_bytes`."""
        self.name = str(directory)
        self.counters = Counters()
        self._directory = directory
        self._files = {
            signal: RotatingFile(
                directory, signal, max_bytes=max_file_bytes, max_files=max(2, max_files)
            )
            for signal in _SIGNALS
        }
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="otlp-file")
        self._writer: asyncio.Task[None] | None = None
        self._lock: int | None = None
        self._outages = OutageLog()

    @property
    def removed_files(self) -> int:
        """How many old files were removed to stay within `max_files`."""
        return sum(file.removed for file in self._files.values())

    def takes(self, signal: Signal) -> bool:
        """Each signal has its file."""
        return signal in self._files

    async def start(self) -> None:
        """Open the files and repair what a crash left. Raises ConfigError."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._open)
        except OSError as error:
            self._close()
            what = f"{self._directory} cannot be written: {error.strerror}"
            problem = Problem(_SETTING, what, "choose a directory that this user may write to")
            raise ConfigError([problem]) from error
        self._writer = asyncio.ensure_future(self._write_groups())

    async def deliver(
        self,
        signal: Signal,
        payload: bytes,
        timeout_s: float | None,  # noqa: ARG002 - a disk has no time limit
        metadata: Metadata = (),  # noqa: ARG002 - it is for backends only
    ) -> Receipt:
        """Return when the payload's line is on the disk; see `Destination`."""
        with self.counters.follow(len(payload)):
            if self._writer is None:
                raise BackendUnavailableError(f"{self.name}: the processor is stopping")
            if not payload:
                return Receipt()
            waiting = _Waiting(signal, payload, asyncio.get_running_loop().create_future())
            self._waiting.append(waiting)
            self._wake.set()
            try:
                return await waiting.done
            finally:
                # An error that it holds would keep this frame, and this frame would keep it.
                del waiting

    async def close(self) -> None:
        """Write what still waits, then close the files."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._wake.set()
            await writer
        self._close()
        self._thread.shutdown()

    async def _write_groups(self) -> None:
        """Write group after group until `close`; those that arrive meanwhile form the next one."""
        loop = asyncio.get_running_loop()
        while self._writer is not None or self._waiting:
            if not self._waiting:
                await self._wake.wait()
            self._wake.clear()
            group = self._take_group()
            if group:
                outcomes = await loop.run_in_executor(self._thread, self._write, group)
                for waiting, outcome in zip(group, outcomes, strict=True):
                    self._log_outcome(waiting.signal, outcome)
                    _resolve(waiting, outcome)
                del group, waiting, outcome, outcomes  # They need no memory until the next group.

    def _take_group(self) -> list[_Waiting]:
        """The longest-waiting payloads, up to a size that bounds memory and latency."""
        size = count = 0
        for waiting in self._waiting:
            size += len(waiting.payload)
            if count and size > _GROUP_LIMIT_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    def _write(self, group: Sequence[_Waiting]) -> list[Exception | None]:
        """In the worker thread: encode and write a group; None for each payload that is safe."""
        outcomes: list[Exception | None] = [None] * len(group)
        lines: dict[Signal, list[tuple[int, bytes]]] = {}
        for row, waiting in enumerate(group):
            try:
                line = encode_line(waiting.signal, waiting.payload)
            except Exception as error:  # noqa: BLE001 - one payload must not fail the others
                outcomes[row] = error
            else:
                lines.setdefault(waiting.signal, []).append((row, line))
        for signal, rows in lines.items():
            failure = self._append(self._files[signal], [line for _, line in rows])
            for row, _ in rows:
                outcomes[row] = failure
        return outcomes

    def _append(self, file: RotatingFile, lines: list[bytes]) -> Exception | None:
        try:
            file.append(lines)
        except OSError as error:
            message = f"{file.path} cannot be written: {error.strerror or error}"
            return BackendUnavailableError(message, _DELAY_S)
        return None

    def _log_outcome(self, signal: Signal, outcome: Exception | None) -> None:
        if isinstance(outcome, BackendUnavailableError):
            what = "%s; senders are asked to try again"
            self._outages.fail(signal, what, outcome, level=logging.ERROR)
        elif outcome is None:
            self._outages.succeed(signal, "%s can be written again", self._files[signal].path)

    def _open(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = f"another process writes to {self._directory}"
            raise ConfigError([Problem(_SETTING, what, "give each its own directory")]) from error
        for file in self._files.values():
            file.open()
            if file.repaired_bytes:
                _log.warning(
                    "%s: cut off %d bytes of an unfinished line", file.path, file.repaired_bytes
                )

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _resolve(waiting: _Waiting, outcome: Exception | None) -> None:
    if waiting.done.done():  # its caller was cancelled
        return
    if outcome is None:
        waiting.done.set_result(Receipt())
    else:
        waiting.done.set_exception(outcome)
