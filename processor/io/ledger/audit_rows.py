"""The audit: who has changed what, written by the thread that writes the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import apsw

from processor.core.model import AuditEntry
from processor.io.ledger.reading.sums import Row
from processor.io.ledger.translation import TRANSLATED

_COLUMNS: Final = "time_ns, actor, action, subject, before, after"
_INSERT: Final = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) RETURNING seq"
_COMPLETE: Final = "UPDATE audit SET before = ?, after = ? WHERE seq = ?"
_LAST: Final = f"SELECT {_COLUMNS}, seq FROM audit WHERE action = ? ORDER BY seq DESC LIMIT 1"


class AuditRows:
    """Lines are appended; only what work under way has come to is added when it is done."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database

    def add(self, entry: AuditEntry) -> int:
        """Append a line; returns its number. The caller commits."""
        with TRANSLATED:
            number: int = self._database.execute(_INSERT, entry[:-1]).get
            return number

    def complete(self, number: int, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Note what has come of it. The caller commits."""
        with TRANSLATED:
            self._database.execute(_COMPLETE, (as_json(before), as_json(after), number))

    def last(self, action: str) -> AuditEntry | None:
        """The last line of an action."""
        with TRANSLATED:
            rows: list[Row] = self._database.execute(_LAST, (action,)).fetchall()
        return AuditEntry(*rows[0]) if rows else None


def as_json(values: Mapping[str, str]) -> str:
    """Before or after, as a line has it."""
    return json.dumps(values, ensure_ascii=False)
