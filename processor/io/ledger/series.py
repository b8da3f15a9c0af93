"""Further totals that budgets follow, and how a new one comes to hold what was charged before.

It is filled trace by trace, in the order in which these came, some at a time between turns, and of
a large trace some spans, in the order of their ids. What a turn changes in a span that is counted
already, it changes here as well; the others are met later, as they are then. Once there is none
left the totals are complete, and their budgets in force. How far it has come is kept, so that a
restart goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from typing import Final

from processor.core import posting
from processor.core.attribution import Node, Trace
from processor.core.budgets.verdict import Watch
from processor.core.budgets.watches import Watches
from processor.core.model import NOTHING, Posting, Totals
from processor.io.ledger.interning import Cache
from processor.io.ledger.stepped_trace import SteppedTrace
from processor.io.ledger.store import UNFOLLOWED, WHOLE, Filled, Store

_STEP_S: Final = 0.005
"""How long a step goes on; a turn that comes meanwhile waits for its end."""
_TRACES_READ: Final = 64
_SPANS_COUNTED: Final = 512
_TOTALS_DROPPED: Final = 1000
_TOGETHER_CACHED_MAX: Final = 4
_NOTHING: Final = Filled(0)


class FollowedSeries:
    """The series of the budgets in force, as far as they are filled."""

    def __init__(self, store: Store, in_memory: Mapping[bytes, Trace]) -> None:
        """`in_memory` are the working copies of turns."""
        self._store = store
        self._stepped = SteppedTrace(store, in_memory)
        self._watches: dict[str, Watch] = {}
        """Of each series one, whatever its window."""
        self._together = Cache[tuple[str, ...], Watches](_TOGETHER_CACHED_MAX)
        self._filled_to: dict[str, Filled] = {}
        """Of the series that are not complete."""
        self._unfollowed: list[str] = []
        self.traces_left = 0
        """How many traces are still to be counted for the series that is filled least. May be read
        from any thread."""

    @property
    def has_work(self) -> bool:
        """Whether `step` has something to do."""
        return bool(self._filled_to or self._unfollowed)

    def is_complete(self, series: str) -> bool:
        """Whether a series holds everything that was charged."""
        return series not in self._filled_to and series not in self._unfollowed

    def follow(self, watches: Sequence[Watch]) -> None:
        """Keep it that these series are followed, and no others; the caller commits, and loads."""
        wanted = {watch.series for watch in watches if watch.has_own_totals}
        known = self._store.series()
        for name in sorted(wanted - known.keys()):
            self._store.put_series(name, _NOTHING)
        for name in sorted(known.keys() - wanted):
            self._store.put_series(name, UNFOLLOWED)

    def load(self, watches: Sequence[Watch]) -> None:
        """Take up what is kept of the series of `watches`, which are in force from now on."""
        self._stepped.forget()
        self._together.clear()
        states = self._store.series()
        self._watches = {watch.series: watch for watch in watches if watch.has_own_totals}
        self._unfollowed = [name for name, state in states.items() if state == UNFOLLOWED]
        self._filled_to = {
            name: state
            for name, state in states.items()
            if state is not None and state != UNFOLLOWED
        }
        self._note_progress()

    def filling(self, trace_ids: Collection[bytes]) -> list[posting.Filling]:
        """Series that are being filled, and what of some traces is counted in them already.

        To be asked for all traces that a turn may change.
        """
        if not self._filled_to:
            return []
        numbers = {trace_id: self._store.trace_number(trace_id) for trace_id in trace_ids}
        together: dict[Filled, list[str]] = {}
        for name, filled_to in self._filled_to.items():
            if name in self._watches:
                together.setdefault(filled_to, []).append(name)
        return [
            posting.Filling(
                self._watches_of(names),
                {
                    trace_id: WHOLE if number < filled_to.trace else filled_to.span_id
                    for trace_id, number in numbers.items()
                    if 0 < number <= filled_to.trace
                },
            )
            for filled_to, names in together.items()
        ]

    def _watches_of(self, names: Sequence[str]) -> Watches:
        """Watches of some series that are filled together; there may be thousands."""
        asked = tuple(names)
        found = self._together.get(asked)
        if found is None:
            found = Watches(self._watches[name] for name in asked)
            self._together[asked] = found
        return found

    def step(self) -> list[str]:
        """Fill or drop a little, in a transaction of its own; returns the series now complete.

        Raises what the store raises, and then nothing has changed.
        """
        self._store.begin()
        try:
            complete = self._fill() if self._filled_to else self._drop()
            self._store.commit()
        except BaseException:
            self._store.rollback()
            self.load(tuple(self._watches.values()))
            raise
        self._note_progress()
        return complete

    def _note_progress(self) -> None:
        whole = [each.trace - (each.span_id != WHOLE) for each in self._filled_to.values()]
        whole += [0 for each in self._unfollowed if each in self._watches]
        filled_to = min(whole, default=None)
        self.traces_left = 0 if filled_to is None else self._store.last_trace() - filled_to

    def _fill(self) -> list[str]:
        position = min(self._filled_to.values())
        names = [name for name, filled_to in self._filled_to.items() if filled_to == position]
        # One that is counted in part comes first.
        before = position.trace - (position.span_id != WHOLE)
        found = self._store.traces_after(before, _TRACES_READ)
        end_s = time.monotonic() + _STEP_S
        for number, trace_id in found:
            position = self._count(names, number, trace_id, position, end_s)
            if position != Filled(number) or time.monotonic() >= end_s:
                break
        last = Filled(found[-1][0]) if found else position
        is_complete = position == last and len(found) < _TRACES_READ
        for name in names:
            self._store.put_series(name, None if is_complete else position)
            if is_complete:
                del self._filled_to[name]
            else:
                self._filled_to[name] = position
        if is_complete:
            self._stepped.forget()
        return names if is_complete else []

    def _count(
        self, names: Sequence[str], number: int, trace_id: bytes, position: Filled, end_s: float
    ) -> Filled:
        """Count a trace in some series from a position on, as long as there is time.

        Its spans know each run, and each own dimension. Returns the position after that.
        """
        trace = self._stepped.read(trace_id, end_s)
        if trace is None:
            return position
        if position.trace != number:
            position = Filled(number, b"")
        while position.span_id != WHOLE:
            left = [span_id for span_id in trace.nodes if span_id > position.span_id]
            some = nsmallest(_SPANS_COUNTED, left)
            self._add(names, trace_id, [trace.nodes[span_id] for span_id in some])
            position = Filled(number, some[-1] if len(some) < len(left) else WHOLE)
            if time.monotonic() >= end_s:
                break
        return position

    def _add(self, names: Sequence[str], trace_id: bytes, nodes: Sequence[Node]) -> None:
        changes: dict[Posting, Totals] = {}
        for key, totals in posting.contributions(self._watches_of(names), trace_id, nodes):
            changes[key] = changes.get(key, NOTHING).plus(totals)
        self._store.add_totals(changes.items())

    def _drop(self) -> list[str]:
        """Drop some totals of a series that nobody follows; it may be followed again after that."""
        name = self._unfollowed[-1]
        if self._store.drop_totals(name, _TOTALS_DROPPED):
            return []
        self._unfollowed.pop()
        self._store.drop_series(name)
        if name in self._watches:
            self._store.put_series(name, _NOTHING)
            self._filled_to[name] = _NOTHING
        return []
