"""The two ends of a measurement: a client in a closed loop, and a backend that keeps what comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from payloads import Request
from serving import SERVICE, UNLIMITED, listening

IN_FLIGHT = 4
_DEADLINE_S = 30.0


class Sink:
    """A backend that takes everything; `payloads` is what it took."""

    def __init__(self) -> None:
        self.port = 0
        self.payloads: list[bytes] = []

    async def take(self, payload: bytes, _: Any) -> bytes:
        """Keep a payload, and answer that all is well."""
        self.payloads.append(payload)
        return b""


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """A backend that is listening."""
    taker = Sink()
    async with listening(taker.take) as taker.port:
        yield taker


async def send(port: int, requests: Iterable[Request]) -> None:
    """Send every request once, `IN_FLIGHT` at a time; raises on any answer but full success."""
    pending = iter(requests)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", UNLIMITED) as channel:
        export = channel.unary_unary(f"/{SERVICE}/Export", None, None)

        async def work() -> None:
            for request in pending:
                answer = await export(request.payload, timeout=_DEADLINE_S, wait_for_ready=True)
                if answer:
                    raise RuntimeError(f"not everything was taken: {answer!r}")

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
