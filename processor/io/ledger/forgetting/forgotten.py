"""Which ids were taken out, kept as digests, and what is read instead of them in older traces."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import blake2b
from typing import Final, NamedTuple

import apsw

from processor.core.model import TRACE_ID_BYTES
from processor.core.posting import Renaming, RenamingOf
from processor.io.ledger.interning import Cache
from processor.io.ledger.translation import TRANSLATED

_SECRET_BYTES: Final = 16
_DIGEST_BYTES: Final = 16
_CACHED_MAX: Final = 4096
_READ: Final = "SELECT secret, digest, tombstone, last_trace, waiting FROM forgotten ORDER BY seq"
_INSERT: Final = """
INSERT INTO forgotten (secret, digest, tombstone, last_trace, waiting) VALUES (?, ?, ?, ?, ?)
"""
_REPLACE: Final = "UPDATE forgotten SET tombstone = ? WHERE tombstone = ?"


class _Forgotten(NamedTuple):
    tombstone: str
    last_trace: int
    """The highest number of a trace at that time."""
    waiting: frozenset[bytes]
    """Ids of traces without a number that named it then."""


class ForgottenIds:
    """Empty where nobody was forgotten, and then nothing is asked. One thread owns it."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database
        self._secret = b""
        self._rows: dict[bytes, list[_Forgotten]] = {}
        self._has_to_load = True
        """Not when it is made: a damaged file can be opened, and the turn that reads it says so."""
        self._digests = Cache[str, bytes](_CACHED_MAX)

    def __bool__(self) -> bool:
        if self._has_to_load:
            self.load()
        return bool(self._rows)

    def undo(self) -> None:
        """A transaction is undone, which may have added one."""
        self._has_to_load = self._has_to_load or bool(self._rows)

    @TRANSLATED
    def load(self) -> None:
        """Read what the file has."""
        self._rows, self._has_to_load = {}, False
        for secret, digest, tombstone, last_trace, waiting in self._database.execute(_READ):
            ids = range(0, len(waiting), TRACE_ID_BYTES)
            traces = frozenset(waiting[at : at + TRACE_ID_BYTES] for at in ids)
            row = _Forgotten(tombstone, last_trace, traces)
            self._rows.setdefault(digest, []).append(row)
            self._secret = secret

    @TRANSLATED
    def add(self, user: str, tombstone: str, last_trace: int, waiting: set[bytes]) -> None:
        """Keep that an id is read as a tombstone from now on. The caller commits."""
        if self._has_to_load:
            self.load()
        # It may be a tombstone itself, under which what comes late must not stand again.
        self._database.execute(_REPLACE, (tombstone, user))
        self._secret = self._secret or secrets.token_bytes(_SECRET_BYTES)
        columns = self._secret, self._digest(user), tombstone, last_trace, b"".join(sorted(waiting))
        self._database.execute(_INSERT, columns)
        # No text of it stays in memory.
        self._digests.clear()
        self.load()

    def renamings(self, number_of: Callable[[bytes], int], old_ns: int) -> RenamingOf:
        """What is read instead of ids, by trace; `number_of` gives the number of one, 0 for none.

        One without a number whose span ended before `old_ns` may have been deleted.
        """
        return lambda trace_id, time_ns: self.renaming(
            trace_id, number_of(trace_id), is_old=time_ns < old_ns
        )

    def renaming(self, trace_id: bytes, number: int, *, is_old: bool) -> Renaming | None:
        """What is read instead of ids in a trace, given with its number, 0 for none.

        `is_old` says that it has no number any more.
        """

        def applies(row: _Forgotten) -> bool:
            # One that waited then has had its number since.
            was_there = 0 < number <= row.last_trace or trace_id in row.waiting
            return was_there or (is_old and not number)

        if not any(applies(row) for rows in self._rows.values() for row in rows):
            return None

        def renamed(text: str) -> str | None:
            rows = self._rows.get(self._digest(text), ())
            return next((row.tombstone for row in rows if applies(row)), None)

        return renamed

    def _digest(self, text: str) -> bytes:
        known = self._digests.get(text)
        if known is None:
            hashed = blake2b(text.encode(), digest_size=_DIGEST_BYTES, key=self._secret)
            known = self._digests[text] = hashed.digest()
        return known


def new_tombstone() -> str:
    """What stands in the place of an id: nothing leads from it to that."""
    return f"forgotten-{secrets.token_hex(4)}"
