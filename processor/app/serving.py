"""The processor as a program: it runs until a signal ends it, and may show what passes."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Protocol

from processor.app.application import App
from processor.config import Settings
from processor.core.model import Intake, Plan

_LOG = logging.getLogger(__name__)


class View(Protocol):
    """Whatever shows what was charged while it happens."""

    def note(self, intake: Intake, plan: Plan) -> None:
        """Take in what was charged for a batch: quickly, and without raising."""

    async def run(self) -> None:
        """Show it, until it is cancelled."""

    def finish(self) -> None:
        """Show what is left."""


async def serve(
    settings: Settings, announce: Callable[[str], None], view: View | None = None
) -> None:
    """Run until SIGTERM or SIGINT, and show in `view` what passes.

    Raises ConfigError when it cannot start.
    """
    app = App(settings, None if view is None else view.note)
    await app.start()
    for line in app.describe():
        announce(line)
    for warning in app.warnings():
        _LOG.warning(warning)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    showing = None if view is None else asyncio.create_task(view.run())
    await stopping.wait()
    announce("stopping: finishing what is under way")
    await app.stop(settings.shutdown_timeout_s)
    if view is not None and showing is not None:
        showing.cancel()
        view.finish()
    announce("stopped")
