"""The program: ``serve_app.py BACKEND DATA_DIR [--without-ledger | --sidecar [PLACES]]``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from serving import serve

from processor.app.application import App
from processor.config import load_settings
from processor.core.model import Intake, Stamp


@asynccontextmanager
async def app(
    backend: str, data_dir: str, *, has_ledger: bool, is_sidecar: bool, places: int = 0
) -> AsyncIterator[int]:
    """The program, listening; gives its port. A sidecar's container has 512 MiB.

    So many requests may be under way to the backend, 0 for any number.
    """
    flags: dict[str, object] = {
        "data_dir": data_dir,
        "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
        "exporters.otlp.endpoint": backend,
        "exporters.otlp.sending_queue.max_concurrent_requests": places,
        "log.level": "warning",
    }
    if is_sidecar:
        flags["memory_limiter.limit_mib"] = 512 * 4 // 5
    program = App(load_settings(None, flags, {}))
    await program.start()
    if not has_ledger:
        program.running.pipeline.ledger = _BlankBooks()
    yield program.port
    await program.stop()


class _BlankBooks:
    """A ledger that charges nothing, so that calls are read and priced but nothing is written."""

    async def post(self, _: Intake) -> Mapping[int, Stamp]:
        return {}


if __name__ == "__main__":
    has_ledger, is_sidecar = "--without-ledger" not in sys.argv, "--sidecar" in sys.argv
    places = int(sys.argv[4]) if is_sidecar and len(sys.argv) > 4 else 0
    asyncio.run(
        serve(app(*sys.argv[1:3], has_ledger=has_ledger, is_sidecar=is_sidecar, places=places))
    )
