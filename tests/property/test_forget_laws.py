"""Laws of forgetting: sums never move, and an id does not come back in traces that were there."""

from __future__ import annotations

from collections import Counter

from answers import total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import (
    START_NS,
    Run,
    by_owner,
    deliveries,
    expected_costs,
    expected_owners,
)

from processor.core.model import ExclusionRequest, ForgetRequest, Selection

USERS = st.sampled_from(["u1", "u2", "s1", "unheard of"])


def named_in(store, trace_ids, user):
    """Which of these traces name a user."""
    return {
        row.trace_id
        for trace_id in trace_ids
        for row in store.rows_of(trace_id)
        if user in (*row.own, *row.inherited)
    }


def waiting_in(ledger, user):
    """Traces of which a span waits that names a user: in memory, and in the file."""
    in_file = (
        turn.rows(at)
        for turn in ledger._working_set.store.pending()
        for at in range(len(turn.sizes))
    )
    pending = ledger._working_set.pending
    marks = [(rows.trace_id, mark) for rows in in_file for mark in rows.marks.values()]
    marks += [
        (trace_id, span.mark)
        for trace_id in tuple(pending._traces)
        for span in pending.significant(trace_id).values()
        if span.mark is not None
    ]
    return {trace_id for trace_id, mark in marks if user in (*mark.own, *mark.inherited)}


def check_names(ledger, known):
    """No trace names a user who was forgotten while it was there; `known` has these by user."""
    for user, trace_ids in known.items():
        assert not named_in(ledger._working_set.store, trace_ids, user)
        assert not waiting_in(ledger, user) & trace_ids


@law(
    deliveries(),
    st.lists(st.tuples(st.integers(0, 5), USERS), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    examples=60,
)
async def test_sums_never_move_and_no_trace_that_was_there_names_it_again(
    open_store, delivery, forgotten, restarts, excludes
):
    """Guarantees: for ids of users that are those of sessions as well, with repeats, late parents,
    spans that waited, restarts, and calls that are excluded and put back meanwhile."""
    forest, batches = delivery
    # They wait for a call, if they name somebody, before any of the batches.
    batches = [[span for span in forest if span.kind == "carrier"], *batches]
    run = Run(open_store)
    await run.open()
    tombstones, known = {}, {}
    for at, group in enumerate(batches):
        if restarts and at:
            await run.ledger.close()
            await run.open()
        # What was written on a span may name a user, and is renamed with it.
        run.written.clear()
        await run.post(group)
        check_names(run.ledger, known)
        for when, user in forgotten:
            if when != min(at, 5):
                continue
            before = await total_of(run.ledger)
            if excludes:
                out = ExclusionRequest(Selection(user=user), "", "ada", START_NS)
                number = (await run.ledger.exclude(out, is_dry_run=False)).number
            waited = waiting_in(run.ledger, user)
            asked = ForgetRequest(user, "ada", START_NS)
            found = await run.ledger.forget(asked, is_dry_run=False)
            if excludes:
                undo = ExclusionRequest(Selection(), "", "ada", START_NS, number)
                await run.ledger.exclude(undo, is_dry_run=False)
            assert await total_of(run.ledger) == before
            tombstones[found.tombstone] = user
            store = run.ledger._working_set.store
            known.setdefault(user, set()).update(store.recent_traces(100), waited)
            check_names(run.ledger, known)
    check_names(run.ledger, known)
    assert (await total_of(run.ledger)).cost_nano_usd == sum(expected_costs(forest).values())
    for dimension in ("user", "session", "agent", "task"):
        wanted = expected_owners(forest, dimension)
        merged = Counter()
        for owner, cost in (await by_owner(run.ledger, dimension, [*wanted, *tombstones])).items():
            merged[tombstones.get(owner, owner)] += cost
        assert merged == wanted
    await run.ledger.close()
