"""``llm-cost what-if``: what calls would have cost with other models, or at other prices."""

from __future__ import annotations

import argparse

from rich.console import RenderableType

from processor.cli.asked import filters_asked, time_asked
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.cli.sources import prices_from
from processor.core.errors import ConfigError, Problem
from processor.surfaces.api.documents import WhatIfDocument
from processor.surfaces.terminal.what_ifs import draw_what_if

_PATH = "/what-if"


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison. Raises ConfigError, NoAnswerError, RefusedError."""
    if not (arguments.model or arguments.prices):
        fix = "give --model MODEL=OTHER, or --prices FILE"
        raise ConfigError([Problem("--model", "says nothing to compare with", fix)])
    if arguments.prices and arguments.endpoint:
        what = "cannot be used with --prices, for which the ledger's file is read"
        raise ConfigError([Problem("--endpoint", what, "name its folder with --data-dir")])
    query = [
        *time_asked(arguments),
        *(("model", each) for each in arguments.model),
        *filters_asked(arguments.filter),
    ]

    def draw(questions: Questions, width: int) -> RenderableType:
        document = questions.get(WhatIfDocument, _PATH, with_time_zone(arguments, query))
        return draw_what_if(document, width)

    other = prices_from(arguments.prices).catalog if arguments.prices else None
    return show(arguments, _PATH, query, draw, other)
