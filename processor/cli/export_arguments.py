"""The command that writes files for other programs, and its flags."""

from __future__ import annotations

from typing import Final

from processor.cli.flags import add_budgets, add_config, add_data_dir, add_pricing, not_empty
from processor.cli.parser import Commands, Parser, exit_codes, sentence
from processor.cli.question_arguments import add_filter, add_time

_DATASETS: Final = ("calls", "usage", "focus")
_FORMATS: Final = ("csv", "csv.gz", "parquet")
_GRAINS: Final = ("hour", "day")
_EVERY: Final = ("day", "month")
_UNPRICED: Final = ("include", "omit", "fail")

_MORE: Final = """\
calls has a row for each call, in a file for each day; usage has the sums of every combination of \
dimensions, and focus the same in the columns of FOCUS 1.2, by day or hour, in a file for each \
month, unless --every says otherwise. Any file that has a part of the time is written as a whole, \
also one without rows. A file gets its name when it is whole, and only where its bytes differ from \
what is there; manifest-DATASET.json has the rows, sums and SHA-256 of each, and why something is \
missing.

Reads the ledger's file, also beside a running processor, which writes such files by itself where \
its settings have exports."""


def add_export(commands: Commands) -> None:
    """Add `export`."""
    text = "write calls and what they used as files for other programs: CSV, Parquet, FOCUS"
    parser = commands.add_parser(
        "export",
        help=text,
        description=f"{sentence(text)}\n\n{_MORE}",
        epilog="examples:\n"
        "  llm-cost export --dataset focus --period last_month --out /exports/focus\n"
        "  llm-cost export --dataset calls --since 7d --format parquet --out /exports/calls\n"
        "  llm-cost export --ledger /backup/ledger.db --period all --grain hour --out /exports\n\n"
        + exit_codes(
            "a file could not be written, or calls were charged each time while it was read"
        ),
    )
    parser.add_argument(
        "--dataset",
        choices=_DATASETS,
        default="usage",
        help="calls, usage or focus (default: usage)",
        metavar="NAME",
    )
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default="csv",
        help="csv, csv.gz or parquet, which needs pyarrow (default: csv)",
        metavar="FORMAT",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=not_empty,
        required=True,
        help="where to write the files; it is made where it is missing",
    )
    add_time(parser, "month")
    _add_rows(parser)
    parser.add_argument(
        "--ledger", metavar="FILE", help="a ledger's file, such as a backup, instead of --data-dir"
    )
    add_config(parser)
    add_data_dir(parser)
    add_budgets(parser)
    # It needs no prices; so the flags of `serve` may be given to it as well.
    add_pricing(parser)


def _add_rows(parser: Parser) -> None:
    """Which rows there are, in which files, and what they add up."""
    parser.add_argument(
        "--every",
        choices=_EVERY,
        default="",
        help="day or month: the time of one file (default: a day of calls, a month of the others)",
        metavar="TIME",
    )
    parser.add_argument(
        "--grain",
        choices=_GRAINS,
        default="day",
        help="hour or day: what a row of usage or focus adds up (default: day)",
        metavar="GRAIN",
    )
    add_filter(parser)
    parser.add_argument(
        "--unpriced",
        choices=_UNPRICED,
        default="include",
        help="rows of unknown cost: include, omit, or fail where there is one (default: include)",
        metavar="HOW",
    )
    parser.add_argument(
        "--account",
        metavar="NAME",
        type=not_empty,
        default="llm-cost",
        help="the billing account that focus names (default: llm-cost)",
    )
    parser.add_argument(
        "--time-zone",
        metavar="ZONE",
        default="",
        help="where days and months begin, such as Europe/Berlin (default: that of the budgets; "
        "focus has UTC)",
    )
