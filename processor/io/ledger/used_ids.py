"""Which rows of a table are in use."""

from __future__ import annotations

from collections.abc import Iterable


class UsedIds:
    """Ids of a table that are in use, of those that it had at a moment; a bit for each."""

    def __init__(self, last: int) -> None:
        """`last` is the highest id by then. Its row is in use, so that no id is given twice."""
        self._last = last
        self._bits = bytearray((last >> 3) + 1)
        self.add(last)

    def add(self, row_id: int) -> None:
        """Note that a row is in use; of one that came later nothing is noted."""
        if row_id <= self._last:
            self._bits[row_id >> 3] |= 1 << (row_id & 7)

    def without(self, row_ids: Iterable[int]) -> list[int]:
        """Those of which nothing uses the row."""
        bits, last = self._bits, self._last
        return [each for each in row_ids if each <= last and not bits[each >> 3] >> (each & 7) & 1]
