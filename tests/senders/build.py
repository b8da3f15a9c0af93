"""The programs that send, each built once for its sources and kept under .cache/.

Every language has a folder beside this file: a program of one file, and the versions of the
libraries that it is built with.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from cache import find, make_once, run

HERE = Path(__file__).parent


class Recipe(NamedTuple):
    """How a program comes about; commands run in a copy of its folder."""

    needs: tuple[str, ...]
    """Commands that have to be on this machine."""
    fetch: tuple[str, ...]
    """Gets the libraries; when that fails, nothing is proven."""
    build: tuple[str, ...]
    """Makes the program of them; when that fails, the program is wrong."""
    run: tuple[str, ...]


_PIP = ".venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt"
_NPM = "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error"
_BUNDLE = (
    "node_modules/.bin/esbuild page.mjs --bundle --format=esm --outfile=page.js --log-level=warning"
)
_CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --user-data-dir=profile"
    " --virtual-time-budget=15000 --dump-dom"
)
_MAVEN = "mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs"

RECIPES = {
    "python": Recipe(
        (), (f"{sys.executable} -m venv .venv", _PIP), (), (".venv/bin/python", "sender.py")
    ),
    "javascript": Recipe(("node", "npm"), (_NPM,), (), ("node", "sender.mjs")),
    # It runs our own page only, and where the user is root Chromium has no sandbox.
    "browser": Recipe(("node", "npm", "chromium"), (_NPM,), (_BUNDLE,), tuple(_CHROMIUM.split())),
    "go": Recipe(("go",), ("go mod download",), ("go build -o sender .",), ("./sender",)),
    "java": Recipe(
        ("java", "javac", "mvn"),
        (_MAVEN,),
        ("javac -cp libs/* -d classes Sender.java",),
        ("java", "-cp", "libs/*:classes", "Sender"),
    ),
    "rust": Recipe(
        ("cargo",),
        ("cargo fetch --quiet",),
        ("cargo build --quiet --offline",),
        ("target/debug/sender",),
    ),
}


class BrokenProgramError(Exception):
    """A sender's own sources cannot be built."""


def built(language: str) -> Path:
    """The folder in which the program of a language can be run; builds it if need be.

    Raises NoEnvironmentError when the toolchain or the libraries cannot be had, and
    BrokenProgramError when they can, and the program still does not come about.
    """
    recipe = RECIPES[language]
    find(*recipe.needs)
    flags = {"GOFLAGS": "-mod=readonly -buildvcs=false"}

    def make(folder: Path) -> None:
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE / language, folder, ignore=unwanted, dirs_exist_ok=True)
        for command in recipe.fetch:
            run(command.split(), cwd=folder, env=flags)
        for command in recipe.build:
            run(command.split(), cwd=folder, env=flags, error=BrokenProgramError)

    return make_once(f"senders-{language}-{_digest(language)}", make)


def _digest(language: str) -> str:
    """Changes with the sources and with how they are built."""
    digest = hashlib.sha256(repr((RECIPES[language], sys.version_info[:2])).encode())
    sources = (path for path in (HERE / language).rglob("*") if path.is_file())
    for path in sorted(path for path in sources if path.suffix != ".pyc"):
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
