"""Folders in which programs for Node run, with the packages that they need."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from clients.environments import CACHE, INSTALL_TIMEOUT_S, NoEnvironmentError

PROGRAMS = Path(__file__).parent / "node"
AGENTS = Path(__file__).parent / "agents"
_PINS = ("package.json", "package-lock.json")


def node_program(name: str) -> list[str]:
    """The command that runs a program of the folder ``node``; installs its packages if need be.

    Node looks for packages next to a program, so the program is copied to where they are.
    Raises NoEnvironmentError when there is no Node, or the packages cannot be had.
    """
    folder = _packages("node", PROGRAMS)
    shutil.copy(PROGRAMS / name, folder / name)
    return [_find("node"), str(folder / name)]


def node_package(path: str) -> list[str]:
    """The command that runs a file among the packages of the folder ``agents``.

    Raises NoEnvironmentError, as `node_program` does.
    """
    return [_find("node"), str(_packages("agents", AGENTS) / "node_modules" / path)]


def _find(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NoEnvironmentError(f"there is no {name} on this machine")
    return found


def _packages(name: str, pins: Path) -> Path:
    """The folder with the packages that `pins` names, installed if need be."""
    digest = hashlib.sha256(b"".join((pins / pin).read_bytes() for pin in _PINS)).hexdigest()
    folder = CACHE / f"clients-{name}-{digest[:16]}"
    if not (folder / "ready").exists():
        _install(_find("npm"), pins, folder)
    return folder


def _install(npm: str, pins: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for pin in _PINS:
        shutil.copy(pins / pin, folder / pin)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        made = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise NoEnvironmentError(f"npm took longer than {INSTALL_TIMEOUT_S} s") from problem
    if made.returncode != 0:
        raise NoEnvironmentError(made.stderr.strip()[-500:])
    (folder / "ready").touch()
