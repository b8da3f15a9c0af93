"""One processor for the hostile inputs of a module, as a sidecar of 512 MiB has it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest
from e2e.conftest import serve_with, spawning
from e2e.processes import SIDECAR_SETTINGS, Backend
from hostile.attacked import Attacked


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents and sys.platform != "linux":
            item.add_marker(pytest.mark.skip(reason="reads /proc"))


def start(spawn, folder, *flags, settings=SIDECAR_SETTINGS):
    """Start one, and know its ports."""
    file = folder / "processor.yaml"
    file.write_text(settings)
    process = serve_with(spawn, folder / "data", "--config", file, *flags)
    http, metrics = (
        int(process.wait_for(text).split("//")[-1].rsplit(":", 1)[1].split("/")[0])
        for text in ("OTLP/HTTP at", "/metrics")
    )
    return Attacked(process, http, metrics)


@pytest.fixture(scope="module")
def _lasting(tmp_path_factory):
    backend = Backend().start()
    with spawning() as spawn:
        folder = tmp_path_factory.mktemp("hostile")
        yield start(spawn, folder, "--forward-to", f"127.0.0.1:{backend.port}"), backend
    backend.stop()


@pytest.fixture
def attacked(_lasting):
    """A processor that has to be well after each test, whatever came before."""
    found, backend = _lasting
    backend.recorder.records.clear()
    yield found
    assert found.is_well()


@pytest.fixture
def backend(_lasting):
    """What stands behind it."""
    return _lasting[1]


@pytest.fixture
def attack_one(tmp_path):
    """Start a processor for one test alone, with flags and settings of its own."""
    with spawning() as spawn:
        yield partial(start, spawn, tmp_path)
