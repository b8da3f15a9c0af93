"""Answers on their way to clients, which may read them slowly or not at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import web

from processor.core.errors import OverloadedError

_MIB: Final = 1024 * 1024
_LARGE_BYTES: Final = _MIB // 4
"""Smaller answers are in the system's buffers at once, whoever reads them."""
_WITHIN_S: Final = 120.0
"""An answer of 13 MiB comes in that time over 1 Mbit/s."""


class Sending:
    """Bounds what large answers take together while they are sent."""

    def __init__(self, limit_bytes: int = 64 * _MIB, within_s: float = _WITHIN_S) -> None:
        self._limit_bytes = limit_bytes
        self._within_s = within_s
        self._sent_bytes = 0

    async def send(self, request: web.BaseRequest, response: web.Response) -> web.Response:
        """Send an answer; a connection whose client does not take it in time is closed.

        Raises OverloadedError, before anything is sent, where others have not taken theirs.
        """
        size = len(response.body) if isinstance(response.body, bytes) else 0
        if size < _LARGE_BYTES:
            return response
        if self._sent_bytes and self._sent_bytes + size > self._limit_bytes:
            held_mib = self._sent_bytes // _MIB
            raise OverloadedError(f"answers of {held_mib} MiB wait until their clients read them")
        self._sent_bytes += size
        try:
            await self._send_in_time(request, response)
        finally:
            self._sent_bytes -= size
        return response

    async def _send_in_time(self, request: web.BaseRequest, response: web.Response) -> None:
        # A client that has gone is no failure.
        with suppress(ConnectionError):
            try:
                async with asyncio.timeout(self._within_s):
                    await response.prepare(request)
                    await response.write_eof()
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
