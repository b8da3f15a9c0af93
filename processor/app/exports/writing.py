"""Writes the files of an export into a folder, each with its manifest after it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from processor.core.errors import ConfigError, ExportFailedError, Problem
from processor.core.money import format_usd, parse_usd
from processor.io.datasets import DatasetFolder, Written
from processor.io.datasets.folder import Format
from processor.surfaces.exports import (
    CheckedExport,
    Contents,
    Entry,
    ExportQueries,
    Period,
    PeriodReading,
    entry_of,
    file_name,
    name_of,
    options_of,
    read_manifest,
    write_manifest,
)

_ATTEMPTS: Final = 3
"""Calls may be charged while a file is written, and then it is read again."""


class Outcome(NamedTuple):
    """What became of one file."""

    entry: Entry
    is_new: bool
    """False where a file with these very bytes was there already."""

    def describe(self) -> str:
        """It in a line."""
        entry, totals = self.entry, self.entry["totals"]
        amount = f"${format_usd(parse_usd(totals['cost_usd']))}"
        least = "at least " if totals["at_least"] else ""
        what = "written" if self.is_new else "unchanged"
        more = ""
        if entry["omitted_calls"]:
            more += f", without {entry['omitted_calls']:,} calls of unknown cost"
        if not entry["is_consistent"]:
            more += ", while calls were charged: some may be missing, so run it again"
        return f"{entry['name']}: {what}, {entry['rows']:,} rows, {least}{amount}{more}"


class FolderExport:
    """The files of one export in a folder, which is opened."""

    def __init__(
        self,
        queries: ExportQueries,
        asked: CheckedExport,
        folder: DatasetFolder,
        form: Format,
        *,
        where: str,
        unpriced: str,
        on_progress: Callable[[str], None] = lambda _: None,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`where` names the flag or setting of the folder, `unpriced` the command that says why.

        `pause` is awaited after some rows. Raises ConfigError for a folder whose files were made in
        another way.
        """
        self._queries, self._asked, self._folder, self._form = queries, asked, folder, form
        self._where, self._unpriced, self._on_progress = where, unpriced, on_progress
        self._pause = pause
        self._options = options_of(asked, form)
        self._name = name_of(asked)
        self.manifest = folder.path / self._name
        self.entries = self._read_entries()

    def entry_of(self, period: Period) -> Entry | None:
        """What the manifest says of a file; None for one that was not written."""
        return self.entries.get(file_name(self._asked, period, self._form))

    async def write(self, period: Period) -> Outcome:
        """Write a file, and after it what the folder holds by then. Raises ExportFailedError."""
        outcome = await self._write_file(period)
        self.entries[outcome.entry["name"]] = outcome.entry
        self._folder.write_text(self._name, write_manifest(self._options, self.entries))
        return outcome

    def _read_entries(self) -> dict[str, Entry]:
        text = self._folder.read_text(self._name)
        if text is None:
            return {}
        try:
            options, entries = read_manifest(text)
        except ValueError as error:
            fix = "remove it, or name another folder"
            raise ConfigError([Problem(self._where, f"{self.manifest} {error}", fix)]) from error
        differs = [key for key in self._options if options.get(key) != self._options[key]]
        if differs or options.keys() != self._options.keys():
            listed = ", ".join(f"{key} {json.dumps(options.get(key))}" for key in differs)
            what = f"{self._folder.path} has files of another kind ({listed})"
            raise ConfigError([Problem(self._where, what, "name another folder for these")])
        return entries

    async def _write_file(self, period: Period) -> Outcome:
        name = file_name(self._asked, period, self._form)
        for attempt in range(1, _ATTEMPTS + 1):
            reading = self._queries.read(self._asked, period)
            with self._folder.partial(name, self._asked.columns, self._form) as file:
                async for rows in reading.slices():
                    file.write(rows)
                    self._on_progress(f"{name}: {reading.totals.calls:,} calls")
                    if self._pause is not None:
                        await self._pause()
                written, ending = file.finish(), reading.ending
                if ending is None or not (reading.agrees or attempt == _ATTEMPTS):
                    continue
                self._check_unpriced(name, reading)
                is_new = file.keep(written)
            self._on_progress("")
            return Outcome(entry_of(name, reading, ending, _contents(written)), is_new)
        raise AssertionError("the last attempt returns")

    def _check_unpriced(self, name: str, reading: PeriodReading) -> None:
        if self._asked.request.unpriced == "fail" and reading.totals.unpriced:
            raise ExportFailedError(
                f"{name} is not written: the cost of {reading.totals.unpriced:,} of its calls is "
                f"unknown ({self._unpriced} says why)"
            )


def _contents(written: Written) -> Contents:
    return Contents(*written)
