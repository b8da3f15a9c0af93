"""Three times what the backend takes, a small sender beside it: ``overload.py [SECONDS [PLACES]]``.

A sidecar's memory, a backend of a known capacity, and a flood from six connections at a fixed rate,
whatever is answered. What is shown: memory at six times, which has to be flat; what was delivered,
beside what the backend could take; the small sender's share and how long it waits. With PLACES no
more requests than that are under way to the backend (`max_concurrent_requests`). The exit code is
1 where memory leaves the container, or the small sender gets less than nine of ten.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
from payloads import Workload, generate
from serving import SERVICE, UNLIMITED, listening
from systems import System, launched

_CONTAINER_MIB: Final = 512
_AT_A_TIME: Final = 10
_TAKES_S: Final = 0.2
_CAPACITY: Final = _AT_A_TIME / _TAKES_S
"""Requests a second that the backend takes."""
_FACTOR: Final = 3
_CONNECTIONS: Final = 6
_DEADLINE_S: Final = 10.0
_FLOOD: Final = Workload("flood", "calls", 40)
_SMALL: Final = Workload("small", "mixed", 3)
_PAUSE_S: Final = 0.2
_LEAST_SHARE: Final = 0.9


@asynccontextmanager
async def slow_backend() -> AsyncIterator[int]:
    """A backend that works on `_AT_A_TIME` requests at once; gives its port."""
    places = asyncio.Semaphore(_AT_A_TIME)

    async def take(_payload: bytes, _context: Any) -> bytes:
        async with places:
            await asyncio.sleep(_TAKES_S)
        return b""

    async with listening(take) as port:
        yield port


class Sender:
    """A connection of its own, what was answered on it, and after how long."""

    def __init__(self, port: int, workload: Workload) -> None:
        own = (("grpc.use_local_subchannel_pool", 1), *UNLIMITED)
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", own)
        self._export = self._channel.unary_unary(f"/{SERVICE}/Export", None, None)
        self._payloads = [each.payload for each in generate(workload, 20, id(self), time.time_ns())]
        self.answers: Counter[str] = Counter()
        self.waits_s: list[float] = []

    async def send(self, number: int) -> None:
        """One request."""
        begin_s = time.monotonic()
        try:
            await self._export(self._payloads[number % 20], timeout=_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            self.answers[error.code().name] += 1
        else:
            self.answers["OK"] += 1
        self.waits_s.append(time.monotonic() - begin_s)

    async def flood(self, end_s: float, rate: float) -> None:
        """Send at a rate, whatever is answered."""
        begin_s, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as sending:
            while time.monotonic() < end_s:
                while number < (time.monotonic() - begin_s) * rate:
                    sending.create_task(self.send(number))
                    number += 1
                await asyncio.sleep(0.01)

    async def trickle(self, end_s: float) -> None:
        """Send one after the other, with a pause."""
        number = 0
        while time.monotonic() < end_s:
            await self.send(number)
            number += 1
            await asyncio.sleep(_PAUSE_S)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close(None)


async def watch(system: System, seconds: float) -> list[int]:
    """Memory in MiB at six times."""
    found = []
    for _ in range(6):
        await asyncio.sleep(seconds / 6)
        found.append(round(system.rss_mib()))
    return found


async def measure(seconds: float, places: str) -> bool:
    """Run, print, and say whether it was as it has to be."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            slow_backend() as backend,
            launched("serve_app.py", f"127.0.0.1:{backend}", folder, "--sidecar", places) as system,
        ):
            floods = [Sender(system.port, _FLOOD) for _ in range(_CONNECTIONS)]
            small = Sender(system.port, _SMALL)
            end_s = time.monotonic() + seconds
            rate = _FACTOR * _CAPACITY / _CONNECTIONS
            memory, *_ = await asyncio.gather(
                watch(system, seconds),
                small.trickle(end_s),
                *(flood.flood(end_s, rate) for flood in floods),
            )
            peak_mib = round(system.peak_rss_mib())
            for each in (*floods, small):
                await each.close()
    answers = sum((flood.answers for flood in floods), Counter[str]())
    waits_s = sorted(small.waits_s)
    share = small.answers["OK"] / len(waits_s)
    lines = (
        f"memory, MiB: {memory}, peak {peak_mib} of {_CONTAINER_MIB}",
        f"offered {answers.total() / seconds:.0f}/s; the backend takes {_CAPACITY:.0f}/s",
        f"acknowledged {answers['OK'] / seconds:.0f}/s; answers {dict(answers)}",
        f"small sender: {share:.0%} of {len(waits_s)}, answers {dict(small.answers)}",
        f"it waits {waits_s[len(waits_s) // 2]:.2f} s in the median, {waits_s[-1]:.2f} s at most",
    )
    sys.stdout.write("".join(f"- {line}\n" for line in lines))
    return peak_mib < _CONTAINER_MIB and share >= _LEAST_SHARE


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    is_good = asyncio.run(measure(float(given.get(1, 60)), given.get(2, "0")))
    sys.exit(0 if is_good else 1)
