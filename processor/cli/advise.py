"""``llm-cost advise``: what would have cost less, and days that were unlike those before."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from rich.console import RenderableType

from processor.cli.asked import filters_asked, time_asked
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.core.errors import ConfigError, Problem
from processor.surfaces.api.documents import AdviceDocument, EfficiencyDocument
from processor.surfaces.terminal.advice import draw_advice, draw_efficiency

_PATH = "/advice"


def run(arguments: argparse.Namespace) -> int:
    """Print suggestions. Raises ConfigError, NoAnswerError, RefusedError."""
    if arguments.task:
        return _of_task(arguments)
    query = [
        *time_asked(arguments),
        *filters_asked(arguments.filter),
        ("limit", str(arguments.limit)),
    ]

    def draw(questions: Questions, width: int) -> RenderableType:
        document = questions.get(AdviceDocument, _PATH, with_time_zone(arguments, query))
        return draw_advice(document, width)

    return show(arguments, _PATH, query, draw)


def _of_task(arguments: argparse.Namespace) -> int:
    """Print how efficient a task was, and suggestions."""
    for flag in ("period", "since", "until", "filter"):
        if getattr(arguments, flag):
            what = "cannot be used with --task, which is looked at as a whole"
            raise ConfigError([Problem(f"--{flag}", what, "leave one of them out")])
    path = f"/tasks/{quote(arguments.task, safe='')}/efficiency"

    def draw(questions: Questions, width: int) -> RenderableType:
        document = questions.get(EfficiencyDocument, path, with_time_zone(arguments, []))
        return draw_efficiency(document, width)

    return show(arguments, path, [], draw)
