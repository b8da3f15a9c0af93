"""Virtual environments for the client programs, made once and kept under .cache/.

Instrumentations pull in much that the processor itself must not depend on, so each list of
pinned requirements beside this file has an environment of its own, named after its content.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache"
INSTALL_TIMEOUT_S = 1200


class NoEnvironmentError(Exception):
    """The environment cannot be made; the message says why."""


def python_of(requirements: str) -> Path:
    """The interpreter of the environment for ``<requirements>.txt``; makes it if need be.

    Raises NoEnvironmentError when the packages cannot be had.
    """
    pins = HERE / f"{requirements}.txt"
    name = f"{sys.version_info.major}.{sys.version_info.minor}\n{pins.read_text()}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    folder = CACHE / f"clients-{digest}"
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        made = subprocess.run(
            [*command, "--requirement", str(pins)],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise NoEnvironmentError(f"pip took longer than {INSTALL_TIMEOUT_S} s") from problem
    if made.returncode != 0:
        raise NoEnvironmentError(made.stderr.strip()[-500:])
    (folder / "ready").touch()
    return python
