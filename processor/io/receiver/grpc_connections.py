"""How many connections to the gRPC port are open: its library lets nobody in beyond a bound.

It says nothing of that, and closes a connection that has been idle only after a time, so whoever
opens many keeps others out. The library does not count them; Linux does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Final

from processor.core.counters import OpenConnections
from processor.core.episodes import Episodes

_log = logging.getLogger(__name__)

_INTERVAL_S: Final = 5.0
_NONE_LEFT: Final = "connections"
_ESTABLISHED: Final = "01"
_NOT_ACCEPTED: Final = "0"
"""What stands for the socket of a connection that no process has accepted so far."""
_TABLES: Final = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))


class GrpcConnections:
    """Looks how many connections are open, and logs when nearly all are that may be."""

    def __init__(self, max_open: int) -> None:
        self.state = OpenConnections(0, max_open)
        """As of the last `look`; 0 open where that cannot be seen."""
        self._episodes = Episodes()

    async def follow(self, port: int) -> None:
        """Look every few seconds, for ever."""
        while True:
            is_open = await asyncio.to_thread(count_open, port)
            self.look(is_open, time.monotonic())
            await asyncio.sleep(_INTERVAL_S)

    def look(self, is_open: int, now_s: float) -> None:
        """So many are open now."""
        self.state = self.state._replace(open=is_open)
        if self.state.is_used_up and self._episodes.note(_NONE_LEFT, now_s):
            _log.warning(
                "%d of %d connections to the gRPC port are open; further senders are not let in "
                "until some are closed",
                *self.state,
            )
        for episode in self._episodes.end_quiet(now_s):
            _log.info(
                "further connections to the gRPC port are let in again, after %.0f s",
                episode.lasted_s,
            )


def count_open(port: int, tables: tuple[Path, ...] = _TABLES) -> int:
    """How many connections to a port are accepted and open; 0 where that cannot be read.

    Source: proc(5), ``/proc/net/tcp``. These are of all processes that share our network.
    """
    mark = f":{port:04X} "
    found = 0
    for table in tables:
        try:
            lines = table.read_text("ascii").splitlines()
        except (OSError, ValueError):
            continue
        # The second column is the local address, the fourth the state, the tenth the socket.
        columns = (line.split() for line in lines if mark in line)
        found += sum(
            each[1].endswith(mark.rstrip()) and each[3] == _ESTABLISHED and each[9] != _NOT_ACCEPTED
            for each in columns
        )
    return found
