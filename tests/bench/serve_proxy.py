"""A proxy that does nothing, as the floor for ours: ``serve_proxy.py BACKEND``.

The same bytes go to the backend and its answer back, with the library and the kind of server and
client that the processor has.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from serving import SERVICE, UNLIMITED, listening, serve


@asynccontextmanager
async def proxy(backend: str) -> AsyncIterator[int]:
    """The proxy, listening; gives its port."""
    async with grpc.aio.insecure_channel(backend, UNLIMITED) as channel:
        export = channel.unary_unary(f"/{SERVICE}/Export", None, None)

        async def forward(payload: bytes, _: Any) -> bytes:
            return bytes(await export(payload))

        async with listening(forward) as port:
            yield port


if __name__ == "__main__":
    asyncio.run(serve(proxy(sys.argv[1])))
