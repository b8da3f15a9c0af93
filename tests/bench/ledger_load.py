"""How the ledger bears a month of calls: ``ledger_load.py [--calls N] [--before TREE | --check]``.

A ledger is filled with N calls over 30 days (see `ledger_calls`), then measured: bytes by table;
the CPU and wall time of a turn on an empty ledger and on larger ones, beside the code of another
tree where one is given; how long the start takes; how long questions take, alone and while batches
flow, and what they do to the batches. Printed as Markdown, and written as JSON with --json.

Each ledger is measured in a process of its own, on a copy, and they take turns. Filling does not
wait for the disk; everything that is measured does. A filled ledger stays in .cache/bench/.

With --check little is measured, and the exit code is 1 where a ledger is larger than it may be, or
a question looks through a large table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import ledger_report
from ledger_file import CACHE, size_by_table

_HERE: Final = Path(__file__).parent
_TREE: Final = Path(os.environ.get("BENCH_TREE") or _HERE.parents[1])
_SIZES: Final = (200_000, 1_000_000, 10_000_000)
_LINE_MAX: Final = 2**24
_ROUNDS: Final = 6
_TURNS: Final = {"large": 8, "small": 24}
"""In a round."""
_BYTES_PER_CALL_MAX: Final = 335
"""319 as measured: 138 of spans, 49 of charges, 36 of what names them, the rest of sums."""
_SCANNED_MAX: Final = 160_000
"""Rows that a question of the small ledger may step over without an index: those of small tables,
and of what it has added up itself; 131,530 for the values of all dimensions, which are as many
rankings. The large tables have 200,000 and more."""


class Worker:
    """A ledger in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, command: str, **arguments: object) -> Any:
        """Have it do something, and return what it answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"do": command, **arguments})
        self._process.stdin.write(f"{line}\n".encode())
        answer = await self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker ended during {line}")
        return json.loads(answer)


@asynccontextmanager
async def working(tree: Path) -> AsyncIterator[Worker]:
    """A worker with the code of a tree, which is told to end by the end of its input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_HERE / "ledger_worker.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(tree)},
        limit=_LINE_MAX,
    )
    assert process.stdin is not None
    try:
        yield Worker(process)
        process.stdin.close()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Subject:
    """A size and a version of the code, and what was seen."""

    def __init__(self, calls: int, tree: Path) -> None:
        self.calls = calls
        self.tree = tree
        self.start: dict[str, float] = {}
        self.turns: dict[str, dict[str, list[float]]] = {}

    async def prepare(self) -> Path | None:
        """The file to begin with; None for an empty one."""
        if not self.calls:
            return None
        async with working(self.tree) as worker:
            return Path((await worker.do("prepare", calls=self.calls))["path"])

    @asynccontextmanager
    async def opened(self, seed: int) -> AsyncIterator[Worker]:
        """A worker that has opened a copy of the file, which is removed at the end."""
        filled = await self.prepare()
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            path = Path(folder, "ledger.db")
            if filled is not None:
                shutil.copyfile(filled, path)
            async with working(self.tree) as worker:
                self.start = await worker.do("open", path=str(path), seed=seed)
                yield worker
                await worker.do("close")

    def note(self, shape: str, found: dict[str, list[float]]) -> None:
        """Add what a round has shown."""
        kept = self.turns.setdefault(shape, {})
        for name, values in found.items():
            kept.setdefault(name, []).extend(values)


async def measure_turns(subjects: Sequence[Subject], rounds: int) -> None:
    """Turns of both shapes; the subjects take turns, so that all meet the same neighbours."""
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(each.opened(seed=2)) for each in subjects]
        for number in range(rounds):
            for at in range(len(subjects)):
                which = (at + number) % len(subjects)
                for shape, count in _TURNS.items():
                    found = await workers[which].do("turns", shape=shape, count=count)
                    subjects[which].note(shape, found)


async def measure_questions(subject: Subject, seconds: float) -> dict[str, Any]:
    """Questions alone, batches alone, and both together."""
    async with subject.opened(seed=3) as worker:
        steps = await worker.do("steps")
        alone = await worker.do("ask", count=100, most_s=seconds / 4)
        found = {"steps": steps, "alone": alone}
        for senders in (1, 4):
            for name, pause_s in (("batches", -1), ("both", 0.02)):
                found[f"{name}, {senders}"] = await worker.do(
                    "flow", seconds=seconds, senders=senders, pause_s=pause_s
                )
        return found


async def measure(
    calls: int, before: Path | None, seconds: float, rounds: int = _ROUNDS
) -> dict[str, Any]:
    """All measurements of ledgers up to a size; `seconds` is how long each load takes."""
    sizes = [0, *(size for size in _SIZES if size < calls), calls]
    subjects = [Subject(size, _TREE) for size in sizes]
    if before is not None:
        subjects += [Subject(size, before) for size in sizes if size <= _SIZES[1]]
    filled = await subjects[len(sizes) - 1].prepare()
    assert filled is not None
    await measure_turns(subjects, rounds)
    largest = subjects[len(sizes) - 1]
    return {
        "calls": calls,
        "bytes": size_by_table(filled),
        "turns": [_shown(subject, before) for subject in subjects],
        "questions": await measure_questions(largest, seconds),
        "start": largest.start,
    }


def _shown(subject: Subject, before: Path | None) -> dict[str, Any]:
    return {
        "calls": subject.calls,
        "is_before": subject.tree == before,
        "start": subject.start,
        **subject.turns,
    }


def faults(found: dict[str, Any]) -> list[str]:
    """What is not as it has to be, of what is the same on every machine."""
    bytes_per_call = sum(found["bytes"].values()) / found["calls"]
    wrong = []
    if bytes_per_call > _BYTES_PER_CALL_MAX:
        wrong.append(f"{bytes_per_call:.0f} bytes per call, more than {_BYTES_PER_CALL_MAX}")
    for name, counts in found["questions"]["steps"].items():
        if counts["scanned"] > _SCANNED_MAX:
            wrong.append(f"{name}: {counts['scanned']:,} rows without an index")
    return wrong


def main() -> int:
    """Measure, print, and write; 0 when nothing is larger than it may be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=_SIZES[0])
    parser.add_argument("--before", type=Path, help="a tree with other code, such as a worktree")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load with questions")
    parser.add_argument("--check", action="store_true", help="look at what does not depend on time")
    parser.add_argument("--json", type=Path, help="where to write all that was measured")
    given = parser.parse_args()
    effort = (1.0, 1) if given.check else (given.seconds, _ROUNDS)
    found = asyncio.run(measure(given.calls, given.before, *effort))
    wrong = faults(found) if given.check else []
    lines = [*ledger_report.lines_of(found), "", *(f"DOES NOT HOLD: {fault}" for fault in wrong)]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.json is not None:
        given.json.write_text(json.dumps(found), encoding="utf-8")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
