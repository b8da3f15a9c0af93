"""Whether anything that was charged for a time has changed since it was looked at."""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from typing import Final

import apsw

_LONGEST_DAY_S: Final = 26 * 3600
_SUMS: Final = "SELECT * FROM usage_days WHERE start_s > ? AND start_s < ? ORDER BY start_s, set_id"
"""Costs, quantities and dimensions; a call that moves to another agent changes two rows."""
_CALLS: Final = (
    "SELECT id, set_id, user_id, session_id, task_id FROM charges "
    "WHERE end_s >= ? AND end_s < ? ORDER BY end_s, id"
)
"""Whose each call is. What is priced again has another id."""
_DIGEST_CHARS: Final = 16
_ROWS_TOGETHER: Final = 1000


def read_fingerprint(database: apsw.Connection, start_s: int, end_s: int, *, of_calls: bool) -> str:
    """A digest of the sums by day that have a part of a time, and of its single calls.

    50 ms of CPU for a day of ten thousand combinations, 0.2 s more for its 405,000 calls.
    """
    digest = sha256()
    asked = [(_SUMS, (start_s - _LONGEST_DAY_S, end_s))]
    if of_calls:
        asked.append((_CALLS, (start_s, end_s)))
    for statement, bindings in asked:
        rows = database.execute(statement, bindings)
        while some := list(islice(rows, _ROWS_TOGETHER)):
            digest.update(repr(some).encode())
    return digest.hexdigest()[:_DIGEST_CHARS]
