"""Kept calls read in slices, so that neither memory nor a single question grows with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from processor.core.model import NS_PER_S, SpanRow
from processor.core.ports import LedgerReader, LedgerView
from processor.core.questions import CallRow, CallsQuestion, Filters
from processor.surfaces.queries.answers import NO_MOMENT, AsOf, as_of
from processor.surfaces.queries.checks import CheckedRange
from processor.surfaces.queries.partial import deleted_reason, late_reason, partial_reasons

CALLS_MAX: Final = 100_000
"""Calls that one answer looks at: more would take longer than anybody waits."""
_CALLS_READ: Final = 1_000
"""Calls of a slice."""
_SLICE_S: Final = 86_400
"""How long the time of a slice is at most: where few calls pass the filters, many are looked at."""


@dataclass
class CallsReading:
    """The calls of a time that filters let pass, the earliest end first.

    `slices` or `go_through` first; then `partial` and `as_of` say what they are. Raises what
    `LedgerReader.ask` raises.
    """

    reader: LedgerReader
    time: CheckedRange
    filters: Filters
    now_ns: int
    calls_max: int = CALLS_MAX
    partial: tuple[str, ...] = ()
    """Why calls of the time are missing."""
    as_of: AsOf = NO_MOMENT
    start_s: int = 0
    end_s: int = 0
    """The time, from the first call to the last one where it was all time."""
    _read: int = field(default=0, init=False)

    async def slices(self) -> AsyncIterator[Sequence[tuple[CallRow, SpanRow]]]:
        """Some calls at a time; each slice is of one moment."""
        await self.reader.ask(self._begin)
        start_s, after = self.start_s, None
        while start_s < self.end_s:
            end_s = min(start_s + _SLICE_S, self.end_s)
            limit = min(_CALLS_READ, self.calls_max - self._read)
            question = CallsQuestion(start_s, end_s, self.filters, limit=limit)

            def work(
                view: LedgerView,
                question: CallsQuestion = question,
                after: tuple[int, int, bytes] | None = after,
            ) -> list[tuple[CallRow, SpanRow]]:
                return view.stored_calls(question, after)

            found = await self.reader.ask(work)
            self._read += len(found)
            if found:
                last = found[-1][0]
                after = last.end_ns, last.trace, last.span_id
                yield found
            if len(found) < limit:
                start_s, after = end_s, None
            elif self._read >= self.calls_max and after is not None:
                self.partial += (_cut(self.calls_max, after[0]),)
                return

    async def go_through(self, look_at: Callable[[CallRow, SpanRow], None]) -> None:
        """Have `look_at` see each call, in another thread, so that batches go on meanwhile."""
        async for some in self.slices():
            await asyncio.to_thread(_each, some, look_at)

    def _begin(self, view: LedgerView) -> None:
        freshness = view.freshness()
        self.as_of = as_of(freshness, self.now_ns)
        self.start_s = max(self.time.start_s, freshness.first_charge_s, view.calls_kept_from_s)
        self.end_s = max(min(self.time.end_s, freshness.last_charge_s + 1), self.start_s)
        range_s = self.time.start_s, self.time.end_s
        self.partial = partial_reasons(view, self.filters, range_s)
        self.partial += deleted_reason(view, max(self.time.start_s, freshness.first_charge_s))
        self.partial += late_reason(view, *range_s)


def _each(
    some: Sequence[tuple[CallRow, SpanRow]], look_at: Callable[[CallRow, SpanRow], None]
) -> None:
    for row, stored in some:
        look_at(row, stored)


def _cut(calls: int, end_ns: int) -> str:
    until = f"{datetime.fromtimestamp(end_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M:%S}"
    return (
        f"only the first {calls:,} calls were looked at, which ended until {until} UTC: ask for a "
        "shorter time, or for fewer calls by filters"
    )
