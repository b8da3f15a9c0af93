"""``llm-cost advise``: what would have cost less, and days that were unlike those before."""

from __future__ import annotations

import argparse

from rich.console import RenderableType

from processor.cli.asked import filters_asked, time_asked
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.surfaces.api.documents import AdviceDocument
from processor.surfaces.terminal.advice import draw_advice

_PATH = "/advice"


def run(arguments: argparse.Namespace) -> int:
    """Print suggestions. Raises ConfigError, NoAnswerError, RefusedError."""
    query = [
        *time_asked(arguments),
        *filters_asked(arguments.filter),
        ("limit", str(arguments.limit)),
    ]

    def draw(questions: Questions, width: int) -> RenderableType:
        document = questions.get(AdviceDocument, _PATH, with_time_zone(arguments, query))
        return draw_advice(document, width)

    return show(arguments, _PATH, query, draw)
