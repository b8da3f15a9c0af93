"""What is new as server-sent events (the HTML standard, section 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final

from aiohttp import hdrs, web

from processor.surfaces.api import Event, Feed
from processor.surfaces.http.problems import HEADERS

STREAM_TYPE: Final = "text/event-stream"
_HEARTBEAT_S: Final = 15.0
"""How long nothing is sent, at most: proxies close what is silent, often after a minute."""
_LAST_EVENT_ID: Final = "Last-Event-ID"
_AGAIN_MS: Final = 2000
"""How long a browser waits before it comes back."""


async def stream_events(
    request: web.BaseRequest, feed: Feed, heartbeat_s: float = _HEARTBEAT_S
) -> web.StreamResponse:
    """Send events until the client goes. Raises OverloadedError beside too many others."""
    headers = {**HEADERS, hdrs.CONTENT_TYPE: STREAM_TYPE, hdrs.CACHE_CONTROL: "no-store"}
    response = web.StreamResponse(headers=headers)
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=headers)
    async with aclosing(feed.listen(request.headers.get(_LAST_EVENT_ID, ""))) as events:
        first = await anext(events)
        # Where the client has gone, which is how a stream ends.
        with suppress(ConnectionError):
            await response.prepare(request)
            await response.write(f"retry: {_AGAIN_MS}\n\n".encode() + _written(first))
            await _send(response, events, heartbeat_s)
    return response


async def _send(
    response: web.StreamResponse, events: AsyncGenerator[Event, None], heartbeat_s: float
) -> None:
    """Send events, and a comment where there is none for a while, until this is cancelled.

    Raises ConnectionError when the client has gone.
    """
    waiting = asyncio.ensure_future(anext(events))
    try:
        while True:
            await asyncio.wait([waiting], timeout=heartbeat_s)
            if not waiting.done():
                await response.write(b": heartbeat\n\n")
                continue
            await response.write(_written(waiting.result()))
            waiting = asyncio.ensure_future(anext(events))
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def _written(event: Event) -> bytes:
    id_line = f"id: {event.id}\n" if event.id else ""
    return f"{id_line}event: {event.name}\ndata: {event.data}\n\n".encode()
