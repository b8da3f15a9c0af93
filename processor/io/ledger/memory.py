"""`Store` in memory, without a file: for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from processor.core.errors import LedgerUnavailableError
from processor.core.model import (
    NOTHING,
    Correction,
    Crossing,
    PendingRows,
    Plan,
    Posting,
    SpanRow,
    TaskTitle,
    Totals,
    UnpricedCalls,
)
from processor.io.ledger.store import CrossingMark

_Item = TypeVar("_Item")
_Window = tuple[str, str, int]
"""(scope, scope id, window start)."""
_AlikeCalls = tuple[str, tuple[str, ...], str, str]
"""(provider, models, reason, service): what calls without a price are listed by."""


@dataclass(slots=True)
class Contents:
    """What a store in memory keeps. It outlives the store: another one goes on with it."""

    rows: list[SpanRow] = field(default_factory=list)
    """In the order they were written."""
    traces: dict[bytes, list[SpanRow]] = field(default_factory=dict)
    """The same rows by trace."""
    totals: dict[tuple[str, str], dict[int, Totals]] = field(default_factory=dict)
    """By series and scope id, then by bucket."""
    corrections: list[Correction] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    marks: dict[_Window, set[CrossingMark]] = field(default_factory=dict)
    """The keys of the same crossings by scope and window."""
    series: set[str] = field(default_factory=set)
    task_titles: dict[str, TaskTitle] = field(default_factory=dict)
    pending: list[Sequence[PendingRows]] = field(default_factory=list)
    """What waits for a call, by turn."""


class MemoryStore:
    """`Store` without a file. Every change notes how it is undone, until it is committed."""

    def __init__(self, contents: Contents | None = None) -> None:
        """Continue with `contents`, or begin empty; two stores must not share them at a time."""
        self._kept = Contents() if contents is None else contents
        self._undo: list[Callable[[], object]] = []
        self._savepoints: list[int] = []
        """Lengths of `_undo`."""

    def begin(self) -> None:
        """Start a transaction."""
        self.rollback()

    def commit(self) -> None:
        """Keep everything since `begin`."""
        self._undo.clear()
        self._savepoints.clear()

    def check_files(self) -> None:
        """There are none."""

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        self._undo_to(0)
        self._savepoints.clear()

    def savepoint(self) -> None:
        """Set a savepoint inside the transaction."""
        self._savepoints.append(len(self._undo))

    def release(self) -> None:
        """Drop the savepoint, keeping what was written since."""
        self._savepoints.pop()

    def undo_savepoint(self) -> None:
        """Undo what was written since the savepoint, and drop it."""
        self._undo_to(self._savepoints.pop())

    def _undo_to(self, length: int) -> None:
        while len(self._undo) > length:
            self._undo.pop()()

    def rows_of(self, trace_id: bytes) -> list[SpanRow]:
        """Everything kept of a trace, in the order it was written."""
        return list(self._kept.traces.get(trace_id, ()))

    def total(self, series: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """Sum of a scope's buckets in ``[start_s, end_s)``; both 0 for all of them."""
        found = NOTHING
        for bucket, totals in self._kept.totals.get((series, scope_id), {}).items():
            if not end_s or start_s <= bucket < end_s:
                found = found.plus(totals)
        return found

    def crossed(self, scope: str, scope_id: str, window_start_s: int) -> set[CrossingMark]:
        """What one scope has crossed in a window."""
        return set(self._kept.marks.get((scope, scope_id, window_start_s), ()))

    def write(self, plan: Plan) -> None:
        """Append rows, corrections and crossings, add to the totals, and keep titles of tasks."""
        for row in plan.rows:
            self._append(self._kept.rows, row)
            self._append(self._kept.traces.setdefault(row.trace_id, []), row)
        for correction in plan.corrections:
            self._append(self._kept.corrections, correction)
        for posting, change in plan.postings.items():
            self._add(posting, change)
        for crossing in plan.crossings:
            window = (crossing.scope, crossing.scope_id, crossing.window_start_s)
            mark = (crossing.budget, crossing.limit, crossing.unit, crossing.threshold)
            marks = self._kept.marks.setdefault(window, set())
            if mark in marks:
                raise LedgerUnavailableError(f"the crossing {window} {mark} is there already")
            marks.add(mark)
            self._undo.append(partial(marks.discard, mark))
            self._append(self._kept.crossings, crossing)
        for task, title in plan.task_titles.items():
            self._keep_title(task, title)

    def _keep_title(self, task: str, title: TaskTitle) -> None:
        titles = self._kept.task_titles
        known = titles.get(task)
        if known is None:
            titles[task] = title
            self._undo.append(lambda: titles.pop(task))
        elif title.is_later_than(known):
            titles[task] = title
            self._undo.append(lambda: titles.__setitem__(task, known))

    def _append(self, items: list[_Item], item: _Item) -> None:
        items.append(item)
        self._undo.append(items.pop)

    def _add(self, posting: Posting, change: Totals) -> None:
        series, scope_id, bucket = posting
        buckets = self._kept.totals.setdefault((series, scope_id), {})
        known = buckets.get(bucket, NOTHING)
        buckets[bucket] = known.plus(change)
        self._undo.append(lambda: buckets.__setitem__(bucket, known))

    def keep_pending(self, pending: Sequence[PendingRows], limit_spans: int) -> None:
        """Keep spans that wait for a call; of all that came, at least the last `limit_spans`."""
        kept = self._kept.pending
        before = list(kept)
        self._undo.append(lambda: kept.__setitem__(slice(None), before))
        kept.append(pending)
        sizes = [sum(len(rows.span_ids) for rows in turn) for turn in kept]
        newer = sum(sizes)
        while kept and newer - sizes[0] >= limit_spans:
            newer -= sizes.pop(0)
            kept.pop(0)

    def pending(self) -> Iterator[PendingRows]:
        """Spans that wait for a call, latest turn first; some may have had theirs since."""
        return (rows for turn in reversed(self._kept.pending) for rows in turn)

    def span_ids_of(self, trace_id: bytes) -> set[bytes]:
        """Ids of the spans of a trace that have rows."""
        return {row.span_id for row in self._kept.traces.get(trace_id, ())}

    def recent_traces(self, limit: int) -> list[bytes]:
        """Ids of the traces written last, newest first."""
        found: dict[bytes, None] = {}
        for row in reversed(self._kept.rows):
            found[row.trace_id] = None
            if len(found) >= limit:
                break
        return list(found)

    def traces_between(self, start_ns: int, end_ns: int) -> list[bytes]:
        """Ids of the traces with a call that ended in ``[start_ns, end_ns)``, in any order."""
        found = {
            row.trace_id: None
            for row in self._kept.rows
            if row.entry is not None and start_ns <= row.time_ns < end_ns
        }
        return list(found)

    def task_title(self, task: str) -> str:
        """The title of a task; ``""`` when no span has given it one."""
        known = self._kept.task_titles.get(task)
        return "" if known is None else known.title

    def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price as they stand now, alike ones together, most calls first."""
        latest = {(row.trace_id, row.span_id): row for row in self._kept.rows}
        corrected = Counter[tuple[bytes, bytes]]()
        for each in self._kept.corrections:
            corrected[each.trace_id, each.span_id] += each.change.unpriced
        alike: dict[_AlikeCalls, list[SpanRow]] = {}
        for key, row in latest.items():
            entry, shown = row.entry, row.stamp.entry or row.entry
            if entry is None or entry.status != "unpriced" or row.is_reference:
                continue
            # What spans below or beside it explain owes nothing; see `schema.UNPRICED`.
            if (shown is not None and shown.status == "unpriced") + corrected[key] > 0:
                provider, models, _ = entry.asked
                names = (provider, models, entry.reason, entry.service)
                alike.setdefault(names, []).append(row)
        found = [_listed(names, rows) for names, rows in alike.items()]
        found.sort(key=lambda calls: (calls.calls, calls.last_ns), reverse=True)
        return found

    def series(self) -> set[str]:
        """Names of the filtered totals that are complete."""
        return set(self._kept.series)

    def set_series(self, name: str, changes: Iterable[tuple[str, int, Totals]] | None) -> None:
        """Fill a filtered total with (scope id, bucket, totals); None drops it."""
        kept = self._kept
        dropped = {key: kept.totals.pop(key) for key in list(kept.totals) if key[0] == name}
        self._undo.append(lambda: kept.totals.update(dropped))
        if changes is None and name in kept.series:
            kept.series.discard(name)
            self._undo.append(lambda: kept.series.add(name))
        if changes is None:
            return
        for scope_id, bucket, change in changes:
            self._add((name, scope_id, bucket), change)
        if name not in kept.series:
            kept.series.add(name)
            self._undo.append(lambda: kept.series.discard(name))

    def crossings(self, limit: int) -> Sequence[Crossing]:
        """The latest crossings, newest first."""
        return self._kept.crossings[: -limit - 1 : -1]

    def size_bytes(self) -> int:
        """Nothing is on the disk."""
        return 0

    def close(self) -> None:
        """Undo what was not committed, as a process that ends does."""
        self.rollback()


def _listed(names: _AlikeCalls, rows: Sequence[SpanRow]) -> UnpricedCalls:
    usages = [row.entry.usage for row in rows if row.entry is not None]
    tokens = sum(u.input_tokens + u.output_tokens for u in usages if u is not None)
    times = [row.time_ns for row in rows]
    return UnpricedCalls(*names, len(rows), tokens, min(times), max(times))
