"""The processor as a program: it runs until a signal ends it, and may show what passes."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Final, Protocol

from processor.app.application import App
from processor.app.backend_check import report_backends
from processor.app.notices import Notices
from processor.config import Settings
from processor.core.model import Intake, Plan
from processor.surfaces.terminal.live.view import LABEL_CELLS

_LOG = logging.getLogger(__name__)
_SHOWN: Final = "Each trace is shown here with its cost as it completes. Ctrl-C ends it."


class View(Protocol):
    """Whatever shows what was charged while it happens."""

    def note(self, intake: Intake, plan: Plan) -> None:
        """Take in what was charged for a batch, quickly."""

    def say(self, text: str, style: str = "", hang: int = LABEL_CELLS) -> None:
        """Show a sentence; its second line begins with `hang` blanks."""

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
    notices = Notices()

    def note(intake: Intake, plan: Plan) -> None:
        notices.note(intake, plan)
        if view is not None:
            view.note(intake, plan)

    app = App(settings, note)
    await app.start()
    for line in app.describe():
        announce(line)
    for warning in app.warnings():
        _LOG.warning(warning)
    beside = []
    if view is not None:
        for line in ("", _SHOWN, ""):
            view.say(line, "dim", 0)
        checking = report_backends(app.running.exporter, view.say)
        beside = [asyncio.create_task(view.run()), asyncio.create_task(checking)]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    # Whoever waits for a terminal that somebody has stopped would never end.
    say = announce if view is None else view.say
    say("stopping: finishing what is under way")
    await app.stop(settings.shutdown_timeout_s)
    for task in beside:
        task.cancel()
    say("stopped")
    if view is not None:
        view.finish()
