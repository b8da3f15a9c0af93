"""Reads what a file needs from the ledger in slices, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple

from processor.core.budgets.window import window_of
from processor.core.columns import Value
from processor.core.model import NOTHING, Totals
from processor.core.ports import LedgerReader, LedgerView
from processor.core.questions import (
    CallRow,
    CallsQuestion,
    CellRow,
    CellsAnswer,
    UsageAnswer,
    UsageQuestion,
    edges_of,
)
from processor.surfaces.exports import calls, focus, usage
from processor.surfaces.exports.requests import CheckedExport, Period
from processor.surfaces.exports.sums import is_cost_unknown
from processor.surfaces.queries import AsOf
from processor.surfaces.queries.answers import as_of
from processor.surfaces.queries.partial import deleted_reason, late_reason, partial_reasons

_CALLS_READ: Final = 5_000
"""Calls of a slice: 0.1 s."""
_HOURS_READ: Final = 6
"""Hours of a slice, where rows are sums of an hour."""
_FINGERPRINT_CHARS: Final = 16
_CELLS_AT_ONCE: Final = 2_000
"""Combinations whose rows are in memory together."""

Row = tuple[Value, ...]


class Slice(NamedTuple):
    """Some rows of a file."""

    rows: list[Row]
    totals: Totals
    """What was read for them."""
    omitted_calls: int = 0
    """Calls of unknown cost whose rows are left out."""


class Ending(NamedTuple):
    """What the ledger says of the whole time of a file, at the moment of the last slice."""

    totals: Totals
    partial: tuple[str, ...]
    """Why rows are missing."""
    as_of: AsOf


@dataclass
class PeriodReading:
    """The rows of one file: `slices` first, and then what is known of all of them."""

    asked: CheckedExport
    period: Period
    reader: LedgerReader
    now_ns: Callable[[], int]
    totals: Totals = field(default_factory=Totals)
    """Of the rows that were read."""
    omitted_calls: int = 0
    ending: Ending | None = None
    """There once all is read."""
    fingerprint: str = ""
    """Of what the ledger had of its time before the first row was read."""
    _left_out: list[tuple[int, int]] = field(default_factory=list)
    _lacks_late_s: list[int] = field(default_factory=list)

    async def slices(self) -> AsyncIterator[list[Row]]:
        """Rows in order, some at a time; each slice is of one moment."""
        of_calls = self.asked.request.dataset == "calls"
        self.fingerprint = await fingerprint_of(self.reader, self.asked, self.period)
        async for some in self._of_calls() if of_calls else self._of_cells():
            self.totals = self.totals.plus(some.totals)
            self.omitted_calls += some.omitted_calls
            yield some.rows

    @property
    def agrees(self) -> bool:
        """Whether rows add up to what the ledger says of the time, or what is missing is named.

        They do not where calls of that time were charged while it was read.
        """
        ending = self.ending
        if ending is None:
            return False
        return bool(ending.partial) or _compared(self.totals) == _compared(ending.totals)

    async def _of_calls(self) -> AsyncIterator[Slice]:
        period, omits = self.period, self.asked.request.unpriced == "omit"
        question = CallsQuestion(
            period.start_s, period.end_s, self.asked.filters, limit=_CALLS_READ
        )
        after: tuple[int, int, bytes] | None = None
        while self.ending is None:

            def work(
                view: LedgerView, after: tuple[int, int, bytes] | None = after
            ) -> tuple[list[CallRow], Ending | None]:
                found = view.calls_in_order(question, after)
                return found, None if len(found) == _CALLS_READ else self._ending(view)

            found, self.ending = await self.reader.ask(work)
            if found:
                after = found[-1].end_ns, found[-1].trace, found[-1].span_id
            totals = _added([each.totals for each in found])
            kept = [each for each in found if not (omits and is_cost_unknown(each.totals))]
            omitted_calls = totals.unpriced - sum(each.totals.unpriced for each in kept)
            yield Slice([calls.row_of(each) for each in kept], totals, omitted_calls)

    async def _of_cells(self) -> AsyncIterator[Slice]:
        """Slices for some hours or a day each, whose rows are made a few at a time."""
        parts = list(_parts(self.asked, self.period))
        of_focus = self.asked.request.dataset == "focus"
        for edges in parts:
            is_last = edges is parts[-1]

            def work(
                view: LedgerView, edges: tuple[int, ...] = edges, *, is_last: bool = is_last
            ) -> tuple[CellsAnswer, Ending | None]:
                question = UsageQuestion(
                    edges[0], edges[-1], filters=self.asked.filters, edges=edges
                )
                answer = view.cells(question, with_pricing=of_focus)
                self._left_out += answer.left_out
                self._lacks_late_s += answer.lacks_late_s
                return answer, self._ending(view) if is_last else None

            answer, ending = await self.reader.ask(work)
            for at in range(0, len(answer.rows), _CELLS_AT_ONCE):
                yield self._rows_of(answer.rows[at : at + _CELLS_AT_ONCE], edges)
            self.ending = ending

    def _rows_of(self, cells: Sequence[CellRow], edges: Sequence[int]) -> Slice:
        request = self.asked.request
        omits = request.unpriced == "omit"
        billing_s = window_of("month", self.period.start_s, self.asked.calendar)
        rows: list[Row] = []
        omitted_calls = 0
        for cell in cells:
            if omits and is_cost_unknown(cell.totals):
                omitted_calls += cell.totals.unpriced
                continue
            start_s, end_s = edges[cell.bucket], edges[cell.bucket + 1]
            if request.dataset == "focus":
                times = focus.Period(start_s, end_s, *billing_s)
                rows += focus.rows_of(cell, times, request.account)
            else:
                rows.append(usage.row_of(cell, start_s, end_s))
        return Slice(rows, _added([cell.totals for cell in cells]), omitted_calls)

    def _ending(self, view: LedgerView) -> Ending:
        start_s, end_s = range_s = self.period.start_s, self.period.end_s
        filters = self.asked.filters
        answer = view.usage(UsageQuestion(start_s, end_s, filters=filters))
        lacks = list(partial_reasons(view, filters, range_s, answer))
        if self.asked.request.dataset == "calls":
            lacks += deleted_reason(view, start_s) + late_reason(view, start_s, end_s)
        else:
            found = UsageAnswer((), (), (), 0, self._left_out, self._lacks_late_s)
            lacks += partial_reasons(view, (), range_s, found)
        totals = _added([row.totals for row in answer.totals])
        return Ending(totals, tuple(dict.fromkeys(lacks)), as_of(view.freshness(), self.now_ns()))


def _parts(asked: CheckedExport, period: Period) -> Iterator[tuple[int, ...]]:
    """Where the rows of each slice begin and end."""
    for day in pairwise(edges_of(period.start_s, period.end_s, "day", asked.calendar)):
        if asked.request.grain == "day":
            yield day
            continue
        hours = edges_of(*day, "hour", asked.calendar)
        for at in range(0, len(hours) - 1, _HOURS_READ):
            yield hours[at : at + _HOURS_READ + 1]


async def is_deleted(reader: LedgerReader, asked: CheckedExport, period: Period) -> bool:
    """Whether something that rows of a file need has been deleted: single calls, or hours."""
    if period.start_s >= await reader.ask(lambda view: view.calls_kept_from_s):
        return False
    if asked.request.dataset == "calls":
        return True
    for edges in _parts(asked, period):
        question = UsageQuestion(edges[0], edges[-1], filters=asked.filters, edges=edges)

        def work(view: LedgerView, question: UsageQuestion = question) -> bool:
            return bool(view.cells(question).left_out)

        if await reader.ask(work):
            return True
    return False


async def fingerprint_of(reader: LedgerReader, asked: CheckedExport, period: Period) -> str:
    """What has to be the same as long as the rows of a file are, asked for day by day."""
    of_calls = asked.request.dataset == "calls"
    digest = sha256()
    for day in pairwise(edges_of(period.start_s, period.end_s, "day", asked.calendar)):

        def work(view: LedgerView, day: tuple[int, int] = day) -> str:
            return view.fingerprint(*day, of_calls=of_calls)

        digest.update((await reader.ask(work)).encode())
    return digest.hexdigest()[:_FINGERPRINT_CHARS]


def _added(found: list[Totals]) -> Totals:
    totals = NOTHING
    for each in found:
        totals = totals.plus(each)
    return totals


def _compared(totals: Totals) -> tuple[int, ...]:
    """What has to agree; runs of agents are no calls."""
    return (
        totals.cost_nano_usd,
        totals.calls,
        totals.unpriced,
        totals.input_tokens,
        totals.output_tokens,
        totals.cached_tokens,
    )
