"""The program on its defaults: ``serve_app.py BACKEND DATA_DIR [--without-ledger]``."""

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
async def app(backend: str, data_dir: str, *, has_ledger: bool) -> AsyncIterator[int]:
    """The program, listening; gives its port."""
    flags = {
        "data_dir": data_dir,
        "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
        "exporters.otlp.endpoint": backend,
        "log.level": "warning",
    }
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
    asyncio.run(serve(app(*sys.argv[1:3], has_ledger="--without-ledger" not in sys.argv)))
