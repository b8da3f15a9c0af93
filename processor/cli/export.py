"""``llm-cost export``: calls and what they used as files for other programs."""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from processor.app.exports.writing import FolderExport
from processor.cli.asked import dimensions_asked, period_asked
from processor.cli.invocation import install_command, repeated
from processor.cli.moments import read_moment
from processor.cli.sources import budgets_from, settings_from
from processor.config import Settings
from processor.core.budgets import Policy
from processor.core.errors import ConfigError, InvalidQuestionError, Problem
from processor.core.model import NS_PER_S
from processor.core.wording import counted
from processor.io.datasets import DatasetFolder, has_parquet
from processor.io.ledger import SqliteReader, examine_file
from processor.surfaces.exports import CheckedExport, ExportQueries, ExportRequest
from processor.surfaces.queries import TimeRange, check_zone, listed_values
from processor.surfaces.terminal.output import show_progress
from processor.surfaces.terminal.paint import plain

_FLAGS: Final = {
    "window": "--period",
    "start": "--since",
    "end": "--until",
    "time_zone": "--time-zone",
    "grain": "--grain",
    "every": "--every",
    "filters": "--filter",
}


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and print which. Raises ConfigError, ExportFailedError, LedgerUnavailable.

    A file that could not be read of one moment is named, and the exit code is 1.
    """
    if arguments.format == "parquet" and not has_parquet():
        fix = f"install it: {install_command('export')}"
        raise ConfigError([Problem("--format", "parquet needs pyarrow, which is missing", fix)])
    settings = settings_from(arguments)
    policy = budgets_from(settings.budgets.file, settings.dimension_names)
    # What ends a container or a unit must not leave half a file.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return asyncio.run(_run(arguments, settings, policy))
    finally:
        show_progress("")


async def _run(arguments: argparse.Namespace, settings: Settings, policy: Policy) -> int:
    path = Path(arguments.ledger or settings.ledger.path)
    if not examine_file(path):
        flag, fix = ("--ledger", "name another file")
        if not arguments.ledger:
            flag, fix = ("--data-dir", "name the ledger's folder with --data-dir")
        raise ConfigError([Problem(flag, f"there is no ledger at {path}", fix)])
    reader = SqliteReader(path)
    try:
        queries = ExportQueries(lambda: policy, reader)
        with _by_flags():
            asked = await queries.check(_request(arguments, policy))
        print(plain(f"Read from the ledger at {path}"))
        folder = DatasetFolder(Path(arguments.out))
        with folder.opened():
            export = FolderExport(
                queries, asked, folder, arguments.format, where="--out",
                unpriced=repeated("unpriced", arguments, "config", "data_dir"),
                on_progress=show_progress,
            )  # fmt: skip
            return await _write(export, asked)
    finally:
        await reader.close()


async def _write(export: FolderExport, asked: CheckedExport) -> int:
    """Write each file and print what it has; returns the exit code."""
    code = 0
    for period in asked.periods:
        outcome = await export.write(period)
        print(plain(outcome.describe()))
        for reason in outcome.entry["partial"]:
            print(plain(f"  {reason}"))
        code = code or int(not outcome.entry["is_consistent"])
    files = counted(len(export.entries), "file")
    print(plain(f"{export.manifest}: rows, sums and hashes of {files}"))
    return code


def _request(arguments: argparse.Namespace, policy: Policy) -> ExportRequest:
    return ExportRequest(
        dataset=arguments.dataset,
        time=_time(arguments, policy),
        grain=arguments.grain,
        filters=_filters(arguments.filter),
        unpriced=arguments.unpriced,
        account=arguments.account,
        every=arguments.every,
    )


def _time(arguments: argparse.Namespace, policy: Policy) -> TimeRange:
    period, name = period_asked(arguments), arguments.time_zone
    if period:
        return TimeRange(window=period, time_zone=name)
    zone = check_zone(name) if name else policy.calendar.zone
    if arguments.dataset == "focus":
        zone = ZoneInfo("UTC")
    now_ns = time.time_ns()
    start_s, end_s = (
        read_moment(f"--{flag}", text, now_ns, zone) // NS_PER_S if text else None
        for flag, text in (("since", arguments.since), ("until", arguments.until))
    )
    return TimeRange(start_s=start_s, end_s=end_s, time_zone=name)


def _filters(given: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, values in dimensions_asked(given):
        found.setdefault(name, []).extend(listed_values(values))
    return found


@contextmanager
def _by_flags() -> Iterator[None]:
    """Turn InvalidQuestionError into a ConfigError that names the flag."""
    try:
        yield
    except InvalidQuestionError as error:
        field, _, value = error.field.partition("[")
        flag = _FLAGS.get(field, field)
        where = f"{flag} {value.rstrip(']')}" if value else flag
        takes = f"it takes {', '.join(error.choices)}" if error.choices else ""
        fix = " ".join(filter(None, (error.fix, takes)))
        raise ConfigError([Problem(where, error.what, fix)]) from error


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
