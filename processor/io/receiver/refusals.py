"""Refusals in the log: each reason when it begins and when it is over, however many there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from processor.core.episodes import Episodes
from processor.core.errors import ProcessorError, RetryableError
from processor.io.receiver.status import CutOffError

_log = logging.getLogger(__name__)
_SILENT: Final = frozenset(
    {
        "caller_left",
        "backend_unavailable",
        "backend_refused",
        "stopping",
        "not_http",
        "invalid_question",
        "not_found",
    }
)
"""Reasons that are no refusal of ours, or that whoever has them logs already. A question that
cannot be answered as it is asked concerns who asked it, and no span."""


class Refusals:
    """Logs refusals by their reason."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._episodes = Episodes()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, error: ProcessorError | CutOffError) -> None:
        """Count a refusal, and log it where it is the first of an episode."""
        if error.reason in _SILENT:
            return
        if self._episodes.note(error.reason, self._clock_s()):
            what = "asked to send again later" if isinstance(error, RetryableError) else "rejected"
            what = "cut off" if isinstance(error, CutOffError) else what
            _log.warning("requests are %s (%s), the first: %r", what, error.reason, str(error))
        self._look_later()

    def _look_later(self) -> None:
        with suppress(RuntimeError):  # Without a loop there is nobody to look.
            loop = asyncio.get_running_loop()
            if self._timer is None:
                self._timer = loop.call_later(self._episodes.quiet_s / 2, self._end_quiet)

    def _end_quiet(self) -> None:
        self._timer = None
        for over in self._episodes.end_quiet(self._clock_s()):
            _log.info(
                "no request is refused for %s any more: %d in %.0f s",
                over.kind,
                over.count,
                over.lasted_s,
            )
        if self._episodes:
            self._look_later()
