"""The flags of ``llm-cost demo``."""

from __future__ import annotations

import argparse
import re
from typing import Final

from processor.cli.flags import LISTEN_DEFAULT
from processor.cli.parser import Commands, exit_codes, sentence

_DAYS: Final = {"d": 1, "w": 7}
_DAYS_MAX: Final = 89
"""Calls are kept for 90 days, unless the settings say otherwise."""


def add_demo(commands: Commands) -> None:
    """The demo that is watched, and the one that fills a ledger."""
    text = "see it work: a small multi-agent application, its costs, and its budgets"
    description = f"""\
{sentence(text)}

Everything runs in this process and on this machine: the processor, an application that sends \
spans with the OpenTelemetry SDK, and a backend that shows what it gets. No LLM is called. \
Afterwards it shows the spans that you send, until Ctrl-C.

With --history it fills a ledger instead, with weeks of calls of an imaginary company (teams, \
agents, tasks, budgets, a new price, an evening that cost too much), says what to try, and ends. \
A folder that it has filled before is continued up to now."""
    parser = commands.add_parser(
        "demo", help=text, description=description, epilog=exit_codes("it could not be shown")
    )
    parser.add_argument("--once", action="store_true", help="end after the application has run")
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help=f"where to receive OTLP (default: {LISTEN_DEFAULT}, or any free port)",
    )
    parser.add_argument(
        "--history",
        metavar="AGE",
        nargs="?",
        const=30,
        type=_days,
        help="fill a ledger with so much time up to now, such as 30d (the default) or 2w; a "
        "folder that was filled before keeps its first day",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="with --history: the folder to fill; it must have no ledger but one of the demo "
        "(default: a new temporary one)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        help="with --history: the same number makes the same calls (default: 1)",
    )


def _days(text: str) -> int:
    """Whole days of an age."""
    found = re.fullmatch(r"([0-9]{1,3})([dw])", text.strip(), re.ASCII)
    days = int(found[1]) * _DAYS[found[2]] if found else 0
    if not 1 <= days <= _DAYS_MAX:
        what = f"must be 1d to {_DAYS_MAX}d, in days or weeks, got {text[:40]!r}"
        raise argparse.ArgumentTypeError(what)
    return days
