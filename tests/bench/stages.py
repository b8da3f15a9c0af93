"""What each stage of the pipeline costs, without the transport.

The stages are called as the pipeline calls them, in this process, one request at a time. Given is
CPU time; that of the ledger's turn is all that the process spends beside the other stages, in
the ledger's thread and in handing over to it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

from payloads import Request, Workload, generate

from processor.app.application import _collect_less_often, _exempt_from_collection
from processor.config import bundled
from processor.core import pricing, semconv, wire
from processor.core.budgets import parse_budgets
from processor.core.enrich.attributes import enrich
from processor.core.model import Intake
from processor.io.ledger import Ledger, Limits, SqliteStore

_TURN = "ledger turn"
STAGES = ("scan", "read", "price", _TURN, "enrich", "splice")
REQUESTS = 8
Spent = list[int]
"""CPU nanoseconds of stages, in the order of `STAGES`."""


class Stages:
    """The rooms, with the prices and budgets that come along and a ledger on the disk."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(
            SqliteStore(folder / "ledger.db"),
            parse_budgets(bundled("budgets.yaml"), "budgets.yaml"),
            Limits(),
        )
        self._catalog = pricing.compile_catalog(
            pricing.parse_prices(bundled("pricing.yaml"), "pricing.yaml")
        )
        self._options = semconv.ReadOptions(cache_semantics=self._catalog.cache_semantics)

    async def spend(self, requests: Iterable[Request]) -> Spent:
        """Take requests through all stages, one after the other."""
        begun_ns = time.process_time_ns()
        pure = [await self.take(request.payload) for request in requests]
        whole_ns = time.process_time_ns() - begun_ns
        scan, read, price, add, write = (sum(stage) for stage in zip(*pure, strict=True))
        return [scan, read, price, whole_ns - sum((scan, read, price, add, write)), add, write]

    async def take(self, payload: bytes) -> Spent:
        """Take one payload through all stages; gives what each took, without the ledger's turn."""
        clock, received_ns = time.thread_time_ns, time.time_ns()
        times = [clock()]
        spans = wire.scan(payload, semconv.WANTED)
        times.append(clock())
        reading = semconv.read(spans, received_ns, self._options)
        times.append(clock())
        charges = pricing.price(reading.calls, self._catalog)
        times.append(clock())
        stamps = await self.ledger.post(Intake(spans, charges, reading.marks, received_ns))
        times.append(clock())
        edits = enrich(spans, stamps)
        times.append(clock())
        wire.splice(spans, edits, reading.rejected)
        times.append(clock())
        spent = [after - before for before, after in pairwise(times)]
        del spent[STAGES.index(_TURN)]
        return spent


@asynccontextmanager
async def open_stages() -> AsyncIterator[Stages]:
    """An application with an empty ledger, which is removed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        application = Stages(Path(folder))
        _collect_less_often()
        await application.ledger.start()
        _exempt_from_collection()
        yield application
        await application.ledger.close()


async def time_stages(workloads: Sequence[Workload], rounds: int) -> list[list[float]]:
    """CPU microseconds per span of each stage, for each workload.

    They take turns, each with stages of its own; a first round warms up, and the median of the
    others counts.
    """
    found: list[list[Sequence[float]]] = [[] for _ in workloads]
    async with AsyncExitStack() as stack:
        applications = [await stack.enter_async_context(open_stages()) for _ in workloads]
        for seed in range(rounds + 1):
            for workload, application, times in zip(workloads, applications, found, strict=True):
                requests = generate(workload, REQUESTS, seed, time.time_ns())
                spans = sum(request.spans for request in requests)
                times.append([stage / spans / 1000 for stage in await application.spend(requests)])
    return [[median(stage) for stage in zip(*times[1:], strict=True)] for times in found]


def report(workloads: Sequence[Workload], rounds: int) -> str:
    """A table of the stages."""
    columns = asyncio.run(time_stages(workloads, rounds))
    lines = [
        f"| CPU µs per span | {' | '.join(workload.name for workload in workloads)} |",
        f"|---|{'---:|' * len(workloads)}",
    ]
    rows = [(stage, [column[at] for column in columns]) for at, stage in enumerate(STAGES)]
    for stage, values in [*rows, ("together", [sum(column) for column in columns])]:
        lines.append(f"| {stage} | {' | '.join(f'{value:.2f}' for value in values)} |")
    return "\n".join(lines)
