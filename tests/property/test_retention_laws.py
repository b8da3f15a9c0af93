"""Laws of retention: no total moves when calls are deleted, and nothing is charged again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from answers import total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import (
    START_NS,
    Given,
    batch_of,
    expected_costs,
    expected_shares,
    forests,
    policy,
)

from processor.core.model import NOBODY, NS_PER_S, Usage
from processor.io.ledger import Ledger, call_deletion
from processor.io.ledger.kept_from import Ages
from processor.io.ledger.limits import Limits
from processor.io.ledger.retention import Retention, calls
from processor.io.ledger.tables import SUMS

HOUR_S = 3600
AGES = Ages(calls_s=2 * HOUR_S, keys_s=2 * HOUR_S, traces_s=5 * HOUR_S, hours_s=2 * HOUR_S)
NEWER = 100
"""The first of the traces that only show how late it is."""


@pytest.fixture(params=[256, 1], ids=["small", "large"], autouse=True)
def sizes(request):
    """What is a small trace, deleted at once; a large one is deleted row by row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(call_deletion, "ROWS_AT_ONCE", request.param)
        patch.setattr(calls, "ROWS_AT_ONCE", request.param)
        yield


@st.composite
def lives(draw):
    """Spans of some hours, and what happens: they come, in any order and again; time goes on."""
    forest = draw(forests())
    hours_of = {(span.trace, span.span): draw(st.integers(0, 6)) for span in forest}
    for span in reversed(forest):  # Nothing ends before what is below it.
        if span.parent is not None:
            above = span.trace, span.parent
            hours_of[above] = max(hours_of[above], hours_of[span.trace, span.span])
    spans = [
        replace(span, time_ns=START_NS + (hours_of[span.trace, span.span] * HOUR_S) * NS_PER_S)
        for span in forest
    ]
    some = st.lists(st.sampled_from(spans), min_size=1, max_size=5)
    hours = st.one_of(st.integers(0, 12), st.integers(0, 40))
    steps = st.one_of(some, some, hours, hours, st.none())
    return spans, draw(st.lists(steps, min_size=3, max_size=9))


class Life:
    """A ledger that forgets, and what it has charged as far as anybody can say."""

    def __init__(self, open_store):
        self.open_store = open_store
        self.counted = defaultdict(dict)
        """Spans by trace that came while it could be charged."""
        self.deleted = {}
        """What was deleted of traces: their cost, and how many calls."""
        self.forgotten = []
        """The same of those of which not even that is kept: they may begin again."""
        self.hour = 0
        self.ledger = None

    async def open(self):
        if self.ledger is not None:
            await self.ledger.close()
        self.store = self.open_store("ledger")
        self.ledger = Ledger(self.store, policy(), Limits())
        await self.ledger.start()

    async def post(self, group):
        stamps = await self.ledger.post(batch_of(group))
        for row, span in enumerate(group):
            entry = stamps[row].entry if row in stamps else None
            is_late = entry is not None and entry.status == "late"
            assert not (is_late and entry.amount)
            if self.is_known(span) and not is_late:
                self.counted[span.trace_id].setdefault(span.span, span)
            elif self.is_known(span):
                assert span.trace_id not in self.deleted, "what is newer is charged"
            elif span.kind == "call":
                assert is_late

    def is_known(self, span):
        """Whether it is sure that a span is new, or one that is counted."""
        if span.trace_id not in self.deleted or span.span in self.counted[span.trace_id]:
            return True
        kept_s = self.ledger._working_set.kept_from.calls
        return span.kind != "sum" and span.time_ns >= kept_s * NS_PER_S

    async def sweep(self, hours):
        """Let time go on, with a call that shows it, and delete what is too old by then."""
        self.hour = max(self.hour, hours)
        time_s = START_NS // NS_PER_S + self.hour * HOUR_S
        usage = Usage(input=1)
        newer = Given(NEWER + self.hour, 0, None, "call", NOBODY, usage, time_s * NS_PER_S)
        await self.post([newer])
        before = self.state()
        known = [each for each in self.counted if await self.asked(self.store.rows_of, each)]
        retention = Retention(self.ledger._working_set, AGES, (), lambda: time_s)
        retention.load()
        while retention.has_work:
            await self.ledger._writer.ask(retention.work)
        assert self.state() == before, "no total moves"
        for trace_id in known:
            if not await self.asked(self.store.rows_of, trace_id):
                before, new = self.deleted.get(trace_id, (0, 0)), self.expected(trace_id)
                self.deleted[trace_id] = before[0] + new[0], before[1] + new[1]
                self.counted[trace_id].clear()
        for trace_id in tuple(self.deleted):
            if not await self.asked(self.store.trace_number, trace_id):
                self.forgotten.append(self.deleted.pop(trace_id))
                self.counted.pop(trace_id, None)

    async def asked(self, question, trace_id):
        return await self.ledger._writer.ask(lambda: question(trace_id))

    def state(self):
        """All that must not move. Of one day there may be one total instead of several."""
        sums = ", ".join(f"SUM({name})" for name in SUMS)
        by_day = f"SELECT scope, id, bucket / 86400, {sums} FROM totals GROUP BY 1, 2, 3"
        tables = ("usage_days", "usage_user_days", "crossings")
        others = [f"SELECT * FROM {table} ORDER BY 1, 2, 3" for table in tables]
        return [self.store._db.execute(query).fetchall() for query in (by_day, *others)]

    def expected(self, trace_id):
        """Cost and calls of a trace: those of the spans that came, as far as they could."""
        came = self.counted[trace_id]
        forest = [
            span if span.parent in came else replace(span, parent=None) for span in came.values()
        ]
        calls = sum(part.calls for part in expected_shares(forest).values())
        return sum(expected_costs(forest).values()), calls

    async def check(self):
        total = await total_of(self.ledger)
        found = [self.expected(each) for each in self.counted]
        found += [*self.deleted.values(), *self.forgotten]
        assert total.cost_nano_usd == sum(cost for cost, _ in found)
        assert total.calls == sum(calls for _, calls in found)


@law(lives(), examples=150)
async def test_what_is_deleted_stays_charged_and_nothing_is_charged_again(open_store, drawn):
    """Guarantees: any order, repeats, restarts, late parents and children, time going on."""
    spans, steps = drawn
    life = Life(open_store)
    try:
        await life.open()
        for step in steps:
            if step is None:
                await life.open()
            elif isinstance(step, int):
                await life.sweep(step)
            else:
                await life.post(step)
            await life.check()
        for again in range(2):
            await life.post(spans)
            await life.check()
            if not again:
                await life.open()
    finally:
        await life.ledger.close()
