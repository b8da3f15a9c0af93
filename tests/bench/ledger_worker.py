"""A ledger under measurement in a process of its own: commands as JSON lines in, results out.

Its code is that of the tree that comes first in PYTHONPATH, so that two versions can take turns.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
from ledger_calls import END_S, LARGE, SMALL, Traffic
from ledger_file import collect_less_often, open_ledger, prepared, seen_connections
from ledger_population import Population

from processor.core.model import NS_PER_S, Intake
from processor.io.ledger import Ledger

if TYPE_CHECKING:
    from ledger_questions import Asking, Question

_WARM_UP = 3
_COUNTED = {
    "instructions": "SQLITE_STMTSTATUS_VM_STEP",
    "scanned": "SQLITE_STMTSTATUS_FULLSCAN_STEP",
}


class Worker:
    """What the commands are; each method that has no underscore is one."""

    def __init__(self) -> None:
        self._population = Population()
        self._path = Path()
        self._ledger: Ledger | None = None
        self._asking: Asking | None = None
        self._connections: list[apsw.Connection] = []
        self._traffic = Traffic(self._population, 0)
        self._clock_ns = END_S * NS_PER_S

    async def open(self, path: str, seed: int) -> dict[str, float]:
        """Open the ledger as the program does at its start; how long that takes.

        `seed` decides what its turns will bring; no two may bring the same to one ledger.
        """
        self._path, self._traffic = Path(path), Traffic(self._population, seed)
        collect_less_often()
        gc.collect()
        before_mib = rss_mib()
        begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
        with seen_connections() as self._connections:
            self._ledger = open_ledger(self._path)
        await self._ledger.start()
        took_s, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
        gc.collect()
        gc.freeze()
        return {"took_s": took_s, "cpu_s": cpu_s, "rss_mib": rss_mib() - before_mib}

    async def turns(self, shape: str, count: int) -> dict[str, list[float]]:
        """Turns one after the other, each with a commit of its own.

        CPU and wall milliseconds, and pages that go to the write-ahead log.
        """
        cpu_ms, wall_ms, pages = list[float](), list[float](), list[float]()
        for number in range(_WARM_UP + count):
            before = self._pages_written()
            cpu, wall = await self._post(self._turn(shape))
            if number >= _WARM_UP:
                cpu_ms.append(cpu)
                wall_ms.append(wall)
                pages.append(self._pages_written() - before)
        return {"cpu_ms": cpu_ms, "wall_ms": wall_ms, "pages": pages}

    async def ask(self, count: int, most_s: float) -> dict[str, dict[str, list[float]]]:
        """Each question some times, or as often as the time allows; nothing else goes on."""
        found = {}
        for name, question in (await self._questions()).items():
            end_s = time.perf_counter() + most_s
            wall_ms, cpu_ms = list[float](), list[float]()
            for _ in range(count):
                cpu, wall = await _timed(question)
                wall_ms.append(wall)
                cpu_ms.append(cpu)
                if time.perf_counter() > end_s:
                    break
            found[name] = {"wall_ms": wall_ms, "cpu_ms": cpu_ms}
        return found

    async def steps(self) -> dict[str, dict[str, int]]:
        """What each question costs the database, whatever else the machine does.

        Instructions, and rows that were stepped over without an index.
        """
        counts = Counter[str]()

        def count(event: dict[str, Any]) -> None:
            for name, kind in _COUNTED.items():
                counts[name] += event["stmt_status"][kind]

        def watch(connection: apsw.Connection) -> None:
            connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, count)

        found = {}
        apsw.connection_hooks.append(watch)
        try:
            for name, question in (await self._questions()).items():
                counts.clear()
                await question()
                found[name] = dict(counts)
        finally:
            apsw.connection_hooks.remove(watch)
        if self._asking is not None:
            await self._asking.close()  # Those that come later are not watched.
            self._asking = None
        return found

    async def flow(self, seconds: float, senders: int, pause_s: float) -> dict[str, Any]:
        """Batches from so many senders in a closed loop; with a pause of 0 or more, questions too.

        Between two questions is the pause; without one (less than 0) nobody asks.
        """
        end_s = time.perf_counter() + seconds
        batch_ms, asked = list[float](), dict[str, list[float]]()
        largest = [0, 0.0]
        questions = await self._questions()

        async def send() -> None:
            while time.perf_counter() < end_s:
                batch_ms.append((await self._post(self._turn("large")))[1])
                largest[0] = max(largest[0], self._log_bytes())
                largest[1] = max(largest[1], rss_mib())

        async def question() -> None:
            for name, asks in cycle(questions.items()):
                if time.perf_counter() > end_s:
                    return
                asked.setdefault(name, []).append((await _timed(asks))[1])
                await asyncio.sleep(pause_s)

        begin_s = time.perf_counter()
        work = [send() for _ in range(senders)]
        await asyncio.gather(*work, *([question()] if pause_s >= 0 else []))
        return {
            "batch_ms": batch_ms,
            "asked_ms": asked,
            "took_s": time.perf_counter() - begin_s,
            "log_bytes": largest[0],
            "rss_mib": largest[1],
        }

    async def close(self) -> dict[str, float]:
        """Close the ledger."""
        begin_s = time.perf_counter()
        if self._asking is not None:
            await self._asking.close()
        await self._opened().close()
        return {"took_s": time.perf_counter() - begin_s}

    async def prepare(self, calls: int) -> dict[str, Any]:
        """Make a ledger, or find it; it has to be done by the code that is to open it."""
        begin_s = time.perf_counter()
        path = await asyncio.to_thread(prepared, calls)
        return {"path": str(path), "took_s": time.perf_counter() - begin_s}

    def _opened(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("no ledger is open")
        return self._ledger

    def _turn(self, shape: str) -> Intake:
        """A turn that comes after everything that is in the ledger."""
        traces = 64 if shape == "large" else 1
        self._clock_ns += 2 * 60 * NS_PER_S
        times_ns = [self._clock_ns + at * NS_PER_S for at in range(traces)]
        return self._traffic.turn(times_ns, LARGE if shape == "large" else SMALL)

    async def _post(self, intake: Intake) -> tuple[float, float]:
        ledger = self._opened()
        return await _timed(lambda: ledger.post(intake))

    async def _questions(self) -> Mapping[str, Question]:
        # Code that turns are compared with may have no questions yet.
        from ledger_questions import Asking  # noqa: PLC0415

        if self._asking is None:
            self._asking = Asking(self._opened(), self._path, self._population)
        return await self._asking.questions()

    def _pages_written(self) -> int:
        pages = 0
        for connection in self._connections:
            with suppress(apsw.ConnectionClosedError):  # It only looked at the file.
                pages += _once_free(connection).status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0]
        return pages

    def _log_bytes(self) -> int:
        with suppress(OSError):
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size
        return 0


def _once_free(connection: apsw.Connection) -> apsw.Connection:
    """A connection once no step between turns uses it."""
    while True:
        try:
            connection.changes()
        except apsw.ThreadingViolationError:
            time.sleep(0.001)
        else:
            return connection


async def _timed(work: Question) -> tuple[float, float]:
    """CPU of the whole process and wall time of something, in milliseconds."""
    begin_cpu_ns, begin_ns = time.process_time_ns(), time.perf_counter_ns()
    await work()
    wall_ns = time.perf_counter_ns() - begin_ns
    return (time.process_time_ns() - begin_cpu_ns) / 1e6, wall_ns / 1e6


def rss_mib() -> float:
    """Memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def main() -> None:
    """Do what the lines say, until there are no more."""
    worker = Worker()
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        result = await getattr(worker, command.pop("do"))(**command)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
