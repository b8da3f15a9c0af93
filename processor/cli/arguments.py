"""The commands and their flags."""

from __future__ import annotations

from typing import Final

from processor import __version__
from processor.cli.budget_arguments import add_budget
from processor.cli.flags import (
    LISTEN_DEFAULT,
    add_config,
    add_data_dir,
    add_endpoint,
    add_pricing,
    add_settings,
    tokens,
)
from processor.cli.ledger_arguments import add_ledger_commands
from processor.cli.parser import Commands, Parser, exit_codes, sentence
from processor.cli.question_arguments import add_question_commands

_DESCRIPTION = """\
Prices the LLM calls in OpenTelemetry spans, keeps exact totals, flags budget overruns, and \
passes every span on to the backend behind it. Point an application's OTLP exporter here."""

_LITELLM_FILE: Final = """\
LiteLLM's price file is inside its Python package. Where that is installed, this prints its path:
  python -c "import litellm; print(litellm.__path__[0] +
    '/model_prices_and_context_window_backup.json')"
Its source repository has it as model_prices_and_context_window.json."""


def build_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="llm-cost", description=_DESCRIPTION, epilog=exit_codes("something failed")
    )
    parser.add_argument("--version", action="version", version=f"llm-cost {__version__}")
    commands = parser.add_commands("command", "COMMAND")
    _add_serve(commands)
    _add_demo(commands)
    _add_check_config(commands)
    _add_price(commands)
    _add_prices(commands)
    add_question_commands(commands)
    add_budget(commands)
    add_ledger_commands(commands)
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


def _add_price(commands: Commands) -> None:
    text = "show what one call costs, and why"
    epilog = "example:\n  llm-cost price claude-sonnet-4-5 --input 12000 --output 800 --cached 9000"
    parser = commands.add_parser(
        "price",
        help=text,
        description=sentence(text),
        epilog=f"{epilog}\n\n{exit_codes('the model has no price')}",
    )
    parser.add_argument("model", metavar="MODEL", help="as spans name it")
    parser.add_argument(
        "--input",
        metavar="N",
        type=tokens,
        required=True,
        help="input tokens, cached ones included",
    )
    parser.add_argument(
        "--output",
        metavar="N",
        type=tokens,
        required=True,
        help="output tokens, reasoning included",
    )
    parser.add_argument(
        "--cached",
        metavar="N",
        type=tokens,
        default=0,
        help="how many of the input tokens are read from a cache",
    )
    parser.add_argument(
        "--cache-write",
        metavar="N",
        type=tokens,
        default=0,
        help="how many of the input tokens are written to a cache",
    )
    parser.add_argument(
        "--provider",
        metavar="P",
        default="",
        help="openai, anthropic, aws.bedrock … (default: inferred from the model)",
    )
    parser.add_argument(
        "--tier", metavar="T", default="", help="service tier, such as batch, flex or priority"
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON; amounts are exact decimal texts in USD"
    )
    add_config(parser)
    add_pricing(parser)


def _add_prices(commands: Commands) -> None:
    text = "import prices from LiteLLM's price file"
    parser = commands.add_parser(
        "prices", help=text, description=sentence(text), epilog=exit_codes("something failed")
    )
    _add_prices_import(parser.add_commands("action", "import", required=True))


def _add_prices_import(actions: Commands) -> None:
    text = "print prices of LiteLLM's price file as entries for your own price file"
    description = f"""\
{sentence(text)}

Copy the lines below "models:" to the "models:" of your file. To ask LiteLLM's file for every \
model that has no other price, name it under "catalogues:" in your file instead.

{_LITELLM_FILE}"""
    example = (
        "llm-cost prices import model_prices.json --provider together_ai\n"
        "  llm-cost prices import model_prices.json --model 'qwen/*' >> entries.yaml"
    )
    parser = actions.add_parser(
        "import",
        help=text,
        description=description,
        epilog=f"examples:\n  {example}\n\n{exit_codes('no model that matches has a price')}",
    )
    parser.add_argument("file", metavar="FILE", help="LiteLLM's price file, see above")
    parser.add_argument(
        "--provider", metavar="P", default="", help="only models of this provider (default: all)"
    )
    parser.add_argument(
        "--model",
        metavar="PATTERN",
        default="",
        help="only models with this name; * stands for any characters (default: all)",
    )


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
    add_endpoint(parser, f"that of --config, or {LISTEN_DEFAULT}")
    add_config(parser)


def _add_demo(commands: Commands) -> None:
    text = "see it work: a small multi-agent application, its costs, and its budgets"
    description = f"""\
{sentence(text)}

Everything runs in this process and on this machine: the processor, an application that sends \
spans with the OpenTelemetry SDK, and a backend that shows what it gets. No LLM is called. \
Afterwards it shows the spans that you send, until Ctrl-C."""
    parser = commands.add_parser(
        "demo", help=text, description=description, epilog=exit_codes("it could not be shown")
    )
    parser.add_argument("--once", action="store_true", help="end after the application has run")
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help=f"where to receive OTLP (default: {LISTEN_DEFAULT}, or any free port)",
    )
