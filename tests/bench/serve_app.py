"""The program on its defaults: ``serve_app.py BACKEND DATA_DIR [--without-ledger | --sidecar]``."""

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
    backend: str, data_dir: str, *, has_ledger: bool, is_sidecar: bool
) -> AsyncIterator[int]:
    """The program, listening; gives its port. A sidecar's container has 512 MiB."""
    flags: dict[str, object] = {
        "data_dir": data_dir,
        "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
        "exporters.otlp.endpoint": backend,
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
    asyncio.run(serve(app(*sys.argv[1:3], has_ledger=has_ledger, is_sidecar=is_sidecar)))
