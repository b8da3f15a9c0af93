"""Notifications: what was sent, what waits, and why."""

from __future__ import annotations

from typing import Final

import apsw

from processor.core.notices import Backlog, Notification, Notifications
from processor.io.ledger import rows
from processor.io.ledger.statements import CROSSING

_FAILED_FOR_S: Final = 7 * 24 * 3600
"""How long what was given up is worth a look."""
_ROWS: Final = f"""
SELECT o.seq, o.channel, o.state, o.written_s, o.changed_s, o.next_s, o.attempts, o.error, o.report,
  {", ".join(f"c.{each}" for each in CROSSING)}
FROM outbox o LEFT JOIN crossings c ON c.seq = o.crossing
WHERE o.seq < ? ORDER BY o.seq DESC LIMIT ?
"""
_WAITING: Final = """
SELECT channel, COUNT(*), MAX(CASE WHEN attempts > 0 THEN error ELSE '' END) FROM outbox
WHERE state = 'waiting' GROUP BY channel
"""
_FAILED: Final = """
SELECT channel, COUNT(*), MAX(error) FROM outbox
WHERE state = 'failed' AND changed_s > ? GROUP BY channel
"""


def read_notifications(
    database: apsw.Connection, limit: int, before: int | None, now_s: int
) -> Notifications:
    """Notifications before a number, latest first, and what of each channel has not arrived."""
    found = database.execute(_ROWS, (before or 2**63 - 1, limit))
    listed = [
        Notification(
            seq,
            channel,
            state,
            written_s,
            changed_s,
            next_s,
            attempts,
            error,
            None if report is not None else rows.decode_crossing(crossing),
            report or "",
        )
        for (
            seq,
            channel,
            state,
            written_s,
            changed_s,
            next_s,
            attempts,
            error,
            report,
            *crossing,
        ) in found
    ]
    waiting = {name: (count, error) for name, count, error in database.execute(_WAITING)}
    since_s = now_s - _FAILED_FOR_S
    failed = {name: (count, error) for name, count, error in database.execute(_FAILED, (since_s,))}
    none = (0, "")
    backlogs = [
        Backlog(
            name,
            waiting.get(name, none)[0],
            failed.get(name, none)[0],
            waiting.get(name, none)[1] or failed.get(name, none)[1],
        )
        for name in sorted({*waiting, *failed})
    ]
    return Notifications(listed, backlogs)
