"""``llm-cost trace``: a trace as a tree with what each span cost."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from rich.console import Group

from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.surfaces.api.documents import TraceDocument
from processor.surfaces.terminal.trace import draw_trace


def run(arguments: argparse.Namespace) -> int:
    """Print a trace. Raises ConfigError, NotFoundError, NoAnswerError, RefusedError."""
    path = f"/traces/{quote(arguments.id, safe='')}"

    def draw(questions: Questions, width: int) -> Group:
        document = questions.get(TraceDocument, path, with_time_zone(arguments, []))
        return Group(*draw_trace(document, width))

    return show(arguments, path, [], draw)
