"""The commands that ask what was used, and their flags."""

from __future__ import annotations

import argparse

from processor.cli.flags import add_questions, named, positive
from processor.cli.ledger_arguments import WHOM
from processor.cli.parser import Commands, Parser, exit_codes, sentence

_EXITS = exit_codes("there is no answer: nothing has that id, or nobody can be asked")
_FILTER_HELP = (
    "only what has this value, such as team=search or model=gpt-4o,gpt-4o-mini; an empty one is "
    "what has none; repeat it for further dimensions"
)
_SINCE_HELP = "from when on: 2026-11-01, 2026-11-01T08:00 or 7d"


def add_question_commands(commands: Commands) -> None:
    """Add these commands."""
    _add_today(commands)
    _add_report(commands)
    _add_calls(commands)
    _add_trace(commands)
    _add_session(commands)
    _add_unpriced(commands)
    _add_audit(commands)
    _add_advise(commands)
    _add_what_if(commands)


def _add(commands: Commands, name: str, text: str, more: str = "", examples: str = "") -> Parser:
    description = "\n\n".join(filter(None, (sentence(text), more, WHOM)))
    epilog = f"{examples}\n\n{_EXITS}" if examples else _EXITS
    parser: Parser = commands.add_parser(name, help=text, description=description, epilog=epilog)
    return parser


def _add_today(commands: Commands) -> None:
    more = """\
Today, this week and this month, each compared with the same part of the one before; who has used \
it; the budgets; and the latest tasks. --json prints the API's documents by name; --csv one row \
each for today, the week and the month."""
    add_questions(_add(commands, "today", "show at a glance what was used, and by whom", more))


def _add_report(commands: Commands) -> None:
    more = "A time, limited and split as asked; groups that are not listed are one row, `others`."
    examples = """\
examples:
  llm-cost report --period week --by agent --compare
  llm-cost report --since 2026-11-01 --by team --by model --filter environment=production
  llm-cost report --period month --bucket day --csv"""
    text = "show what was used in a time, by whom and for what"
    parser = _add(commands, "report", text, more, examples)
    parser.add_argument(
        "--by",
        metavar="DIMENSION",
        action="append",
        default=[],
        help="a row for each agent, model, user, team …; give it twice for two",
    )
    parser.add_argument("--bucket", metavar="B", default="", help="15m, hour, day, week or month")
    parser.add_argument(
        "--compare", action="store_true", help="compare with as much of the time before"
    )
    parser.add_argument(
        "--order-by",
        metavar="WHAT",
        choices=("cost", "calls", "tokens"),
        default="cost",
        help="cost, calls or tokens: the largest come first (default: cost)",
    )
    add_time(parser, "month")
    add_filter(parser)
    _add_limit(parser, 20, "groups to list; the others are one row")
    add_questions(parser)


def _add_calls(commands: Commands) -> None:
    examples = """\
examples:
  llm-cost calls --filter status=unpriced
  llm-cost calls --since 2h --filter user=ada --limit 200 --csv"""
    parser = _add(commands, "calls", "list calls, latest first", "", examples)
    add_time(parser, "")
    add_filter(parser)
    _add_limit(parser, 50, "calls to list, up to 200")
    parser.add_argument(
        "--cursor", metavar="TEXT", default="", help="what the page before has named as the next"
    )
    add_questions(parser)


def _add_trace(commands: Commands) -> None:
    more = "Each call with its tokens, its cost, how its price is known and how it was counted."
    parser = _add(commands, "trace", "show a trace as a tree with what each span cost", more)
    parser.add_argument(
        "id",
        metavar="ID",
        help="32 hex digits, or the first 8 or more; for the run of an agent all of them, a colon "
        "and the 16 of its span",
    )
    add_questions(parser)


def _add_session(commands: Commands) -> None:
    text = "show what a session has used, by model, and its traces"
    parser = _add(commands, "session", text)
    parser.add_argument("id", metavar="ID", help="as spans name it")
    add_time(parser, "")
    _add_limit(parser, 20, "models, and traces, to list")
    add_questions(parser)


def _add_unpriced(commands: Commands) -> None:
    text = "list calls of unknown cost, such as of models without a price, and the fix"
    parser = _add(commands, "unpriced", text)
    _add_limit(parser, 100, "kinds of such calls to list, up to 1000")
    add_questions(parser)


def _add_audit(commands: Commands) -> None:
    text = "list who has changed budgets, prices and settings, repriced and excluded, and when"
    parser = _add(commands, "audit", text)
    parser.add_argument("--since", metavar="TIME", type=named, help=_SINCE_HELP)
    add_questions(parser)


def _add_advise(commands: Commands) -> None:
    more = """\
Suggestions, each with what it would have saved and the calls: input that is sent again and could \
be cached, requests that are repeated, caches written and never read, requests just beyond a size \
that costs more, and smaller models. Then days that cost more, or less, than the same weekday \
before."""
    examples = """\
examples:
  llm-cost advise --since 7d
  llm-cost advise --filter team=search --json
  llm-cost advise --task T-431"""
    text = "show what would have cost less, and unusual days"
    parser = _add(commands, "advise", text, more, examples)
    parser.add_argument(
        "--task",
        metavar="ID",
        default="",
        help="this task alone, and how it compares with others of its type",
    )
    add_time(parser, "30d")
    add_filter(parser)
    _add_limit(parser, 20, "suggestions to list, and days, up to 100")
    add_questions(parser)


def _add_what_if(commands: Commands) -> None:
    more = """\
Each call that is kept is priced again with the tokens that it reported; another model may need \
more or fewer for the same text. Calls of which nothing can be said are listed with the reason. \
Nothing is changed: reprice does that."""
    examples = """\
examples:
  llm-cost what-if --model gpt-4o=gpt-4o-mini --period 7d
  llm-cost what-if --model claude-opus-4-5=bedrock:claude-sonnet-4-5 --filter team=search
  llm-cost what-if --prices next-year.yaml --period last_month"""
    text = "show what calls would have cost with other models or prices"
    parser = _add(commands, "what-if", text, more, examples)
    parser.add_argument(
        "--model",
        metavar="MODEL=OTHER",
        action="append",
        default=[],
        help="price the calls of MODEL, as report names it, like OTHER, which may be "
        "provider:model; repeat it for further ones",
    )
    parser.add_argument(
        "--prices",
        metavar="FILE",
        default="",
        help="price the calls by this price file; the ledger's file is read then",
    )
    add_time(parser, "30d")
    add_filter(parser)
    add_questions(parser)


def add_time(parser: argparse.ArgumentParser, default: str) -> None:
    """The time that is asked about."""
    parser.add_argument(
        "--period",
        metavar="TIME",
        default="",
        help="today, yesterday, week, last_week, month, last_month, all, or a length such as 24h "
        f"or 7d (default: {default or 'all'})",
    )
    parser.set_defaults(default_period=default)
    parser.add_argument(
        "--since",
        metavar="TIME",
        default="",
        help=_SINCE_HELP,
    )
    parser.add_argument(
        "--until", metavar="TIME", default="", help="where to end; itself not included"
    )


def add_filter(parser: argparse.ArgumentParser) -> None:
    """Which calls are meant."""
    parser.add_argument(
        "--filter", metavar="NAME=VALUE", action="append", default=[], help=_FILTER_HELP
    )


def _add_limit(parser: argparse.ArgumentParser, default: int, what: str) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=positive, default=default, help=f"{what} (default: {default})"
    )
