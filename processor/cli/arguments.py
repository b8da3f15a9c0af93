"""The commands and their flags."""

from __future__ import annotations

from processor import __version__
from processor.cli.budget_arguments import add_budget
from processor.cli.demo_arguments import add_demo
from processor.cli.export_arguments import add_export
from processor.cli.flags import (
    ENDPOINT_FLAG,
    LISTEN_DEFAULT,
    add_api,
    add_config,
    add_data_dir,
    add_grpc_endpoint,
    add_questions,
    add_settings,
    seconds,
)
from processor.cli.ledger_arguments import WHOM, add_ledger_commands
from processor.cli.parser import Commands, Parser, exit_codes, sentence
from processor.cli.price_arguments import add_price, add_prices
from processor.cli.question_arguments import add_question_commands

_DESCRIPTION = """\
Prices the LLM calls in OpenTelemetry spans, keeps exact totals, flags budget overruns, and \
passes every span on to the backend behind it. Point an application's OTLP exporter here."""


def build_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="llm-cost", description=_DESCRIPTION, epilog=exit_codes("something failed")
    )
    parser.add_argument("--version", action="version", version=f"llm-cost {__version__}")
    commands = parser.add_commands("command", "COMMAND")
    _add_serve(commands)
    add_demo(commands)
    _add_check_config(commands)
    add_price(commands)
    add_prices(commands)
    add_question_commands(commands)
    add_budget(commands)
    _add_top(commands)
    add_ledger_commands(commands)
    add_export(commands)
    _add_mcp(commands)
    _add_notify(commands)
    _add_resend(commands)
    _add_healthcheck(commands)
    return parser


def _add_serve(commands: Commands) -> None:
    text = "receive, price and forward spans until it is stopped"
    description = f"""\
{sentence(text)}

On a terminal it shows each trace with its costs and budget events as it completes."""
    parser = commands.add_parser(
        "serve", help=text, description=description, epilog=exit_codes("the program failed")
    )
    add_settings(parser)
    parser.add_argument("--quiet", action="store_true", help="show no traces on the terminal")
    parser.add_argument(
        "--verbose", action="store_true", help="show each trace as a tree of all its spans"
    )


def _add_check_config(commands: Commands) -> None:
    text = "check settings, prices, budgets and credentials, and show what they say"
    epilog = exit_codes("the checks themselves failed")
    parser = commands.add_parser(
        "check-config", help=text, description=sentence(text), epilog=epilog
    )
    add_settings(parser)
    parser.add_argument(
        "--against",
        metavar="FILE",
        help="also show what changes from the prices in FILE to those that are checked",
    )


def _add_top(commands: Commands) -> None:
    text = "watch what is spent: today, this hour, a minute, and the last calls"
    description = f"""\
{sentence(text)}

It draws anew until q or Ctrl-C, and asks for what has changed only. The rate is that of the last \
five minutes, and today at this rate is what today comes to if that goes on. Where stdout is no \
terminal it draws once.

{WHOM}"""
    parser = commands.add_parser(
        "top",
        help=text,
        description=description,
        epilog=exit_codes("the ledger cannot be read"),
    )
    parser.add_argument("--once", action="store_true", help="draw once, and end")
    parser.add_argument(
        "--interval",
        metavar="S",
        type=seconds,
        default=2.0,
        help="seconds from one picture to the next (default: 2)",
    )
    add_questions(parser)


def _add_mcp(commands: Commands) -> None:
    text = "answer agents over the Model Context Protocol, on standard input and output"
    description = f"""\
{sentence(text)}

An agent's host starts it: name the command llm-cost with the argument mcp in its settings. Each \
tool reads: the cost of a task, a report, budgets, models without a price, and what other models \
would have cost. A running processor answers the same at /mcp, beside its API.

{WHOM}"""
    parser = commands.add_parser(
        "mcp",
        help=text,
        description=description,
        epilog=exit_codes("the package mcp is not installed"),
    )
    add_api(parser)


def _add_notify(commands: Commands) -> None:
    text = "send a test message by a channel of notifications"
    parser = commands.add_parser(
        "notify",
        help=text,
        description=sentence(text),
        epilog="examples:\n  llm-cost notify --config processor.yaml --test ops\n\n"
        f"{exit_codes('it does not arrive, and why is printed')}",
    )
    parser.add_argument(
        "--test", metavar="CHANNEL", required=True, help="its name under notifications.channels"
    )
    add_config(parser)


def _add_resend(commands: Commands) -> None:
    text = "send requests again that a backend had refused after they were acknowledged"
    description = f"""\
{sentence(text)}

They are kept in the folder refused within that of the backend's queue, each with the reason \
beside it. What the backend takes now is removed from there. They go straight to the backend: they \
were charged when they came."""
    parser = commands.add_parser(
        "resend",
        help=text,
        description=description,
        epilog="examples:\n"
        "  llm-cost resend --config processor.yaml llm-cost-data/spool/otlp/refused\n"
        "  llm-cost resend --forward-to http://jaeger:4317 llm-cost-data/spool/otlp/refused\n\n"
        f"{exit_codes('some are refused again, or the backend is away')}",
    )
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="a folder of such files, or one of them"
    )
    parser.add_argument(
        "--exporter",
        metavar="NAME",
        help="otlp or otlphttp, where there are two (default: that of the folder)",
    )
    add_config(parser)
    add_data_dir(parser)
    parser.add_argument(
        "--forward-to", metavar="ADDRESS", help="the backend, as for `llm-cost serve`"
    )


def _add_healthcheck(commands: Commands) -> None:
    text = "ask a running processor whether it serves"
    epilog = exit_codes("it does not serve, or cannot be reached")
    description = f"""\
{sentence(text)}

Asks over gRPC, with the token of LLM_COST_TOKEN or of --config if there is one. An address \
such as http://127.0.0.1:8888/health asks there instead, which needs no token and no TLS."""
    parser = commands.add_parser("healthcheck", help=text, description=description, epilog=epilog)
    add_grpc_endpoint(
        parser,
        ENDPOINT_FLAG,
        "where it takes spans over gRPC: HOST:PORT, or https://HOST:PORT for TLS (default: that of "
        f"--config, or {LISTEN_DEFAULT})",
    )
    add_config(parser)
