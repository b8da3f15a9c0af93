"""Systems under test as child processes, and what they use of the machine, seen from outside."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

_HERE = Path(__file__).parent
_START_S = 30.0
_STOP_S = 15.0
_CPUCLOCK_SCHED = 2

WITH_BOOKS: Final = "ledger on"
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "proxy": ("serve_proxy.py", "{backend}"),
    "ledger off": ("serve_app.py", "{backend}", "{data_dir}", "--without-ledger"),
    WITH_BOOKS: ("serve_app.py", "{backend}", "{data_dir}"),
}
"""Script and arguments of each system; the first one is what the others are compared with."""


class System(NamedTuple):
    """A running system."""

    port: int
    pid: int

    def cpu_ns(self) -> int:
        """CPU time of the whole process so far, user and system, all threads, in nanoseconds.

        This is the clock that clock_getcpuclockid(3) names; /proc/<pid>/stat shows the same time
        in steps of 10 ms, which is too coarse for runs of a second.
        """
        return time.clock_gettime_ns((~self.pid << 3) | _CPUCLOCK_SCHED)

    def peak_rss_mib(self) -> float:
        """The most memory that the process has held at once."""
        return self._memory_mib("VmHWM:")

    def rss_mib(self) -> float:
        """The memory that the process holds now."""
        return self._memory_mib("VmRSS:")

    def _memory_mib(self, name: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def running(kind: str, backend_port: int, data_dir: Path) -> AsyncIterator[System]:
    """A system of one of `KINDS` in front of a backend; it is stopped in good order."""
    script, *arguments = KINDS[kind]
    backend = f"127.0.0.1:{backend_port}"
    filled = [argument.format(backend=backend, data_dir=data_dir) for argument in arguments]
    async with launched(script, *filled) as system:
        yield system


@asynccontextmanager
async def launched(script: str, *arguments: str) -> AsyncIterator[System]:
    """A script of this folder that prints its port first; it is stopped in good order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_HERE / script),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
        if not line:
            raise RuntimeError(f"{script} did not start")
        yield System(int(line), process.pid)
        process.stdin.close()
        await asyncio.wait_for(process.wait(), _STOP_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
