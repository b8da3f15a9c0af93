"""``llm-cost serve``: the processor itself."""

from __future__ import annotations

import argparse
import asyncio
import sys

from processor.app.application import serve
from processor.cli.log import log_to
from processor.cli.sources import settings_from
from processor.surfaces.terminal.paint import plain


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ConfigError."""
    settings = settings_from(arguments)
    log_to(sys.stderr, settings.log.level)
    asyncio.run(serve(settings, _announce))
    return 0


def _announce(line: str) -> None:
    # Flushed, because the reader may be a pipe.
    print(plain(line), flush=True)
