"""Adds days to the sums of months once they are over, in steps that stand between turns."""

from __future__ import annotations

import time
from contextlib import suppress

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Plan
from processor.io.ledger.store import Store


class MonthSums:
    """Keeps the sums of months up with the days, in steps that stand between turns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_day_s = -1
        """The last day that has begun with a call of it, as far as `note` has seen."""
        self.has_work = False
        """Whether there may be a day to add."""

    def load(self) -> None:
        """Look whether there is a day to add. Raises what the store raises."""
        self.has_work = self._store.day_for_month(int(time.time())) is not None

    def note(self, plan: Plan) -> None:
        """A plan was committed: where a day has begun, the one before can be added.

        A call of a day that the clock has not begun is like one of today: its sender may be wrong.
        """
        last_s = max((start_s for start_s, _ in plan.days), default=-1)
        if last_s <= self._last_day_s:
            return
        with suppress(LedgerUnavailableError):  # The step will tell.
            last_s = min(last_s, self._store.zones.day_of(int(time.time()))[0])
            if last_s > self._last_day_s:
                self._last_day_s, self.has_work = last_s, True
                self.load()

    def work(self) -> None:
        """Add a day, in a transaction of its own. Raises what the store raises."""
        self._store.begin()
        try:
            day_s = self._store.day_for_month(int(time.time()))
            if day_s is not None:
                self._store.add_day_to_month(day_s)
            self._store.commit()
        except BaseException:
            self._store.rollback()
            raise
        self.load()
