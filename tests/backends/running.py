"""Programs that are not ours: how they are had, and running for as long as a block lasts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cache import NoEnvironmentError, lock
from e2e.processes import Process

HERE = Path(__file__).parent
BUILD_TIMEOUT_S = 2400
CANNOT_BE_HAD = 69  # EX_UNAVAILABLE of sysexits.h


def make_by(script: str) -> str:
    """The path that a script of this folder prints last: what it has built, installed or found.

    Raises NoEnvironmentError when the script says so with exit code 69.
    """
    with lock(script):
        made = subprocess.run(
            [HERE / script],
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
            env={**os.environ, "PYTHON": sys.executable},
        )
    if made.returncode == CANNOT_BE_HAD:
        raise NoEnvironmentError(made.stderr.strip())
    assert made.returncode == 0, f"{script} failed:\n{made.stderr[-3000:]}"
    return made.stdout.strip().splitlines()[-1]


def made_by(script: str) -> str:
    """As `make_by`; where the program cannot be had, the test is skipped."""
    try:
        return make_by(script)
    except NoEnvironmentError as problem:
        pytest.skip(f"{problem}, so nothing is proven with it")


@contextmanager
def running(*command: object, **variables: object) -> Iterator[Process]:
    """A program with these variables in its environment; ended when the block is left."""
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("OTEL_")}
    process = Process(
        subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=inherited | {key: str(value) for key, value in variables.items()},
        )
    )
    process.watch()
    try:
        yield process
    finally:
        try:
            process.stop()
        except subprocess.TimeoutExpired:
            process.popen.kill()
            raise


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    holders = [socket.socket() for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports
