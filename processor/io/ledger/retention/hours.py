"""Deletes sums by hour that are older than they are to be kept; those by day stay."""

from __future__ import annotations

import time
from collections.abc import Callable

from processor.io.ledger.folded_hours import Total
from processor.io.ledger.retention.sweep import STEP_S
from processor.io.ledger.store import Store


class HoursSweep:
    """Deletes sums by hour, and adds totals by quarter hour up by day."""

    def __init__(
        self, store: Store, range_s: tuple[int, int], day_of: Callable[[int], tuple[int, int]]
    ) -> None:
        """`range_s` is from where all is added up already to where it has to be: ends of days."""
        self._rows = store.deleted
        self._range_s = range_s
        self._day_of = day_of
        self._has_hours = True
        self._total: Total | None = None
        self._from_s: int | None = None
        """From when on the total at hand is still to be added up; None once it is."""
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        hours, (_, before_s) = self._rows.hours, self._range_s
        self._rows.move("hours", before_s)
        while not self.is_done and time.monotonic() < end_s:
            if self._has_hours:
                self._has_hours = hours.delete_hour(before_s)
                continue
            if self._from_s is None:
                self._total, self._from_s = hours.next_total(self._total), self._range_s[0]
            if self._total is None:
                self._rows.move("folded", before_s)
                self.is_done = True
            else:
                self._from_s = hours.fold(self._total, (self._from_s, before_s), self._day_of)

    def committed(self) -> None:
        """See `Sweep`."""
