"""Starts the process that writes files, passes on what it says, and ends it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from processor.app.exports.task import ExportTask
from processor.core.errors import ExportFailedError

_MODULE: Final = "processor.app.exports"
_TIME_LIMIT_S: Final = 2 * 3600.0
"""A folder on a network that is away may never answer."""
_END_TIMEOUT_S: Final = 5.0
_SAID_MAX_CHARS: Final = 500


async def write_in_child(task: ExportTask, say: Callable[[str], None]) -> None:
    """Have another process write what is due; `say` gets a line for each file.

    Raises ExportFailedError. Where it is cancelled, the process has ended when it returns.
    """
    try:
        # A Ctrl-C in the terminal is for the processor, which ends this process then.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE, stdin=PIPE, stdout=PIPE, stderr=PIPE,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        what = f"the process that writes it cannot be started: {error.strerror or error}"
        raise ExportFailedError(what) from error
    try:
        async with asyncio.timeout(_TIME_LIMIT_S):
            _, said = await asyncio.gather(_talk(child, task, say), _error_of(child))
            code = await child.wait()
    except TimeoutError:
        raise ExportFailedError(f"it took more than {_TIME_LIMIT_S / 3600:g} h") from None
    finally:
        await _end(child)
    if code:
        raise ExportFailedError(said or f"the process that writes it ended with code {code}")


async def _talk(child: Process, task: ExportTask, say: Callable[[str], None]) -> None:
    if child.stdin is None or child.stdout is None:
        raise AssertionError("both are pipes")
    with suppress(ConnectionError):  # It has ended, and says why.
        child.stdin.write(task.write().encode())
        await child.stdin.drain()
    child.stdin.close()
    async for line in child.stdout:
        say(line.decode(errors="replace").rstrip("\n"))


async def _error_of(child: Process) -> str:
    """What it says of its failure: all lines of ours, the last one of a traceback."""
    if child.stderr is None:
        raise AssertionError("it is a pipe")
    lines = (await child.stderr.read()).decode(errors="replace").strip().splitlines()
    said = lines[-1:] if lines and lines[0].startswith("Traceback") else lines
    return "; ".join(said)[:_SAID_MAX_CHARS]


async def _end(child: Process) -> None:
    if child.returncode is not None:
        return
    for signal in (child.terminate, child.kill):
        with suppress(ProcessLookupError):
            signal()
        # One that waits for a disk which does not answer does not end even so.
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT_S):
                await child.wait()
                return
