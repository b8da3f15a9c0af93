"""``llm-cost session``: what a session has used, by model, and its traces."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from rich.console import Group

from processor.cli.asked import time_asked
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.surfaces.api.documents import OwnerDocument
from processor.surfaces.terminal.traces import draw_owner


def run(arguments: argparse.Namespace) -> int:
    """Print a session. Raises ConfigError, NotFoundError, NoAnswerError, RefusedError."""
    path = f"/sessions/{quote(arguments.id, safe='')}"
    limit = str(arguments.limit)
    query = [*time_asked(arguments), ("limit", limit), ("traces", limit)]

    def draw(questions: Questions, width: int) -> Group:
        document = questions.get(OwnerDocument, path, with_time_zone(arguments, query))
        return Group(*draw_owner(document, width))

    return show(arguments, path, query, draw)
