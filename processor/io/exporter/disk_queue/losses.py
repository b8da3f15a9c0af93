"""What becomes of acknowledged records that will not reach the backend by themselves."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from processor.core.episodes import Episodes
from processor.core.errors import LastFailure, PermanentError, SignalNotTakenError
from processor.core.model import Receipt
from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.outage_log import OutageLog

_log = logging.getLogger(__name__)

_NO_ROOM_DELAY_S: Final = 60.0
"""Until a refused record is sent again that could not be set aside."""
_QUIET_S: Final = 2.5 * _NO_ROOM_DELAY_S
"""What is tried once in that delay goes on until then."""
_DISPLACED: Final = "displaced"
_NO_ROOM: Final = "no_room"
_CREDENTIALS: Final = "credentials"


class Losses:
    """Sets aside what is refused, counts what is given up, and reports both when they begin."""

    def __init__(
        self, queue: AsyncDiskQueue, name: str, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`name` is the backend's."""
        self.aside: Counter[str] = Counter()
        """Records that were set aside, by reason."""
        self.not_set_aside = 0
        """How often that was not possible."""
        self.last_trouble: LastFailure | None = None
        self.lasting: dict[str, str] = {}
        """What keeps records in the queue until somebody acts, by kind; it is tried so seldom that
        the last trouble would be long ago."""
        self._dropped: Counter[str] = Counter()
        self._displaced_seen = 0
        """How many displaced records `note_displaced` has seen."""
        self._queue = queue
        self._name = name
        self._clock_s = clock_s
        self._episodes = Episodes(_QUIET_S)
        self._outages = OutageLog()

    @property
    def dropped(self) -> dict[str, int]:
        """Records that were given up, by reason."""
        displaced = self._queue.disk_queue.counters.displaced
        return {**self._dropped, **({_DISPLACED: displaced} if displaced else {})}

    async def set_aside(self, record: Record, reason: str, message: str) -> float | None:
        """Keep a refused record as a file; else give the wait until it is sent once more.

        Where it cannot be kept it stays in the queue, so a full folder loses nothing: in the end
        senders have to wait.
        """
        try:
            path = await self._queue.keep_refused(record, message)
        except OSError as error:
            self.not_set_aside += 1
            why = f"{error.strerror or error}"
            what = f"{self._name} refuses what was acknowledged ({message}); it stays in the queue"
            self.lasting[_NO_ROOM] = f"{what}, because it cannot be set aside: {why}"
            self._report(_NO_ROOM, self.lasting[_NO_ROOM])
            return _NO_ROOM_DELAY_S
        self.lasting.pop(_NO_ROOM, None)
        self.aside[reason] += 1
        self._report(
            f"refused {reason}",
            f"{self._name} refuses what was acknowledged; it is set aside in {path.parent}, "
            f"for `llm-cost resend`: {message}",
        )
        return None

    async def set_aside_copy(self, record: Record, receipt: Receipt) -> None:
        """Keep all of a record of which the backend has taken a part, marked as such.

        Nobody can tell which items it has rejected. Where no copy can be kept, they are counted all
        the same, and the health says so.
        """
        message = f"{receipt.rejected} items rejected: {receipt.message}"
        try:
            path = await self._queue.keep_refused(record, message, receipt.rejected)
        except OSError as error:
            what = f"{self._name} rejects items of what was acknowledged ({message})"
            self._report("rejected", f"{what}; no copy can be kept: {error.strerror or error}")
            return
        what = f"{self._name} rejects items of what was acknowledged; a copy is in {path.parent}"
        self._report("rejected", f"{what}: {message}")

    def note_credentials(self, error: PermanentError) -> None:
        """The backend refuses whatever we send, until it gets other credentials."""
        folder = self._queue.disk_queue.directory
        what = (
            f"{self._name} refuses our credentials; what waits in {folder} is kept until it takes"
        )
        self.lasting[_CREDENTIALS] = f"{what} them: {error}"
        self.note(self.lasting[_CREDENTIALS])
        self._outages.fail(_CREDENTIALS, "%s", self.lasting[_CREDENTIALS], level=logging.ERROR)

    def note_delivery(self) -> None:
        """The backend has taken a record, and so our credentials; nothing has to be set aside."""
        self.lasting.pop(_CREDENTIALS, None)
        self.lasting.pop(_NO_ROOM, None)
        self._outages.succeed(_CREDENTIALS, "%s takes our credentials again", self._name)

    def drop(self, reason: str, count: int) -> None:
        """Count records that are given up, and say so."""
        self._dropped[reason] += count
        self._report(f"dropped {reason}", f"{self._name}: what was acknowledged is lost ({reason})")

    def drop_not_taken(self) -> None:
        """Count a record of a signal that the backend does not have, as new ones are dropped."""
        self._dropped[SignalNotTakenError.reason] += 1

    def note_displaced(self) -> None:
        """Say that newer records have displaced others since the last call; the queue counts."""
        displaced = self._queue.disk_queue.counters.displaced
        if displaced > self._displaced_seen:
            self._displaced_seen = displaced
            what = f"{self._name}: the queue is full, and the oldest of what was acknowledged is"
            self._report(f"dropped {_DISPLACED}", f"{what} lost ({_DISPLACED})")

    def note(self, message: str) -> None:
        """Remember for the health what keeps acknowledged records from the backend."""
        times = self.last_trouble.times if self.last_trouble else 0
        self.last_trouble = LastFailure(message, self._clock_s(), times + 1)

    def _report(self, kind: str, message: str) -> None:
        now_s = self._clock_s()
        self.note(message)
        if self._episodes.note(kind, now_s):
            _log.error(message)
