"""Fixtures that start the processor and a backend, each as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from e2e.processes import ROOT, START_TIMEOUT_S, Backend, Process


@pytest.fixture
def spawn():
    """Start programs; whatever still runs at the end is ended."""
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

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(10)
        process.popen.stdout.close()


def start_recorder(spawn, folder, name="backend"):
    """Start a recording backend on a free port."""
    out, control = folder / f"{name}.bin", folder / f"{name}-control.json"
    process = spawn(
        Backend,
        ROOT / "tests" / "backends" / "recorder.py",
        "--listen", "127.0.0.1:0", "--out", out, "--control", control,
        out=out, control=control,
    )  # fmt: skip
    end_s = time.monotonic() + START_TIMEOUT_S
    while not process.lines and time.monotonic() < end_s:
        time.sleep(0.02)
    process.port = int(process.lines[0])
    return process


@pytest.fixture
def backend(spawn, tmp_path):
    """A recording backend."""
    return start_recorder(spawn, tmp_path)


@pytest.fixture
def serve(spawn, tmp_path):
    """Start the processor; every call uses the same data folder, so that it can be restarted."""

    def start(*flags, data_dir=None):
        process = spawn(
            Process,
            "-m", "processor.cli", "serve",
            "--listen", "127.0.0.1:0", "--data-dir", data_dir or tmp_path / "data", *flags,
        )  # fmt: skip
        line = process.wait_for("listens on")
        process.port = int(line.rsplit(":", 1)[1].split()[0])
        return process

    return start
