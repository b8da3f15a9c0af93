"""The folder in which Node programs run, with the packages that they import."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from clients.environments import CACHE, INSTALL_TIMEOUT_S, NoEnvironmentError

PROGRAMS = Path(__file__).parent / "node"
_PINS = ("package.json", "package-lock.json")


def node_program(name: str) -> list[str]:
    """The command that runs a program of the folder ``node``; installs its packages if need be.

    Node looks for packages next to a program, so the program is copied to where they are.
    Raises NoEnvironmentError when there is no Node, or the packages cannot be had.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoEnvironmentError("there is no node and npm on this machine")
    digest = hashlib.sha256(b"".join((PROGRAMS / pin).read_bytes() for pin in _PINS)).hexdigest()
    folder = CACHE / f"clients-node-{digest[:16]}"
    if not (folder / "ready").exists():
        _install(npm, folder)
    shutil.copy(PROGRAMS / name, folder / name)
    return [node, str(folder / name)]


def _install(npm: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for pin in _PINS:
        shutil.copy(PROGRAMS / pin, folder / pin)
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
