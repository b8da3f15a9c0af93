"""Waiting for what sets no event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(is_met: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Wait until something has come about. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not is_met():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.005)
