"""SQLite's errors as those of this program."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Final

import apsw

from processor.core.errors import LedgerDamagedError, LedgerUnavailableError

_DELAY_S: Final = 5.0
_DAMAGED: Final = "is damaged (stop the processor and put a backup in its place)"
_WHAT_IT_IS: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.CorruptError, _DAMAGED),
    (apsw.NotADBError, _DAMAGED),
    (apsw.FullError, "has no room (free some on its disk)"),
    (apsw.IOError, "is on a disk that fails, or its files were changed"),
    (apsw.ReadOnlyError, "cannot be written"),
    (apsw.BusyError, "is held by another program"),
    (apsw.Error, "cannot be used"),
)
"""The first kind that fits names the error."""


class _Translated(ContextDecorator):
    """Turns SQLite's errors into ours: whatever it is, the sender may try again."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, apsw.Error):
            what = next(what for kind, what in _WHAT_IT_IS if isinstance(error, kind))
            kind = LedgerDamagedError if what is _DAMAGED else LedgerUnavailableError
            raise kind(f"the ledger {what}: {error}", _DELAY_S) from error


TRANSLATED = _Translated()
"""Stateless, so one is enough; it is around every statement."""
