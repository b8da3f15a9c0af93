"""What it costs to delete what is old: batches beside it, and the size of a ledger over a year.

ledger_retention.py day --calls 10000000    a day of a month of calls, deleted beside batches
ledger_retention.py year --turns 4          a year of so many turns a day, with and without
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ledger_calls import DAYS, END_S, LARGE, START_S, Traffic
from ledger_file import CACHE, collect_less_often, prepared, say, seen_connections, size_by_table
from ledger_population import DIMENSIONS, Population

from processor.config import bundled
from processor.core.budgets import parse_budgets
from processor.core.model import NS_PER_S
from processor.io.ledger import Ages, Ledger, Limits, SqliteStore
from processor.io.ledger.kept_from import KEEPS_ALL
from processor.io.ledger.retention import Retention

_DAY_S: Final = 86_400
_BETWEEN_S: Final = 0.1
"""Between two batches of 512 spans."""
_SHOWN_DAYS: Final = 30
_KEPT: Final = Ages(90 * _DAY_S, 30 * _DAY_S, 400 * _DAY_S)


def _open(path: Path, ages: Ages) -> Ledger:
    policy = parse_budgets(bundled("budgets.yaml"), "budgets.yaml", DIMENSIONS)
    return Ledger(SqliteStore(path), policy, Limits(), ages)


async def _batches(path: Path, ages: Ages, seconds: float, seed: int) -> dict[str, float]:
    """Batches for some time, or until all that is too old is deleted; their milliseconds.

    Rows that nothing uses any more are deleted after that, and batches during it counted apart.
    """
    ledger, traffic = _open(path, ages), Traffic(Population(), seed)
    await ledger.start()
    end_s, clock_ns, took_ms = time.perf_counter() + seconds, END_S * NS_PER_S, list[float]()
    begin_s, deleted, at_deleted, quiet_s = time.perf_counter(), 0, 0, time.perf_counter()
    while time.perf_counter() < end_s:
        clock_ns += 2 * NS_PER_S
        intake = traffic.turn([clock_ns + at for at in range(64)], LARGE)
        before_s = time.perf_counter()
        await ledger.post(intake)
        took_ms.append((time.perf_counter() - before_s) * 1000)
        if ledger.counters.deleted_spans > deleted:
            deleted, at_deleted, quiet_s = (
                ledger.counters.deleted_spans,
                len(took_ms),
                time.perf_counter(),
            )
        elif deleted and ledger.kept_from.shared == ledger.kept_from.calls:
            break
        await asyncio.sleep(_BETWEEN_S)
    spans, traces = ledger.counters.deleted_spans, ledger.counters.deleted_traces
    await ledger.close()
    end_s = time.perf_counter()
    found = _quantiles("", took_ms[:at_deleted] or took_ms) | {
        "took_s": quiet_s - begin_s, "deleted_spans": spans, "deleted_traces": traces,
    }  # fmt: skip
    if at_deleted:
        found |= _quantiles("unused_", took_ms[at_deleted:]) | {"unused_took_s": end_s - quiet_s}
    return found


def _quantiles(prefix: str, took_ms: Sequence[float]) -> dict[str, float]:
    parts = statistics.quantiles(took_ms, n=100)
    return {
        f"{prefix}batches": len(took_ms), f"{prefix}p50_ms": parts[49],
        f"{prefix}p90_ms": parts[89], f"{prefix}p99_ms": parts[98],
        f"{prefix}most_ms": max(took_ms),
    }  # fmt: skip


async def _day(source: Path, seconds: float) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        path = Path(folder, "ledger.db")
        shutil.copyfile(source, path)
        a_day = Ages((DAYS - 1) * _DAY_S, 30 * _DAY_S, 400 * _DAY_S)
        rounds = (
            ("without", KEEPS_ALL, seconds),
            ("with", a_day, 3600.0),
            ("without", KEEPS_ALL, seconds),
        )
        for at, (name, ages, most_s) in enumerate(rounds):
            found = await _batches(path, ages, most_s, 1000 + at)
            say(f"{name}: " + ", ".join(f"{key} {value:.1f}" for key, value in found.items()))


async def _year(turns: int, ages: Ages) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.db")
        with seen_connections() as connections:
            ledger, traffic = _open(path, KEEPS_ALL), Traffic(Population(), 1)
        connections[-1].execute("PRAGMA synchronous = OFF")
        await ledger.start()
        for day in range(365):
            start_s = START_S + day * _DAY_S
            for turn in range(turns):
                at_ns = (start_s + turn * _DAY_S // turns) * NS_PER_S
                await ledger.post(traffic.turn([at_ns + at * NS_PER_S for at in range(64)]))
            if ages is not KEEPS_ALL:
                clock = partial(float, start_s + _DAY_S)
                work = Retention(ledger._working_set, ages, (), clock)
                work.load()
                while work.has_work:
                    await ledger._writer.ask(work.work)
            if day % _SHOWN_DAYS == _SHOWN_DAYS - 1:
                pages = ledger._working_set.store.deleted.space.free_pages()
                mib, free = (each * pages.page_bytes / 2**20 for each in (pages.pages, pages.free))
                say(f"day {day + 1}: {traffic.calls} calls, {mib:.1f} MiB, {free:.1f} of them free")
        await ledger.close()
        sizes: Sequence[tuple[str, int]] = list(size_by_table(path).items())[:14]
        say(", ".join(f"{name} {size / 2**20:.1f}" for name, size in sizes))


def main() -> None:
    """Measure one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("day", "year"))
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, help="a ledger of so many calls, to be copied")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--turns", type=int, default=2)
    given = parser.parse_args()
    collect_less_often()
    if given.what == "day":
        asyncio.run(_day(given.file or prepared(given.calls), given.seconds))
        return
    for name, ages in (("with", _KEPT), ("without", KEEPS_ALL)):
        say(f"{name} retention")
        asyncio.run(_year(given.turns, ages))


if __name__ == "__main__":
    main()
