"""Laws of what many rows share: what nothing uses is deleted, and nothing that turns use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from property.agreement import unused_rows
from property.engines import law
from property.test_ledger_laws import START_NS, Given, batch_of, forests, policy

from processor.core.model import NOBODY, NS_PER_S, Usage
from processor.io.ledger import Ledger, shared_rows
from processor.io.ledger.kept_from import Ages
from processor.io.ledger.limits import Limits
from processor.io.ledger.retention import Retention, shared

HOUR_S = 3600
AGES = Ages(calls_s=HOUR_S, keys_s=HOUR_S, traces_s=3 * HOUR_S)
NEWER = 100
"""The first of the traces that only show how late it is."""


@pytest.fixture(autouse=True)
def small_pieces():
    """A row at a time, so that turns come between any two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_rows, "_READ", 1)
        patch.setattr(shared_rows, "_DELETED", 1)
        patch.setattr(shared, "STEP_S", 0)
        yield


@st.composite
def lives(draw):
    """Groups of spans of some hours; which come, and how many steps are done before each."""
    forest = draw(forests())
    spans = [
        replace(span, trace=span.trace + 2 * again, time_ns=START_NS + hour * HOUR_S * NS_PER_S)
        for again, hour in enumerate(draw(st.lists(st.integers(0, 6), min_size=1, max_size=3)))
        for span in forest
    ]
    some = st.lists(st.sampled_from(spans), min_size=1, max_size=4)
    turns = st.tuples(st.integers(0, 25), some, st.booleans())
    return draw(some), draw(st.lists(turns, max_size=8))


@law(lives(), examples=80)
async def test_what_nothing_uses_is_deleted_and_all_that_turns_use_stays(open_store, drawn):
    """Guarantees: whatever comes between the steps, and after a restart amid them."""
    first, turns = drawn
    store = open_store("ledger")
    ledger = Ledger(store, policy(), Limits())
    await ledger.start()

    async def post(group):
        await ledger.post(batch_of(group))

    async def sweep(retention, steps):
        while retention.has_work and steps:
            await ledger._writer.ask(retention.work)
            steps -= 1

    def retention_of():
        made = Retention(ledger._working_set, AGES, (), lambda: START_NS / NS_PER_S + 8 * HOUR_S)
        made.load()
        return made

    try:
        await post(first)
        time_ns = START_NS + 8 * HOUR_S * NS_PER_S
        await post([Given(NEWER, 0, None, "call", NOBODY, Usage(input=1), time_ns)])
        retention = retention_of()
        for steps, group, restarts in turns:
            await sweep(retention, steps)
            await post(group)
            assert not store._db.execute("PRAGMA foreign_key_check").fetchall()
            if restarts:
                await ledger.close()
                store = open_store("ledger")
                ledger = Ledger(store, policy(), Limits())
                await ledger.start()
                retention = retention_of()
        await sweep(retention, -1)
        # With nothing that comes meanwhile, all is found.
        store._db.execute("DELETE FROM kept_from WHERE what = 'shared'")
        await sweep(retention_of(), -1)
        if store.deleted.kept_from().calls:
            assert not any(unused_rows(store).values())
        for spans in ([*first], *(group for _, group, _ in turns)):
            await post(spans)
    finally:
        await ledger.close()
