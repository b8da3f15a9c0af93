"""A processor with a backend behind it, for rules of the receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from backends.recorder import Recorder
from conformance.incoming import Gateway

from processor.app.application import App
from processor.config import load_settings

WITHOUT_QUEUES = {
    "exporters.otlp.sending_queue.enabled": "false",
    "exporters.otlphttp.sending_queue.enabled": "false",
}
OpenGateway = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def open_gateway(tmp_path: Path) -> AsyncIterator[OpenGateway]:
    """Start a processor with a settings file of this text, and further settings by dotted name.

    Without queues on disk unless a test sets one: senders hear what the backend answers.
    """
    started: list[Gateway] = []

    async def open_one(text: str = "", **settings: Any) -> Gateway:
        folder = tmp_path / f"processor-{len(started)}"
        folder.mkdir()
        file = folder / "processor.yaml"
        file.write_text(text)
        backend = Recorder()
        queues = {} if "sending_queue" in text else WITHOUT_QUEUES
        given = {
            **queues,
            "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
            "exporters.otlp.endpoint": f"127.0.0.1:{await backend.start()}",
            "data_dir": str(folder / "data"),
            **settings,
        }
        gateway = Gateway(App(load_settings(file, given, {})), backend)
        started.append(gateway)
        await gateway.app.start()
        return gateway

    yield open_one
    for gateway in started:
        await gateway.app.stop(0.1)
        await gateway.backend.stop()


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> Gateway:
    """A processor with the default settings."""
    return await open_gateway()
