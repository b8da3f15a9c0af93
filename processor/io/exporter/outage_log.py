"""Outages in the log: each when it begins and when it is over, however often things fail."""

from __future__ import annotations

import asyncio
import logging
import math

from processor.core.episodes import Episodes

_log = logging.getLogger(__name__)


class OutageLog:
    """Logs what fails again and again, by kind.

    Under load a backend fails and takes payloads in turn, which is one outage: it is over when
    something has succeeded and nothing has failed for a while since.
    """

    def __init__(self, quiet_s: float = 30.0) -> None:
        """`quiet_s` is that while."""
        self._quiet_s = quiet_s
        self._episodes = Episodes(math.inf)
        self._ends: dict[str, asyncio.TimerHandle] = {}

    def fail(self, kind: str, what: str, *values: object, level: int = logging.WARNING) -> None:
        """Count a failure, and log it where an outage begins with it."""
        if end := self._ends.pop(kind, None):
            end.cancel()
        if self._episodes.note(kind, asyncio.get_running_loop().time()):
            _log.log(level, what, *values)

    def succeed(self, kind: str, over: str, *values: object) -> None:
        """Something has succeeded; `over` is logged with what happened once the outage is over."""
        if self._episodes.lasts(kind) and kind not in self._ends:
            loop = asyncio.get_running_loop()
            self._ends[kind] = loop.call_later(self._quiet_s, self._end, kind, over % values)

    def _end(self, kind: str, over: str) -> None:
        del self._ends[kind]
        if episode := self._episodes.end(kind):
            what = "%s; before that it failed %d times within %.0f s"
            _log.info(what, over, episode.count, episode.lasted_s)
