"""How far long work of the ledger has come, in one line of a terminal while it lasts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Final, TypeVar

from processor.cli.differences import counted_calls
from processor.cli.ledger_access import LedgerAccess
from processor.core.errors import ProcessorError
from processor.surfaces.terminal.output import show_progress

T = TypeVar("T")
_SHOWN_S: Final = 0.5


async def showing_progress(ledger: LedgerAccess, work: Awaitable[T]) -> T:
    """The result of `work`."""
    if not sys.stderr.isatty():
        return await work
    showing = asyncio.create_task(_show(ledger))
    try:
        return await work
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        show_progress("")


async def _show(ledger: LedgerAccess) -> None:
    while True:
        await asyncio.sleep(_SHOWN_S)
        try:
            progress = await ledger.job_progress()
        except ProcessorError:
            return  # A processor of before does not know the question; the result says the rest.
        if progress is not None:
            whole = progress.done + progress.left
            counted = f"{progress.done:,} of {whole:,} {progress.counted}"
            changed = counted_calls(progress.changed)
            if progress.job == "forget":
                changed = f"{progress.changed:,} of them"
            show_progress(f"{progress.job}: {counted}, {changed} changed")
