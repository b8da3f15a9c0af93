"""The process that writes what is due of one export: its task on stdin, a line for each file out.

It gives way to the processor: it has little of a busy core, and is the first to end where memory
is used up. Why it failed is on stderr.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from processor.app.exports.task import ExportTask
from processor.app.exports.writing import FolderExport
from processor.core.errors import ConfigError, ExportFailedError, Problem, ProcessorError
from processor.core.model import NS_PER_S
from processor.io.datasets import DatasetFolder, has_parquet
from processor.io.ledger import SqliteReader
from processor.surfaces.exports import ExportQueries, Period

_NICENESS: Final = 10
"""A tenth of what a usual process has of a busy core."""
_FIRST_TO_END: Final = "1000"
_PAUSE_TIMES: Final = 1.0
"""So many times as long as some rows took nothing is done after them."""
_TIME_LIMIT_S: Final = 120.0
"""Of a slice, which takes 0.2 s where nothing else runs."""


def main() -> int:
    """Do what stdin asks for; returns the exit code."""
    with suppress(OSError):  # A sandbox may not let it.
        os.nice(_NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_END, encoding="ascii")
    signal.signal(signal.SIGTERM, _interrupt)
    task = ExportTask.read(sys.stdin.read())
    try:
        asyncio.run(write_due(task, _say))
    except ProcessorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


async def write_due(task: ExportTask, say: Callable[[str], None]) -> None:
    """Write the files that are missing, and those whose calls have changed.

    Raises ConfigError, ExportFailedError, LedgerUnavailableError.
    """
    if task.format == "parquet" and not has_parquet():
        what = "parquet needs pyarrow, which is missing"
        fix = "install it where the processor runs: pip install pyarrow"
        raise ConfigError([Problem(f"exports.{task.name}.format", what, fix)])
    reader = SqliteReader(Path(task.ledger), threads=1, time_limit_s=_TIME_LIMIT_S)
    try:
        queries = ExportQueries(lambda: task.policy, reader, lambda: int(task.now_s * NS_PER_S))
        asked = await queries.check_finished(task.asked(), int(task.until_s), task.look_back)
        folder = DatasetFolder(Path(task.folder))
        with folder.opened():
            export = FolderExport(
                queries, asked, folder, task.format,
                where=f"exports.{task.name}.folder", unpriced="llm-cost unpriced", pause=_Pauses(),
            )  # fmt: skip
            failures = []
            for period in asked.periods:
                entry = export.entry_of(period)
                if entry is None or await queries.has_changed(asked, period, entry):
                    failures += await _write(export, period, say)
        if failures:
            raise ExportFailedError("; ".join(failures))
    finally:
        await reader.close()


async def _write(export: FolderExport, period: Period, say: Callable[[str], None]) -> list[str]:
    """Write a file; why that failed, where it is no reason not to write the others."""
    try:
        outcome = await export.write(period)
    except ExportFailedError as error:
        return [str(error)]
    if outcome.is_new:
        say(outcome.describe())
    if outcome.entry["is_consistent"]:
        return []
    return [f"{outcome.entry['name']} may lack calls that were charged while it was read"]


class _Pauses:
    """Pauses between rows: as long as those before took, also where that was waiting for a core."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()

    async def __call__(self) -> None:
        await asyncio.sleep(_PAUSE_TIMES * (time.monotonic() - self._since_s))
        self._since_s = time.monotonic()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
