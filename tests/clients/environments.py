"""Virtual environments and Node packages for the client programs, made once.

Instrumentations pull in much that the processor itself must not depend on, so each list of
pinned requirements has an environment of its own, named after its content.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import venv
from pathlib import Path

from cache import find, make_once, run

HERE = Path(__file__).parent
PROGRAMS = HERE / "node"
AGENTS = HERE / "agents"
_PINS = ("package.json", "package-lock.json")


def python_of(pins: Path) -> Path:
    """The interpreter of the environment for a list of requirements; makes it if need be.

    Raises NoEnvironmentError when the packages cannot be had.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(f"{version}\n{pins.read_text()}".encode()).hexdigest()[:16]

    def make(folder: Path) -> None:
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet"]
        run([*pip, "install", "--disable-pip-version-check", "--requirement", str(pins)])

    return make_once(f"python-{pins.stem}-{digest}", make) / "bin" / "python"


def node_packages(pins: Path) -> Path:
    """The folder with the packages that a folder's lock file names, installed if need be.

    Raises NoEnvironmentError when there is no npm, or the packages cannot be had.
    """
    digest = hashlib.sha256(b"".join((pins / pin).read_bytes() for pin in _PINS)).hexdigest()[:16]

    def make(folder: Path) -> None:
        find("node", "npm")
        for pin in _PINS:
            shutil.copy(pins / pin, folder / pin)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)

    return make_once(f"node-{pins.name}-{digest}", make)


def node_program(name: str) -> list[str]:
    """The command that runs a program of the folder ``node``.

    Node looks for packages next to a program, so the program is copied to where they are.
    Raises NoEnvironmentError, as `node_packages` does.
    """
    folder = node_packages(PROGRAMS)
    shutil.copy(PROGRAMS / name, folder / name)
    return ["node", str(folder / name)]


def node_package(path: str) -> list[str]:
    """The command that runs a file among the packages of the folder ``agents``.

    Raises NoEnvironmentError, as `node_packages` does.
    """
    return ["node", str(node_packages(AGENTS) / "node_modules" / path)]
