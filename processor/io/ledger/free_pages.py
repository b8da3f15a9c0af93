"""Pages of the file that nothing is in."""

from __future__ import annotations

from typing import Final, NamedTuple

import apsw

from processor.io.ledger.translation import TRANSLATED

_INCREMENTAL: Final = 2
"""SQLite's number of a file that can give free pages back."""


class FreePages(NamedTuple):
    """Pages of the file that nothing is in; they are used again."""

    free: int
    pages: int
    """All of them."""
    page_bytes: int
    can_be_given_back: bool
    """False for a file of an older program, until it is copied."""


class FileSpace:
    """Says how much of a ledger's file is free, and gives it back; on the writer's connection."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database

    @TRANSLATED
    def free_pages(self) -> FreePages:
        """What the file has that nothing is in."""
        free, pages, size, mode = (
            int(str(self._database.pragma(name)))
            for name in ("freelist_count", "page_count", "page_size", "auto_vacuum")
        )
        return FreePages(free, pages, size, mode == _INCREMENTAL)

    @TRANSLATED
    def give_back(self, pages: int) -> None:
        """Give free pages back to the disk, where the file can."""
        self._database.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
