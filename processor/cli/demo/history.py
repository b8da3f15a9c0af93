"""``llm-cost demo --history 30d``: a ledger with weeks of a company's calls, to look around in.

Its spans go through the pipeline of a processor that runs in this process, like any others, with
the times that they would have been received at; only no backend gets them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from processor.app.application import App
from processor.cli.demo.company import Company
from processor.cli.demo.history_files import SETTINGS, config_flag, prepare_folder
from processor.cli.demo.month import Run, Timeline, runs_of
from processor.cli.invocation import command_name
from processor.config import load_settings
from processor.core.model import NS_PER_S, Batch
from processor.surfaces.terminal.lists import render_pairs
from processor.surfaces.terminal.output import show_progress
from processor.surfaces.terminal.paint import columns, paint_for, rule, wrap

_SEED_DEFAULT: Final = 1
_RUNS_PER_BATCH: Final = 64
_BATCHES_AT_ONCE: Final = 8
"""So that they share a commit."""
_RECEIVED_AFTER_NS: Final = 2 * NS_PER_S
_FLAGS: Final = {
    "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
    "receivers.otlp.protocols.http.endpoint": "",
    "telemetry.metrics.endpoint": "",
    "forward.traces": False,
}
"""Nobody else sends, and nothing goes on."""


class Filled(NamedTuple):
    """What there is now."""

    folder: Path
    timeline: Timeline
    runs: int
    seconds: float


def run(arguments: argparse.Namespace) -> int:
    """Fill a ledger and say what to try. Raises ConfigError."""
    given = arguments.data_dir or tempfile.mkdtemp(prefix="llm-cost-demo-")
    seed = _SEED_DEFAULT if arguments.seed is None else arguments.seed
    filled = asyncio.run(fill(Path(given).resolve(), arguments.history, seed, time.time_ns()))
    print(*_lines(filled), sep="\n")
    return 0


async def fill(folder: Path, days: int, seed: int, now_ns: int) -> Filled:
    """Fill the ledger of a folder with what has happened in so many days before `now_ns`.

    One that was filled before is continued: what it has already is repeated, and charged once.
    Raises ConfigError where the folder has another ledger, ProcessorError where it cannot be
    written.
    """
    begin_s = time.monotonic()
    today = datetime.fromtimestamp(now_ns // NS_PER_S, UTC).date()
    timeline = prepare_folder(folder, Timeline.ending(today, days, seed))
    app = App(load_settings(folder / SETTINGS, _FLAGS, {}))
    company, count = Company(), 0
    await app.start()
    try:
        waiting = list[Batch]()
        for runs, progress in _portions(timeline, now_ns):
            count += len(runs)
            waiting.append(_batch(company, runs))
            if len(waiting) == _BATCHES_AT_ONCE:
                await _send(app, waiting)
                waiting.clear()
            show_progress(progress)
        await _send(app, waiting)
    finally:
        show_progress("")
        company.close()
        await app.stop()
    return Filled(folder, timeline, count, time.monotonic() - begin_s)


def _portions(timeline: Timeline, now_ns: int) -> Iterator[tuple[Sequence[Run], str]]:
    """The runs of each batch, and how far that is."""
    for runs in runs_of(timeline, timeline.first_day, now_ns):
        for at in range(0, len(runs), _RUNS_PER_BATCH):
            day = datetime.fromtimestamp(runs[at].begin_ns // NS_PER_S, UTC).date()
            yield runs[at : at + _RUNS_PER_BATCH], f"history: {day:%a %d %b %Y}"


def _batch(company: Company, runs: Sequence[Run]) -> Batch:
    end_ns = max(map(company.play, runs))
    return Batch("traces", company.take(), end_ns + _RECEIVED_AFTER_NS)


async def _send(app: App, batches: Sequence[Batch]) -> None:
    await asyncio.gather(*map(app.running.pipeline.handle, batches))


def _lines(filled: Filled) -> Iterator[str]:
    """What was made, and what to try with it."""
    paint, width = paint_for(sys.stdout, os.environ), columns()
    timeline = filled.timeline
    text = (
        f"{filled.runs:,} agent runs of an imaginary company since {timeline.first_day} are in the "
        f"ledger of {filled.folder} ({filled.seconds:.0f} s): five teams, with weekdays, nights "
        f"and weekends. On {timeline.price_change} the company's own model became dearer; on "
        f"{timeline.runaway} an agent of the search team ran all evening."
    )
    yield f" {paint('bold', 'llm-cost demo --history')}"
    yield ""
    yield from (f" {line}" for line in wrap(text, width - 2, lines_max=20))
    yield ""
    yield paint("bold", rule("what to try", width))
    yield from render_pairs(suggestions(filled.folder), paint, width)


def suggestions(folder: Path) -> list[tuple[str, list[str]]]:
    """What to try with a filled folder: why, and the commands."""
    program, flag = command_name(), config_flag(folder)
    costs = "http://127.0.0.1:8888/api/v1/costs?window=30d"
    return [
        ("What was used today, this week and this month:", [f"{program} today {flag}"]),
        (
            "By whom, and compared with the time before:",
            [
                f"{program} report --by team --by model --period 30d {flag}",
                f"{program} report --by agent --period 7d --compare {flag}",
            ],
        ),
        ("How the budgets stand:", [f"{program} budget {flag}"]),
        (
            "What would have cost less, and what another model would have cost:",
            [
                f"{program} advise {flag}",
                f"{program} what-if --model claude-sonnet-4-5=claude-haiku-4-5 {flag}",
            ],
        ),
        ("What has no known cost, and why:", [f"{program} unpriced {flag}"]),
        ("That the ledger is right:", [f"{program} verify {flag}"]),
        ("To ask over HTTP, and to add calls of your own:", [f"{program} serve {flag}"]),
        (
            "then, in another terminal:",
            [f"curl '{costs}&group_by=team'", f"curl '{costs}&bucket=1d&format=csv'"],
        ),
    ]
