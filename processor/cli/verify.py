"""``llm-cost verify``: whether everything that the ledger keeps agrees, and what does not."""

from __future__ import annotations

import argparse
import gc
import json
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

from processor.cli.dispatch import EXIT_INTERRUPTED, EXIT_NO, EXIT_OK, EXIT_UNUSABLE, complain
from processor.cli.invocation import repeated
from processor.cli.sources import budgets_from, settings_from
from processor.core.budgets.verdict import compile_watches
from processor.core.errors import ConfigError, Problem, ProcessorError
from processor.io.ledger import examine_file, is_in_use
from processor.io.ledger.verifying import FIRST, Check, Difference, Verifier, all_checks
from processor.surfaces.terminal.output import show_progress
from processor.surfaces.terminal.paint import columns, left, plain, wrap

_ABOUT: Final = {
    "days": "hours, days, users' days and totals against the charges of each day",
    "months": "months and their parts against the days in them",
    "traces": "the sums of each trace against its charges",
    "sessions": "lifetime totals of sessions against traces and charges",
    "tasks": "lifetime totals of tasks against traces and charges",
    "users": "totals of users and organisations against their days",
    "metrics": "sums that /metrics shows, corrections included, against the total",
    "spans": "each charge, its owner and its corrections against the spans of its trace",
    "budgets": "totals that budgets follow against the spans of each quarter hour",
    "pages": "SQLite's own check of the file",
}
"""What each check compares, by its name."""
_ABOUT_CELLS_MIN: Final = 30
"""Beside the result, however narrow the terminal is."""
_DAMAGED: Final = (
    "The file is damaged: copy it as it is, then stop the processor and put the last backup that "
    "`llm-cost verify FILE` accepts in its place. What came since is charged when it is sent again."
)
_WRONG: Final = (
    "Numbers that differ are wrong in reports and budgets, by as much. Nothing repairs them in "
    "place: make a backup of the file as it is, report these lines as a bug, and where it matters "
    "put the last backup that `llm-cost verify FILE` accepts in its place."
)
_SHOWN_MAX: Final = 40


@dataclass
class _Outcome:
    """What was checked up to now."""

    seconds: dict[str, float] = field(default_factory=dict)
    """By check."""
    counts: dict[str, int] = field(default_factory=dict)
    """How much differs, by check."""
    differences: list[Difference] = field(default_factory=list)
    position: str = ""
    """Where to go on when it was interrupted."""
    every: int = 1
    """Of so many traces one was held to its spans."""


def run(arguments: argparse.Namespace) -> int:
    """Check, and print what differs; returns 0, 1 where something does, 2 where it could not."""
    settings = settings_from(arguments)
    path = Path(arguments.file or settings.ledger.path)
    if not examine_file(path):
        fix = "name another file" if arguments.file else "name its folder with --data-dir"
        raise ConfigError([Problem(str(path), "is not there", fix)])
    watches = compile_watches(budgets_from(settings.budgets.file, settings.dimension_names))
    gc.set_threshold(50_000, 20, 100)  # As in the processor: many small objects, few cycles.
    outcome = _Outcome()
    try:
        with closing(Verifier(path)) as verifier:
            found = all_checks(verifier, watches, time.time_ns(), is_full=arguments.full)
            checks, outcome.every = found
            first = _first(arguments.resume, checks)
            if not arguments.json:
                whose = (
                    "which a processor has open"
                    if is_in_use(path)
                    else "which no processor has open"
                )
                print(plain(f"{path}, {whose}"))
            code = _check(verifier, checks, first, outcome, is_shown=not arguments.json)
    except ConfigError:
        raise
    except ProcessorError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    if arguments.json:
        print(json.dumps(_as_dict(path, outcome, code), indent=2))
    else:
        lines = _end(outcome, code, arguments)
        print(*map(plain, lines), sep="\n")
    return code


def _first(resume: str | None, checks: Sequence[Check]) -> tuple[int, int]:
    """With which check to begin, and where. Raises ConfigError."""
    if not resume:
        return 0, FIRST
    name, _, position = resume.partition(":")
    names = [check.name for check in checks]
    try:
        return names.index(name), int(position)
    except ValueError:
        fix = "as it was printed when the last one was interrupted, such as days:1772409600"
        raise ConfigError([Problem("--resume", f"no such position: {resume[:60]}", fix)]) from None


def _check(
    verifier: Verifier,
    checks: Sequence[Check],
    first: tuple[int, int],
    outcome: _Outcome,
    *,
    is_shown: bool,
) -> int:
    begin, position = first
    for check in checks[begin:]:
        outcome.position = f"{check.name}:{position}"
        start_s = time.monotonic()
        outcome.counts[check.name] = 0
        try:
            for progress in verifier.run(check, position):
                outcome.counts[check.name] += progress.step.differing
                outcome.differences += progress.step.differences
                outcome.position = progress.position or outcome.position
                show_progress(f"{check.name}: {progress.step.share:.0%}")
        except (KeyboardInterrupt, apsw.InterruptError):
            show_progress("")
            return EXIT_INTERRUPTED
        show_progress("")
        outcome.seconds[check.name] = time.monotonic() - start_s
        if is_shown:
            print(*map(plain, _lines(check.name, outcome)), sep="\n")
        position = FIRST
    outcome.position = ""
    return EXIT_NO if any(outcome.counts.values()) else EXIT_OK


def _lines(name: str, outcome: _Outcome) -> Iterator[str]:
    """What one check has found."""
    count, seconds = outcome.counts[name], outcome.seconds[name]
    about = _ABOUT[name]
    if name == "spans" and outcome.every > 1:
        about += f" (1 in {outcome.every} traces; --full: all)"
    result = left(f"{count:,} differ" if count else "ok", 11)
    label = f"{left(name, 9)}{result}{seconds:6.1f} s  "
    first, *more = wrap(about, max(columns() - len(label), _ABOUT_CELLS_MIN), 6)
    yield f"{label}{first}"
    yield from (f"{' ' * len(label)}{line}" for line in more)
    found = [each for each in outcome.differences if each.check == name]
    for each in found[:_SHOWN_MAX]:
        yield from wrap(f"    {_sentence(each)}", columns(), 6, 6)
    if count > len(found[:_SHOWN_MAX]):
        yield f"    and {count - len(found[:_SHOWN_MAX]):,} more"


def _sentence(difference: Difference) -> str:
    if not difference.column:
        return difference.where
    change = difference.kept - difference.expected
    return (
        f"{difference.where}: {difference.column} is {difference.kept} and should be "
        f"{difference.expected} ({change:+})"
    )


def _end(outcome: _Outcome, code: int, arguments: argparse.Namespace) -> Iterator[str]:
    if code == EXIT_INTERRUPTED:
        what = f"verify {shlex.quote(arguments.file)}" if arguments.file else "verify"
        what += " --full" if arguments.full else ""
        command = f"{what} --resume {outcome.position}"
        yield "interrupted; to go on: " + repeated(
            command, arguments, "config", "data_dir", "budgets"
        )
    elif code == EXIT_OK:
        yield "what was left agrees" if arguments.resume else "everything agrees"
    if any(outcome.counts.values()):
        is_damaged = outcome.counts.get("pages") or any(
            each.where.startswith("cannot be read") for each in outcome.differences
        )
        yield from wrap(_DAMAGED if is_damaged else _WRONG, columns(), 6)


def _as_dict(path: Path, outcome: _Outcome, code: int) -> dict[str, object]:
    return {
        "ledger": str(path),
        "is_clean": code == EXIT_OK,
        "position": outcome.position,
        "spans_one_in": outcome.every,
        "checks": [
            {"name": name, "differences": count, "seconds": round(outcome.seconds.get(name, 0), 1)}
            for name, count in outcome.counts.items()
        ],
        "differences": [each._asdict() for each in outcome.differences],
    }
