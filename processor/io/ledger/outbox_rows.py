"""Notifications that wait, in the rows of the ledger: written with crossings, by the same turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import apsw

from processor.core.budgets.notify import channels_of
from processor.core.budgets.policy import Policy
from processor.core.model import Crossing
from processor.core.notices import Taken, Waiting, is_notified
from processor.io.ledger import rows
from processor.io.ledger.statements import CROSSING
from processor.io.ledger.translation import TRANSLATED

_GIVEN_UP_AFTER_S: Final = 24 * 3600
_KEPT_S: Final = 90 * 24 * 3600
"""How long what was sent or given up is kept: a report of a month is due for a month."""
_GIVEN_UP_AT_ONCE: Final = 500
_DELETED_AT_ONCE: Final = 20

_INSERT: Final = """
INSERT INTO outbox (channel, crossing, report, written_s, state, attempts, next_s, message, error,
  changed_s) VALUES (?, ?, ?, ?4, 'waiting', 0, ?4, 0, '', ?4)
"""
_INSERT_REPORT: Final = f"{_INSERT.rstrip()} ON CONFLICT DO NOTHING"
_FIRST: Final = """
SELECT seq, message, report FROM outbox WHERE channel = ? AND state = 'waiting' AND next_s <= ?
ORDER BY next_s, seq LIMIT 1
"""
_NEXT: Final = "SELECT MIN(next_s) FROM outbox WHERE channel = ? AND state = 'waiting'"
_COUNT: Final = """
SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE channel = ? AND state = 'waiting' LIMIT 1000)
"""
_WAITING: Final = f"""
SELECT o.seq, o.report, o.written_s, o.attempts, {", ".join(f"c.{each}" for each in CROSSING)}
FROM outbox o LEFT JOIN crossings c ON c.seq = o.crossing
WHERE o.channel = ?1 AND o.state = 'waiting' AND o.next_s <= ?2 AND
"""
_MESSAGE: Final = f"{_WAITING} o.message = ?3 ORDER BY o.next_s, o.seq"
_SINGLE: Final = f"{_WAITING} o.seq = ?3"
_UNFOLDED: Final = f"""
{_WAITING} o.message = 0 AND o.crossing IS NOT NULL ORDER BY o.next_s, o.seq LIMIT ?3
"""
_FOLD: Final = "UPDATE outbox SET message = ? WHERE seq = ?"
_SENT: Final = """
UPDATE outbox SET state = 'sent', attempts = attempts + 1, error = '', changed_s = ? WHERE seq = ?
"""
_FAILED: Final = """
UPDATE outbox SET attempts = attempts + 1, next_s = ?, error = ?, changed_s = ? WHERE seq = ?
"""
_GIVE_UP: Final = f"""
UPDATE outbox SET state = 'failed', error = ?1, changed_s = ?2 WHERE seq IN (
  SELECT seq FROM outbox WHERE channel = ?3 AND state = 'waiting' AND written_s <= ?4
  LIMIT {_GIVEN_UP_AT_ONCE})
"""
_CHANNELS: Final = "SELECT DISTINCT channel FROM outbox WHERE state = 'waiting'"
_GIVE_UP_CHANNEL: Final = """
UPDATE outbox SET state = 'failed', error = ?, changed_s = ? WHERE channel = ? AND state = 'waiting'
"""
_DELETE: Final = f"""
DELETE FROM outbox WHERE seq < (SELECT MIN(seq) FROM outbox) + {_DELETED_AT_ONCE}
  AND state <> 'waiting' AND changed_s < ?
"""


class OutboxRows:
    """Reads and writes on the writer's connection, between `begin` and `commit` of its store."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database
        self._channels: Mapping[tuple[str, float], tuple[str, ...]] = {}
        """The channels of crossings, by budget and threshold."""
        self.on_added: Callable[[], None] | None = None
        """Called when something new may wait; its transaction may yet be undone."""

    def follow(self, policy: Policy) -> None:
        """Write notifications as these budgets ask for them, from now on."""
        self._channels = channels_of(policy)

    def add(self, crossings: Sequence[Crossing], last_seq: int) -> None:
        """Write the notifications of crossings, of which the last has this number."""
        if not self._channels:
            return
        now_s = int(time.time())
        numbered = enumerate(crossings, last_seq - len(crossings) + 1)
        columns = [
            (channel, seq, None, now_s)
            for seq, each in numbered
            if is_notified(each, now_s)
            for channel in self._channels.get((each.budget, each.threshold), ())
        ]
        if columns:
            self._database.executemany(_INSERT, columns)
            self._note_added()

    def add_report(self, channels: Collection[str], period: str, now_s: int) -> None:
        """Write that a report is due, unless it was written before."""
        with TRANSLATED:
            columns = [(channel, None, period, now_s) for channel in channels]
            self._database.executemany(_INSERT_REPORT, columns)
        self._note_added()

    @TRANSLATED
    def take(self, channel: str, now_s: int, limit: int) -> Taken:
        """What is due by a channel, as `Outbox.take` says."""
        taken = self._take(channel, now_s, limit)
        return taken._replace(waiting=self._database.execute(_COUNT, (channel,)).get)

    def _take(self, channel: str, now_s: int, limit: int) -> Taken:
        first = self._database.execute(_FIRST, (channel, now_s)).fetchall()
        if not first:
            return Taken((), self._database.execute(_NEXT, (channel,)).get)
        [(seq, message, report)] = first
        if message:
            return Taken(self._waiting(_MESSAGE, channel, now_s, message), None)
        if report is not None or limit == 1:
            return Taken(self._waiting(_SINGLE, channel, now_s, seq), None)
        found = self._waiting(_UNFOLDED, channel, now_s, limit)
        self._database.executemany(_FOLD, [(seq, each.seq) for each in found])
        return Taken(found, None)

    def _waiting(self, statement: str, *key: Any) -> list[Waiting]:  # noqa: ANN401 - of a statement
        return [
            Waiting(
                seq,
                None if report is not None else rows.decode_crossing(crossing),
                report or "",
                written_s,
                attempts,
            )
            for seq, report, written_s, attempts, *crossing in self._database.execute(
                statement, key
            )
        ]

    @TRANSLATED
    def sent(self, taken: Sequence[Waiting], now_s: int) -> None:
        """Note that it has been delivered, and delete a little of what is old."""
        self._database.executemany(_SENT, [(now_s, each.seq) for each in taken])
        self._database.execute(_DELETE, (now_s - _KEPT_S,))

    @TRANSLATED
    def failed(
        self, channel: str, taken: Sequence[Waiting], now_s: int, next_s: int, error: str
    ) -> int:
        """Note that it was not; returns how many were given up."""
        columns = [(next_s, error, now_s, each.seq) for each in taken]
        self._database.executemany(_FAILED, columns)
        self._database.execute(_GIVE_UP, (error, now_s, channel, now_s - _GIVEN_UP_AFTER_S))
        given_up: int = self._database.changes()
        return given_up

    @TRANSLATED
    def give_up_others(self, channels: Collection[str], now_s: int) -> None:
        """Give up what waits for other channels than these."""
        waiting = [name for (name,) in self._database.execute(_CHANNELS).fetchall()]
        error = "the settings have no such channel any more"
        columns = [(error, now_s, name) for name in waiting if name not in channels]
        self._database.executemany(_GIVE_UP_CHANNEL, columns)

    def _note_added(self) -> None:
        if self.on_added is not None:
            self.on_added()
