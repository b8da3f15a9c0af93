"""``llm-cost prices``: the models that are used, what each costs now, and who says so."""

from __future__ import annotations

import argparse

from rich.console import RenderableType

from processor.cli import prices_import
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.surfaces.api.documents import PricesDocument, UnpricedDocument
from processor.surfaces.terminal.prices import draw_prices

_PATH = "/prices"


def run(arguments: argparse.Namespace) -> int:
    """Show prices, or import some. Raises ConfigError, NoAnswerError, RefusedError."""
    if arguments.action == "import":
        return prices_import.run(arguments)
    query = [("limit", str(arguments.limit))]
    if arguments.period:
        query.append(("window", arguments.period))

    def draw(questions: Questions, width: int) -> RenderableType:
        prices = questions.get(PricesDocument, _PATH, with_time_zone(arguments, query))
        unpriced = questions.get(UnpricedDocument, "/unpriced", with_time_zone(arguments, []))
        return draw_prices(prices, unpriced, width)

    return show(arguments, _PATH, query, draw)
