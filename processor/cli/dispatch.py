"""From arguments to a command's exit code; an expected failure is one line for each problem."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from types import ModuleType
from typing import Final

from processor.cli.arguments import build_parser
from processor.core.errors import ConfigError, ProcessorError
from processor.surfaces.terminal.output import EscapedOutput
from processor.surfaces.terminal.paint import plain

EXIT_OK: Final = 0
EXIT_NO: Final = 1
EXIT_UNUSABLE: Final = 2
EXIT_INTERRUPTED: Final = 130

_MODULES: Final = {
    "serve": "processor.cli.serve",
    "demo": "processor.cli.demo.run",
    "check-config": "processor.cli.check_config",
    "price": "processor.cli.price",
    "prices": "processor.cli.prices",
    "today": "processor.cli.today",
    "report": "processor.cli.report",
    "calls": "processor.cli.calls",
    "trace": "processor.cli.trace",
    "session": "processor.cli.session",
    "budget": "processor.cli.budget",
    "top": "processor.cli.top",
    "advise": "processor.cli.advise",
    "what-if": "processor.cli.what_if",
    "unpriced": "processor.cli.unpriced",
    "reprice": "processor.cli.reprice",
    "exclude": "processor.cli.exclude",
    "forget": "processor.cli.forget",
    "audit": "processor.cli.audit",
    "verify": "processor.cli.verify",
    "backup": "processor.cli.backup",
    "export": "processor.cli.export",
    "mcp": "processor.cli.mcp",
    "notify": "processor.cli.notify",
    "resend": "processor.cli.resend",
    "healthcheck": "processor.cli.healthcheck",
}
"""Command -> the module whose ``run(arguments)`` does it and returns an exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is without the program's name.

    Raises SystemExit where argparse does: for ``--help``, ``--version`` and wrong flags.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal's encoding lacks must not end the command.
            stream.reconfigure(errors="replace")
    out, errors = EscapedOutput(sys.stdout), EscapedOutput(sys.stderr)
    with redirect_stdout(out), redirect_stderr(errors):
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    # The C core of gRPC would print its own lines between ours, which say what matters.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return EXIT_UNUSABLE
    try:
        code: int = _module(arguments.command).run(arguments)
        sys.stdout.flush()
    except (ProcessorError, OSError) as error:
        return _explain(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def _module(command: str) -> ModuleType:
    """The module of a command. What is imported stays, so the collector need not look at it."""
    name = _MODULES[command]
    if name in sys.modules:
        return importlib.import_module(name)
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _explain(error: ProcessorError | OSError) -> int:
    """Print what went wrong; returns the exit code."""
    match error:
        case ConfigError():
            for problem in error.problems:
                complain(str(problem))
            return EXIT_UNUSABLE
        case ProcessorError():
            complain(str(error))
            return EXIT_NO
        case BrokenPipeError():
            # The reader has closed the pipe. Python must not try to flush the output again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_OK
        case _:
            complain(f"{error.filename or 'the system'}: {error.strerror or error}")
            return EXIT_UNUSABLE


def complain(message: str) -> None:
    """Print an error on stderr."""
    print(f"llm-cost: {plain(message)}", file=sys.stderr)
