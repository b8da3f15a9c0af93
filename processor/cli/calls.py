"""``llm-cost calls``: calls one by one, latest first."""

from __future__ import annotations

import argparse
import shlex

from rich.console import Group

from processor.cli.asked import filters_asked, time_asked
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.surfaces.api.documents import CallsDocument
from processor.surfaces.terminal.calls import draw_calls
from processor.surfaces.terminal.paint import plain

_PATH = "/calls"


def run(arguments: argparse.Namespace) -> int:
    """Print a page of calls. Raises ConfigError, NoAnswerError, RefusedError."""
    query = [
        *time_asked(arguments),
        *filters_asked(arguments.filter),
        ("limit", str(arguments.limit)),
    ]
    if arguments.cursor:
        query.append(("cursor", arguments.cursor))

    following: list[str] = []

    def draw(questions: Questions, width: int) -> Group:
        document = questions.get(CallsDocument, _PATH, with_time_zone(arguments, query))
        following.append(document.next_cursor or "")
        return Group(*draw_calls(document, width))

    code = show(arguments, _PATH, query, draw)
    if any(following):
        # On one line however long it is, so that it can be copied.
        print(f" more: the same with --cursor {plain(shlex.quote(following[0]))}")
    return code
