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
from serving import SERVICE, UNLIMITED, serve


@asynccontextmanager
async def proxy(backend: str) -> AsyncIterator[int]:
    """The proxy, listening; gives its port."""
    async with grpc.aio.insecure_channel(backend, UNLIMITED) as channel:
        export = channel.unary_unary(f"/{SERVICE}/Export", None, None)

        async def forward(payload: bytes, _: Any) -> bytes:
            return bytes(await export(payload))

        handler = grpc.unary_unary_rpc_method_handler(forward)
        server = grpc.aio.server(options=UNLIMITED)
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(SERVICE, {"Export": handler})]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        yield port
        await server.stop(1)


if __name__ == "__main__":
    asyncio.run(serve(proxy(sys.argv[1])))
