"""How a user of this installation calls the program and its Python: commands for messages."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

_DISTRIBUTION = "llm-cost-processor"
_TREE = Path(__file__).parents[2]


def command_name() -> str:
    """``llm-cost``, with its path where the PATH of this shell does not lead to it."""
    program = Path(sys.argv[0])
    if program.name != "llm-cost":
        return "llm-cost"
    return _callable(program)


def repeated(command: str, arguments: argparse.Namespace, *flags: str) -> str:
    """A further command on the same ledger: with those of some flags that this one was given."""
    given = ((flag, getattr(arguments, flag, None)) for flag in flags)
    words = [
        part for flag, value in given if value for part in (f"--{flag.replace('_', '-')}", value)
    ]
    return f"llm-cost {command}{' ' if words else ''}{shlex.join(words)}"


def install_command(extra: str) -> str:
    """The command that installs what an optional extra needs into this Python's environment.

    In a source tree that is the extra of the tree; elsewhere the extra's packages by name, which
    works wherever the program itself was installed from.
    """
    python = _callable(Path(sys.executable))
    if (_TREE / "pyproject.toml").exists():
        tree = "." if Path.cwd() == _TREE else str(_TREE)
        return f"{python} -m pip install --editable {shlex.quote(f'{tree}[{extra}]')}"
    try:
        found = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        found = []
    mark = f'extra == "{extra}"'
    names = [name.strip() for name, _, condition in (r.partition(";") for r in found)
             if condition.strip() == mark]  # fmt: skip
    return f"{python} -m pip install {shlex.join(names)}"


def _callable(program: Path) -> str:
    """How a shell in this folder can call a program: by its name, or by its path."""
    found = shutil.which(program.name)
    path = Path(os.path.abspath(program))  # noqa: PTH100 - resolve() would leave the environment
    if found and os.path.abspath(found) == str(path):  # noqa: PTH100 - as above
        return program.name
    here = Path.cwd()
    is_below = path.is_relative_to(here) and here != Path(here.anchor)
    return shlex.quote(str(path.relative_to(here) if is_below else path))
