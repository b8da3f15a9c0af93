"""How a command shows an answer of the API: as a picture, or as the API's own JSON or CSV."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from rich.console import RenderableType

from processor.cli.choice import Answer
from processor.cli.questions import Form, Questions, open_questions
from processor.core.errors import ConfigError, Problem
from processor.core.pricing import Catalog
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.output import write_exactly
from processor.surfaces.terminal.paint import columns, paint_for, plain

Draw = Callable[[Questions, int], RenderableType]
"""Asks, and makes a picture for so many cells."""


def show(
    arguments: argparse.Namespace,
    path: str,
    query: list[tuple[str, str]],
    draw: Draw,
    other_prices: Catalog | None = None,
) -> int:
    """Print the answer to a question, in the form that the arguments ask for.

    Raises ConfigError, NoAnswerError, RefusedError.
    """
    form = check_form(arguments)
    query = with_time_zone(arguments, query)
    with open_questions(arguments, other_prices) as answer:
        answer.warn()
        if form is not None:
            write_exactly(answer.value.text(path, query, form))
            return 0
        print_picture(answer, draw(answer.value, columns()), arguments)
    return 0


def check_form(arguments: argparse.Namespace) -> Form | None:
    """The API's form that was asked for; None for a picture. Raises ConfigError."""
    if arguments.json and arguments.csv:
        raise ConfigError([Problem("--csv", "cannot be used with --json", "give one of them")])
    return "csv" if arguments.csv else "json" if arguments.json else None


def print_picture(
    answer: Answer[Questions], picture: RenderableType, arguments: argparse.Namespace
) -> None:
    """Print a picture below who has answered."""
    print(plain(answer.source[:1].upper() + answer.source[1:]), end="\n\n")
    print(drawn(picture, columns(), is_coloured=is_coloured(arguments)))


def is_coloured(arguments: argparse.Namespace) -> bool:
    """Whether colours are wanted and can be seen."""
    return not arguments.no_color and paint_for(sys.stdout, os.environ).enabled


def with_time_zone(
    arguments: argparse.Namespace, query: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """A query in the time zone that was asked for."""
    return [*query, ("time_zone", arguments.time_zone)] if arguments.time_zone else query
