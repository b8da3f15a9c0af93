"""Fixtures that start the processor as a process of its own, and a recording backend."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from e2e.applications import BUDGETS, PRICES
from e2e.operators import Operator
from e2e.processes import ROOT, Backend, Process


@contextmanager
def spawning():
    """A function that starts programs; whatever still runs at the end is ended."""
    started = []

    def start(kind, *command, **fields):
        popen = subprocess.Popen(
            [sys.executable, *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
            | {"PYTHONUNBUFFERED": "1"},
        )
        process = kind(popen, **fields)
        process.watch()
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.popen.poll() is None:
                process.popen.kill()
                process.popen.wait(10)
            process.popen.stdout.close()


def serve_with(spawn, data_dir, *flags):
    """Start the processor and wait until it listens."""
    process = spawn(
        Process,
        "-m", "processor.cli", "serve",
        "--listen", "127.0.0.1:0", "--data-dir", data_dir, *flags,
    )  # fmt: skip
    line = process.wait_for("listens on")
    process.port = int(line.rsplit(":", 1)[1].split()[0])
    return process


@pytest.fixture
def spawn():
    """Start programs; whatever still runs at the end is ended."""
    with spawning() as start:
        yield start


@pytest.fixture
def start_backend():
    """Start recording backends, over gRPC unless `is_http`; they stop at the end of the test."""
    started = []

    def start(**options):
        started.append(Backend())
        return started[-1].start(**options)

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def backend(start_backend):
    """A recording backend."""
    return start_backend()


@pytest.fixture
def serve(spawn, tmp_path):
    """Start the processor; every call uses the same data folder, so that it can be restarted."""

    def start(*flags, data_dir=None):
        return serve_with(spawn, data_dir or tmp_path / "data", *flags)

    return start


@pytest.fixture(scope="module")
def _lasting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    pricing, budgets = folder / "pricing.yaml", folder / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text("version: 1\nbudgets: []\n")
    backend = Backend().start()
    with spawning() as spawn:
        yield serve_with(
            spawn, folder / "data", "--forward-to", f"127.0.0.1:{backend.port}",
            "--pricing", pricing, "--budgets", budgets,
        ), backend  # fmt: skip
    backend.stop()


@pytest.fixture
def shared(_lasting):
    """A processor and its backend, which is empty, for tests that send spans of their own.

    The tests of a module share the process, and so its ledger: they ask for no totals beyond
    their own traces.
    """
    processor, backend = _lasting
    backend.recorder.records.clear()
    return processor, backend


@pytest.fixture
def files(tmp_path):
    """Prices, and budgets for single calls and sessions."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS.replace("per-call", "expensive-call"))
    return pricing, budgets


@pytest.fixture
def operator(serve, backend, files, tmp_path):
    """The processor, its files, and what an operator types."""
    return Operator(serve, backend, *files, tmp_path / "data")
