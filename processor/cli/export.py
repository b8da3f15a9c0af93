"""``llm-cost export``: calls and what they used as files for other programs."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from processor.cli.asked import dimensions_asked, period_asked
from processor.cli.invocation import install_command, repeated
from processor.cli.moments import read_moment
from processor.cli.sources import budgets_from, settings_from
from processor.config import Settings
from processor.core.budgets import Policy
from processor.core.errors import (
    ConfigError,
    ExportFailedError,
    InvalidQuestionError,
    Problem,
)
from processor.core.model import NS_PER_S
from processor.core.money import format_usd, parse_usd
from processor.io.datasets import DatasetFolder, Written, has_parquet
from processor.io.ledger import SqliteReader, examine_file
from processor.surfaces.exports import (
    CheckedExport,
    Contents,
    ExportQueries,
    ExportRequest,
    Period,
    PeriodReading,
    entry_of,
    file_name,
    name_of,
    options_of,
    read_manifest,
    write_manifest,
)
from processor.surfaces.exports.manifest import Entry
from processor.surfaces.queries import TimeRange, check_zone, listed_values
from processor.surfaces.terminal.output import show_progress
from processor.surfaces.terminal.paint import plain

_ATTEMPTS: Final = 3
"""Calls may be charged while a file is written, and then it is read again."""
_FLAGS: Final = {
    "window": "--period",
    "start": "--since",
    "end": "--until",
    "time_zone": "--time-zone",
    "grain": "--grain",
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
            return await _Export(arguments, queries, asked, folder).write()
    finally:
        await reader.close()


class _Export:
    """The files of one run."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        queries: ExportQueries,
        asked: CheckedExport,
        folder: DatasetFolder,
    ) -> None:
        self._arguments = arguments
        self._queries = queries
        self._asked = asked
        self._folder = folder
        self._options = options_of(asked, arguments.format)

    async def write(self) -> int:
        """Write each file, and after it what the folder holds by then; returns the exit code."""
        name = name_of(self._asked)
        entries = self._entries(name)
        code = 0
        for period in self._asked.periods:
            entry = await self._write_file(period)
            entries[entry["name"]] = entry
            self._folder.write_text(name, write_manifest(self._options, entries))
            code = code or int(not entry["is_consistent"])
        print(plain(f"{self._folder.path / name}: rows, sums and hashes of {len(entries)} files"))
        return code

    def _entries(self, name: str) -> dict[str, Entry]:
        """What is there already. Raises ConfigError for files that were made in another way."""
        text = self._folder.read_text(name)
        if text is None:
            return {}
        path = self._folder.path / name
        try:
            options, entries = read_manifest(text)
        except ValueError as error:
            fix = "remove it, or name another folder"
            raise ConfigError([Problem("--out", f"{path} {error}", fix)]) from error
        differs = [key for key in self._options if options.get(key) != self._options[key]]
        if differs or options.keys() != self._options.keys():
            listed = ", ".join(f"{key} {json.dumps(options.get(key))}" for key in differs)
            what = f"{self._folder.path} has files of another kind ({listed})"
            raise ConfigError([Problem("--out", what, "name another folder for these")])
        return entries

    async def _write_file(self, period: Period) -> Entry:
        name = file_name(self._asked, period, self._arguments.format)
        for attempt in range(1, _ATTEMPTS + 1):
            reading = self._queries.read(self._asked, period)
            with self._folder.partial(name, self._asked.columns, self._arguments.format) as file:
                async for rows in reading.slices():
                    file.write(rows)
                    show_progress(f"{name}: {reading.totals.calls:,} calls")
                written, ending = file.finish(), reading.ending
                if ending is None or not (reading.agrees or attempt == _ATTEMPTS):
                    continue
                self._check_unpriced(name, reading)
                is_new = file.keep(written)
            show_progress("")
            entry = entry_of(name, reading, ending, Contents(*written))
            print(plain(_line(entry, written, is_new=is_new)))
            for reason in entry["partial"]:
                print(plain(f"  {reason}"))
            return entry
        raise AssertionError("the last attempt returns")

    def _check_unpriced(self, name: str, reading: PeriodReading) -> None:
        if self._asked.request.unpriced == "fail" and reading.totals.unpriced:
            more = repeated("unpriced", self._arguments, "config", "data_dir")
            raise ExportFailedError(
                f"{name} is not written: the cost of {reading.totals.unpriced:,} of its calls is "
                f"unknown ({more} says why)"
            )


def _line(entry: Entry, written: Written, *, is_new: bool) -> str:
    totals = entry["totals"]
    amount = f"${format_usd(parse_usd(totals['cost_usd']))}"
    least = "at least " if totals["at_least"] else ""
    what = "written" if is_new else "unchanged"
    more = ""
    if entry["omitted_calls"]:
        more += f", without {entry['omitted_calls']:,} calls of unknown cost"
    if not entry["is_consistent"]:
        more += ", while calls were charged: some may be missing, so run it again"
    return f"{entry['name']}: {what}, {written.rows:,} rows, {least}{amount}{more}"


def _request(arguments: argparse.Namespace, policy: Policy) -> ExportRequest:
    return ExportRequest(
        dataset=arguments.dataset,
        time=_time(arguments, policy),
        grain=arguments.grain,
        filters=_filters(arguments.filter),
        unpriced=arguments.unpriced,
        account=arguments.account,
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
