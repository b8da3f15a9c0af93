"""The standard gRPC health service, told from the life of the server."""

from __future__ import annotations

import asyncio
from typing import Any

from grpc_health.v1.health import aio  # type: ignore[attr-defined]  # not in its stubs
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from processor.io.receiver.responder import Context


class Health(aio.HealthServicer):  # type: ignore[misc]  # the base class has no types
    """SERVING from `open` to `drain`; every watcher is told of the change.

    Answers for the server as a whole (the empty service name) and for each service given.
    """

    def __init__(self, services: list[str]) -> None:
        super().__init__()
        self._services = ["", *services]
        self._watching: set[asyncio.Task[Any]] = set()
        self._released = False

    async def open(self) -> None:
        """Say SERVING."""
        for service in self._services:
            await self.set(service, HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Say NOT_SERVING, for good."""
        await self.enter_graceful_shutdown()

    def release(self) -> None:
        """End the streams of all watchers, which would otherwise hold up the server's stop."""
        self._released = True
        for task in self._watching:
            task.cancel()

    async def Watch(  # noqa: N802 - the name in the health protocol
        self, request: HealthCheckRequest, context: Context
    ) -> None:
        """Stream the status of a service until the caller leaves or `release` is called."""
        task = asyncio.current_task()
        if task is None or self._released:
            return
        self._watching.add(task)
        try:
            await super().Watch(request, context)
        except asyncio.CancelledError:
            if not self._released:
                raise
        finally:
            self._watching.discard(task)
