"""``llm-cost report``: what was used in a time, by whom and for what."""

from __future__ import annotations

import argparse

from rich.console import Group

from processor.cli.asked import filters_asked, period_asked, time_asked
from processor.cli.forecast import FORECAST_WINDOWS, forecast_of
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.surfaces.api.documents import CostsDocument
from processor.surfaces.terminal.costs import draw_costs

_PATH = "/costs"


def run(arguments: argparse.Namespace) -> int:
    """Print a report. Raises ConfigError, NoAnswerError, RefusedError."""
    query = [
        *time_asked(arguments),
        *(("group_by", name) for name in arguments.by),
        *filters_asked(arguments.filter),
        ("order_by", arguments.order_by),
        ("limit", str(arguments.limit)),
    ]
    if arguments.bucket:
        query.append(("bucket", arguments.bucket))
    if arguments.compare:
        query.append(("compare", "previous"))

    period = period_asked(arguments)

    def draw(questions: Questions, width: int) -> Group:
        document = questions.get(CostsDocument, _PATH, with_time_zone(arguments, query))
        found = None
        if period in FORECAST_WINDOWS and not arguments.bucket:
            asked = [("window", period), *filters_asked(arguments.filter)]
            found = forecast_of(questions, with_time_zone(arguments, asked))
        return Group(*draw_costs(document, width, ", ".join(arguments.filter), found))

    return show(arguments, _PATH, query, draw)
