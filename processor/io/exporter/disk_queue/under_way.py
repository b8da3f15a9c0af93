"""Requests that are under way while an id is taken out of what is kept.

They are not called back. What becomes a file of them after all is renamed before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from processor.core.model import RequestRename
from processor.io.exporter.disk_queue.records import Record


class UnderWay:
    """Which ids were taken out since a request began; nothing once all from before have ended."""

    def __init__(self) -> None:
        self._renames: dict[int, RequestRename] = {}
        self._next = 0
        self._since: Counter[int] = Counter()
        """How many requests have begun before the rename of that number."""

    def begin(self) -> int:
        """A request begins; returns when, for the others."""
        self._since[self._next] += 1
        return self._next

    def end(self, since: int) -> None:
        """It has ended."""
        self._since[since] -= 1
        if not self._since[since]:
            del self._since[since]
        self._discard()

    @contextmanager
    def follow(self) -> Iterator[int]:
        """A request is under way; gives since when."""
        since = self.begin()
        try:
            yield since
        finally:
            self.end(since)

    def add(self, rename: RequestRename) -> None:
        """An id is taken out from now on."""
        self._renames[self._next] = rename
        self._next += 1
        self._discard()

    def renamed(self, record: Record, since: int) -> Record:
        """What a request that has begun then is kept as now."""
        for number, rename in self._renames.items():
            if number >= since:
                record = without_id(record, rename)
        return record

    def _discard(self) -> None:
        first = min(self._since, default=self._next)
        self._renames = {at: each for at, each in self._renames.items() if at >= first}


def without_id(record: Record, rename: RequestRename) -> Record:
    """A record without an id."""
    return record._replace(payload=rename.payload(record.signal, record.payload))
