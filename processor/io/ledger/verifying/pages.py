"""Whether SQLite can read every page of the file."""

from __future__ import annotations

from itertools import islice
from typing import Final

import apsw

from processor.io.ledger.verifying.check import Findings, Step

_FOUND_MAX: Final = 20


class Pages:
    """SQLite's own check, of one table in a step; `is_full` also holds indexes to their tables."""

    name = "pages"

    def __init__(self, *, is_full: bool) -> None:
        self._pragma = "integrity_check" if is_full else "quick_check"

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next table."""
        findings = Findings(self.name)
        at = max(position, 0)
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rootpage"
        # The list of tables is one itself, which it does not name.
        names = ["sqlite_schema", *(str(row[0]) for row in database.execute(query))]
        if at < len(names):
            pragma = f"PRAGMA {self._pragma}('{names[at]}')"
            try:
                said = [str(row[0]) for row in islice(database.execute(pragma), _FOUND_MAX)]
            except apsw.CorruptError as error:
                said = [str(error)]
            findings.say(f"table {names[at]}: {what}" for what in said if what != "ok")
        is_last = at + 1 >= len(names)
        return findings.step(None if is_last else at + 1, min((at + 1) / max(len(names), 1), 1.0))
