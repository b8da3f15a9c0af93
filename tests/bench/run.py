"""CPU time of the whole process, beside a do-nothing proxy: ``run.py [--quick | --profile]``.

Each system runs in a process of its own, between a client and a backend in this one. For each
kind of requests all systems are up at once and take turns under load, with the same new spans, so
that a busy neighbour meets them all alike. In the end every span must have come out once, and the
costs on spans must add up to what stands in the ledger; if not, the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import stages
from conservation import booked_nano_usd
from hotspots import profile
from payloads import Workload, generate
from report import conservation, setting, table
from subject import Subject
from systems import KINDS, WITH_BOOKS, running
from traffic import sink


class Effort(NamedTuple):
    """What is measured, and for how long."""

    load: Mapping[Workload, int]
    """How many requests each system gets in a round."""
    rounds: int
    staged: Sequence[Workload]
    stage_rounds: int


MIXED = Workload("mixed", "mixed", 512)
SMALL = Workload("mixed, small", "mixed", 10)
PLAIN = Workload("no LLM", "plain", 512)
BAGGAGE = Workload("mixed, baggage", "baggage", 512)
CALLS = Workload("all LLM", "calls", 512)

FULL = Effort(
    {PLAIN: 16, MIXED: 16, CALLS: 16, SMALL: 160},
    rounds=5,
    staged=(PLAIN, MIXED, BAGGAGE, CALLS),
    stage_rounds=7,
)
QUICK = Effort({MIXED: 2, SMALL: 20}, rounds=1, staged=(MIXED,), stage_rounds=1)


async def measure(workload: Workload, count: int, rounds: int) -> list[Subject]:
    """All systems under one kind of requests."""
    with tempfile.TemporaryDirectory() as folder:
        data_dirs = {kind: Path(folder, kind.replace(" ", "-")) for kind in KINDS}
        async with AsyncExitStack() as stack:
            subjects = await asyncio.gather(
                *(_start(stack, workload, kind, data_dir) for kind, data_dir in data_dirs.items())
            )
            await _take_turns(subjects, count, rounds)
        for subject in subjects:
            if subject.kind == WITH_BOOKS:
                subject.booked_nano_usd = booked_nano_usd(data_dirs[subject.kind] / "ledger.db")
    return subjects


async def _start(stack: AsyncExitStack, workload: Workload, kind: str, data_dir: Path) -> Subject:
    backend = await stack.enter_async_context(sink())
    system = await stack.enter_async_context(running(kind, backend.port, data_dir))
    return Subject(kind, workload, backend, system)


async def _take_turns(subjects: Sequence[Subject], count: int, rounds: int) -> None:
    workload = subjects[0].workload
    requests = generate(workload, max(count // 4, 4), 0, time.time_ns())
    for subject in subjects:
        await subject.warm_up(requests)
    for seed in range(1, rounds + 1):
        requests = generate(workload, count, seed, time.time_ns())
        # Each round begins with another one.
        turn = seed % len(subjects)
        for subject in (*subjects[turn:], *subjects[:turn]):
            await subject.measure(requests)


def main() -> int:
    """Measure and print; 0 when nothing was lost or counted twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--quick", action="store_true", help="only to see that it runs")
    modes.add_argument("--profile", action="store_true", help="where the time goes within stages")
    chosen = parser.parse_args()
    effort = QUICK if chosen.quick else FULL
    if chosen.profile:
        for workload in effort.staged:
            sys.stdout.write(asyncio.run(profile(workload)))
        return 0
    measured = [
        asyncio.run(measure(workload, count, effort.rounds))
        for workload, count in effort.load.items()
    ]
    subjects = [subject for group in measured for subject in group]
    lines = [
        setting(effort.rounds),
        table(measured),
        "\n".join(map(conservation, subjects)),
        "By stage, in one process, median of the rounds:",
        stages.report(effort.staged, effort.stage_rounds),
    ]
    sys.stdout.write("\n\n".join(lines) + "\n")
    return int(any(subject.account.faults(subject.booked_nano_usd) for subject in subjects))


if __name__ == "__main__":
    sys.exit(main())
