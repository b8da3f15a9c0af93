"""Programs that tests need beside the processor: made once, kept under .cache/.

Several test processes may want the same program at a time: the first one makes it, and the others
wait for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"
INSTALL_TIMEOUT_S = 1200


class NoEnvironmentError(Exception):
    """The program cannot be had on this machine; the message says why."""


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Keep other processes that want the same name waiting until the block is left."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of this name in the cache; `make` fills it, unless it has been filled before.

    Raises what `make` raises; the folder is then made anew the next time.
    """
    folder = CACHE / name
    with lock(name):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "ready").touch()
    return folder


def find(*commands: str) -> None:
    """Raises NoEnvironmentError unless all these commands are on this machine."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        raise NoEnvironmentError(f"there is no {' and no '.join(missing)} on this machine")


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    error: type[Exception] = NoEnvironmentError,
) -> str:
    """Run a command that installs or builds; returns its standard output.

    Raises `error`, with the end of what the command said, when it fails or takes too long.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | (env or {}),
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise error(f"{shown!r} took longer than {INSTALL_TIMEOUT_S} s") from problem
    if done.returncode != 0:
        raise error(f"{shown!r} failed: {(done.stdout + done.stderr).strip()[-1500:]}")
    return done.stdout
