"""What the measured processes and their surroundings agree on."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from typing import Final

SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
UNLIMITED: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


async def serve(system: AbstractAsyncContextManager[int]) -> None:
    """Print the port of a system, and keep it up until standard input ends.

    It ends when the measurement is over, and also when the process that measures has gone.
    """
    async with system as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
