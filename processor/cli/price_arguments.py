"""The flags of ``llm-cost price`` and ``llm-cost prices``."""

from __future__ import annotations

from typing import Final

from processor.cli.flags import add_config, add_pricing, add_questions, positive, tokens
from processor.cli.ledger_arguments import WHOM
from processor.cli.parser import Commands, exit_codes, sentence

_LITELLM_FILE: Final = """\
LiteLLM's price file is inside its Python package. Where that is installed, this prints its path:
  python -c "import litellm; print(litellm.__path__[0] +
    '/model_prices_and_context_window_backup.json')"
Its source repository has it as model_prices_and_context_window.json."""


def add_price(commands: Commands) -> None:
    """``llm-cost price``."""
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


def add_prices(commands: Commands) -> None:
    """``llm-cost prices``, and ``prices import`` below it."""
    text = "list the models that are used, what each costs and who says so, or import prices"
    description = f"""\
{sentence(text)}

Prices are those in force now, in USD for a million tokens; what was used had the prices of its \
time. For models without a price it shows the lines that give them one.

{WHOM}"""
    parser = commands.add_parser(
        "prices",
        help=text,
        description=description,
        epilog="examples:\n  llm-cost prices\n  llm-cost prices --period month --csv\n\n"
        f"{exit_codes('the ledger cannot be read')}",
    )
    parser.add_argument(
        "--period",
        metavar="W",
        default="",
        help="when they were used: today, week, month, all, or up to now as in 24h (default: 30d)",
    )
    parser.add_argument(
        "--limit", metavar="N", type=positive, default=100, help="models to list (default: 100)"
    )
    add_questions(parser)
    _add_prices_import(parser.add_commands("action", "import"))


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
