"""What the measured processes and their surroundings agree on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import grpc

SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
UNLIMITED: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


@asynccontextmanager
async def listening(export: Callable[[bytes, Any], Awaitable[bytes]]) -> AsyncIterator[int]:
    """A server that answers exports of traces so, with bytes for bytes; gives its port."""
    handler = grpc.unary_unary_rpc_method_handler(export)
    server = grpc.aio.server(options=UNLIMITED)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(SERVICE, {"Export": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(1)


async def serve(system: AbstractAsyncContextManager[int]) -> None:
    """Print the port of a system, and keep it up until standard input ends.

    It ends when the measurement is over, and also when the process that measures has gone.
    """
    async with system as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
