"""The flags of ``llm-cost budget``."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from typing import Final

from processor.cli.flags import add_budgets, add_config, add_questions, positive
from processor.cli.ledger_arguments import WHOM
from processor.cli.parser import Commands, Parser, exit_codes, sentence

_AMOUNT_MAX: Final = 10**18
_IDS_MAX: Final = 1000
"""As many as the API lists, from which the command line imports nothing to be quick."""


def add_budget(commands: Commands) -> None:
    """``llm-cost budget``, and ``budget set`` below it."""
    text = "show how every budget stands, or change limits in the budgets file"
    description = f"""\
{sentence(text)}

Budgets near their limit come first. With --daily, --weekly or --monthly it sets limits for \
everything together, and `budget set` sets any other; both keep the comments and the layout of the \
file.

{WHOM}"""
    parser = commands.add_parser(
        "budget",
        help=text,
        description=description,
        epilog="examples:\n  llm-cost budget\n  llm-cost budget --daily 10 --monthly 200\n"
        "  llm-cost budget set per-user-daily --limit 20 --warn-at 0.8\n\n"
        f"{exit_codes('the ledger cannot be read, or the file cannot be written')}",
    )
    for name, window in (("daily", "day"), ("weekly", "week"), ("monthly", "month")):
        parser.add_argument(
            f"--{name}",
            metavar="USD",
            type=_amount,
            help=f"set the limit of everything together in a {window}, and add it if there is none",
        )
    _add_change(parser)
    parser.add_argument(
        "--ids", metavar="N", type=_ids, default=10, help="scope ids of each budget (default: 10)"
    )
    add_questions(parser)
    _add_set(parser.add_commands("action", "set"))


def _add_set(actions: Commands) -> None:
    text = "change a budget in the budgets file, or add one"
    description = f"""\
{sentence(text)}

Only what is given changes; comments and all other lines stay. The file is checked before it is \
replaced. Without a budgets file of your own, budgets.yaml is made from the bundled one. With \
--scope, a budget that is not there is added."""
    parser = actions.add_parser(
        "set",
        help=text,
        description=description,
        epilog="examples:\n  llm-cost budget set per-session --limit 5 --budgets budgets.yaml\n"
        "  llm-cost budget set team-monthly --scope team --window month --limit 500\n\n"
        f"{exit_codes('the file cannot be written; the lines to paste are shown')}",
    )
    parser.argument_default = argparse.SUPPRESS  # What stands before `set` holds too.
    parser.add_argument("name", metavar="NAME", help="the budget, as `llm-cost budget` shows it")
    parser.add_argument("--limit", metavar="USD", type=_amount, help="the limit in USD")
    parser.add_argument(
        "--limit-tokens", metavar="N", type=_amount, help="the limit in tokens, input and output"
    )
    parser.add_argument(
        "--scope", metavar="S", help="what has a total of its own, for a new one: user, total …"
    )
    parser.add_argument(
        "--window",
        metavar="W",
        help="hour, day, week, month, 'rolling 7d' or none (default)",
    )
    _add_change(parser)
    add_config(parser)
    add_budgets(parser)


def _add_change(parser: Parser) -> None:
    parser.add_argument(
        "--warn-at",
        metavar="SHARE",
        type=_amount,
        nargs="+",
        help="shares of the limit that make a warning first, such as 0.5 0.8",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would change, and write nothing"
    )


def _amount(text: str) -> Decimal:
    """A number above 0: ``10``, ``$12.50``, ``1_000``."""
    try:
        number = Decimal(text.removeprefix("$").replace("_", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 < number < _AMOUNT_MAX):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text[:40]!r}")
    return number


def _ids(text: str) -> int:
    """How many scope ids to show."""
    number = positive(text)
    if number > _IDS_MAX:
        raise argparse.ArgumentTypeError(f"must be at most {_IDS_MAX}, got {number}")
    return number
