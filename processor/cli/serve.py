"""``llm-cost serve``: the processor itself."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from processor.app.serving import serve
from processor.cli.log import log_to
from processor.cli.sources import settings_from
from processor.surfaces.terminal.live.view import LiveView
from processor.surfaces.terminal.paint import paint_for, plain


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises ConfigError."""
    settings = settings_from(arguments)
    if not sys.stdout.isatty() or arguments.quiet:
        log_to(sys.stderr, settings.log.level)
        asyncio.run(serve(settings, _announce))
        return 0
    paint = paint_for(sys.stdout, os.environ)
    view = LiveView(sys.stdout, paint, is_verbose=arguments.verbose)
    log_to(sys.stderr, settings.log.level, view.say)
    try:
        asyncio.run(serve(settings, _announce, view))
    finally:
        view.finish()
    if view.is_stuck:
        # Python would wait at its end until the terminal has taken what is buffered.
        os._exit(0)
    return 0


def _announce(line: str) -> None:
    # Flushed, because the reader may be a pipe.
    print(plain(line), flush=True)
