"""``llm-cost unpriced``: calls whose cost is unknown, and what would make it known."""

from __future__ import annotations

import argparse

from rich.console import RenderableType

from processor.cli.flags import GRPC_FLAG
from processor.cli.invocation import repeated
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.cli.questions.address import api_address
from processor.cli.sources import NO_FILE_YET, settings_from
from processor.surfaces.api.documents import StatusDocument, UnpricedDocument
from processor.surfaces.terminal.unknown import draw_unknown

_PATH = "/unpriced"


def run(arguments: argparse.Namespace) -> int:
    """Print whose cost is unknown. Raises ConfigError, NoAnswerError, RefusedError."""
    query = [("limit", str(arguments.limit))]

    def draw(questions: Questions, width: int) -> RenderableType:
        document = questions.get(UnpricedDocument, _PATH, with_time_zone(arguments, query))
        file = questions.get(StatusDocument, "/status").price_file or NO_FILE_YET
        return draw_unknown(document, file, _reprice(arguments), width)

    return show(arguments, _PATH, query, draw)


def _reprice(arguments: argparse.Namespace) -> str:
    """The command that prices calls again, of the same ledger."""
    command = repeated("reprice", arguments, "config", "data_dir", "pricing")
    there = api_address(arguments, settings_from(arguments)) if arguments.endpoint else None
    return f"{command} {GRPC_FLAG} {there.grpc_beside}" if there else command
