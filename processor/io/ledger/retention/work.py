"""When what is older than it is to be kept is deleted: now and then, in steps beside the turns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from processor.io.ledger.background import Work
from processor.io.ledger.kept_from import Ages, KeptFrom, marks_at
from processor.io.ledger.retention.calls import CallsSweep
from processor.io.ledger.retention.hours import HoursSweep
from processor.io.ledger.retention.shared import SharedSweep
from processor.io.ledger.retention.space import SpaceSweep
from processor.io.ledger.retention.sweep import Sweep
from processor.io.ledger.retention.traces import KeysSweep, TracesSweep
from processor.io.ledger.working_set import WorkingSet

_INTERVAL_S: Final = 300.0
"""Between two looks whether something is old enough."""
_SHARED_SHARE: Final = 8
"""What all rows use is looked at once this part of those that are kept has been deleted."""


class Retention:
    """Deletes what is older than `ages`, while no work of `others` is under way.

    The time that ages count from is that of the clock, or the end of the last call where that is
    earlier: so a clock that is years ahead deletes nothing.
    """

    def __init__(
        self,
        working_set: WorkingSet,
        ages: Ages,
        others: Sequence[Work] = (),
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._working_set = working_set
        self._ages = ages
        self._others = others
        self._clock_s = clock_s
        self._next_look_s = math.inf
        self._swept = KeptFrom()
        """How far the last sweeps have come."""
        self._sweeps: Iterator[Sweep] = iter(())
        self._sweep: Sweep | None = None

    def load(self) -> None:
        """All else is loaded: from now on it may look whether something is old enough."""
        if any(self._ages):
            self._next_look_s = 0.0

    def finish(self) -> None:
        """Delete the rest of a trace of which a part is deleted, before others read it.

        Raises what the store raises.
        """
        if not self._working_set.partly_deleted:
            return
        store = self._working_set.store
        store.begin()
        try:
            store.deleted.calls.finish()
            store.commit()
        except BaseException:
            store.rollback()
            raise

    @property
    def has_work(self) -> bool:
        """Whether `work` has something to do."""
        if self._sweep is None and time.monotonic() < self._next_look_s:
            return False
        return not any(each.has_work for each in self._others)

    def work(self) -> None:
        """Do a step, in a transaction of its own. Raises what the store raises."""
        if self._sweep is None:
            self._read_kept_from()
            self._next_look_s = time.monotonic() + _INTERVAL_S
            self._sweeps = self._due()
            self._go_on()
            return
        store = self._working_set.store
        try:
            store.begin()
            self._sweep.step()
            store.commit()
        except BaseException:
            # A commit may fail after it is durable, where the files are gone by then.
            self._working_set.is_current = False
            # What is in memory may be ahead of what is kept, so all is looked at anew.
            self._sweep, self._swept, self._next_look_s = None, KeptFrom(), 0.0
            store.rollback()
            raise
        self._sweep.committed()
        self._read_kept_from()
        if self._sweep.is_done:
            self._go_on()

    def _read_kept_from(self) -> None:
        self._working_set.kept_from = self._working_set.store.deleted.kept_from()

    def _go_on(self) -> None:
        self._sweep = next(self._sweeps, None)

    def _due(self) -> Iterator[Sweep]:
        """The sweeps that may find something, one after the other."""
        working_set = self._working_set
        store = working_set.store
        now_s = min(int(self._clock_s()), store.deleted.newest_end_s())
        needed_s = working_set.budgets.policy.quarter_hours_s
        marks, swept = marks_at(now_s, self._ages, store.zones, needed_s), self._swept
        if marks.calls > swept.calls:
            yield CallsSweep(working_set, marks.calls, now_s)
        if marks.keys > swept.keys:
            yield KeysSweep(store.deleted, marks.keys, now_s)
        if marks.traces > swept.traces:
            yield TracesSweep(working_set, marks, now_s)
        kept = working_set.kept_from
        if kept.calls - kept.shared > self._ages.calls_s // _SHARED_SHARE:
            yield SharedSweep(store.deleted, kept.calls)
        hours_s = max(marks.hours, kept.hours)
        is_due = hours_s > kept.folded and store.deleted.hours.has_before(hours_s)
        if is_due or kept.hours > kept.folded:
            yield HoursSweep(store, (kept.folded, hours_s), store.zones.day_of)
        if marks != swept:
            yield SpaceSweep(store.deleted.space)
        self._swept = KeptFrom(*map(max, swept, marks))
