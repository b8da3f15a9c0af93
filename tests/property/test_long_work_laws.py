"""Laws of forgetting amid all else that goes on for long: retention, reprices, exclusions."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import strategies as st
from property.engines import law
from property.test_forget_laws import USERS, named_in
from property.test_ledger_laws import START_NS
from property.test_retention_laws import Life, lives

from processor.core.model import ExclusionRequest, ForgetRequest, Selection
from processor.core.ports import PricesAgain
from processor.io.ledger.forgetting import steps as forgetting_steps
from processor.io.ledger.forgetting.job import ForgetJob

LATER = 2**62
STEPS_MAX = 200


class BusyLife(Life):
    """A ledger that is asked to forget as well, a few steps at a time."""

    def __init__(self, open_store):
        super().__init__(open_store)
        self.known = {}
        """Traces that were there when an id was replaced, by that id."""
        self.numbered = set()
        """Traces of which something was kept."""
        self.gone = set()
        """Those of them of which nothing is."""
        self.users = []
        """Who is forgotten, one after the other."""

    @property
    def job(self):
        return self.ledger._forget

    async def forget(self, user, count):
        """Begin, or go on, with so many steps."""
        if not self.job.is_under_way:
            asked = ForgetRequest(user, "ada", START_NS)
            self.users.append(user)
            await self.ledger._writer.ask(lambda: self.job.begin(asked))
        for _ in range(count):
            if not self.job.is_under_way:
                break
            was_there = await self.ledger._writer.ask(self.traces_of_now)
            await self.ledger._writer.ask(self.job.work)
            steps = self.job._steps
            is_replaced = steps is None or steps.phase not in {"search", "names"}
            if is_replaced:
                self.known.setdefault(len(self.users), was_there)

    def traces_of_now(self):
        """Traces with a call, and those that wait for one and name who is forgotten."""
        pending, user = self.ledger._working_set.pending, self.users[-1]
        waiting = {
            trace_id
            for trace_id in pending._traces
            for span in pending.significant(trace_id).values()
            if span.mark is not None and user in (*span.mark.own, *span.mark.inherited)
        }
        return {*self.store.recent_traces(100), *waiting}

    async def finish(self):
        if self.job.is_under_way:
            await self.forget("", STEPS_MAX)
        assert not self.job.is_under_way

    async def price_again(self):
        if not self.job.is_under_way:
            prices = PricesAgain("v2", lambda row: row.entry)
            await self.ledger.reprice(prices, (0, LATER), START_NS, is_dry_run=False)

    async def exclude(self, user):
        if not self.job.is_under_way:
            out = ExclusionRequest(Selection(user=user), "", "ada", START_NS)
            number = (await self.ledger.exclude(out, is_dry_run=False)).number
            undo = ExclusionRequest(Selection(), "", "ada", START_NS, number)
            await self.ledger.exclude(undo, is_dry_run=False)

    async def check(self):
        await super().check()
        for number, then in self.known.items():
            # One of which nothing is kept any more may begin again, as any other.
            numbered = {each for each in then if await self.asked(self.store.trace_number, each)}
            self.gone |= self.numbered & then - numbered
            self.numbered |= numbered
            traces = then - self.gone
            user = self.users[number - 1]
            named = await self.ledger._writer.ask(
                lambda: named_in(self.store, traces, user)  # noqa: B023 - it is asked at once
            )
            assert not named


WORK = st.one_of(
    st.tuples(USERS, st.integers(0, 12)), st.tuples(USERS, st.just(STEPS_MAX)), USERS, st.just("")
)


@law(lives(), st.lists(st.tuples(st.integers(0, 9), WORK), min_size=1, max_size=5), examples=40)
async def test_whoever_is_forgotten_amid_all_else_stays_so_and_no_sum_moves(
    open_store, drawn, works
):
    """Guarantees: any order, repeats, restarts between any two steps, late parents and children,
    time going on, calls that are deleted, priced again, excluded and put back meanwhile."""
    spans, steps = drawn
    life = BusyLife(open_store)
    with (
        patch.object(ForgetJob, "has_work", False),
        patch.object(forgetting_steps, "_STEP_S", 0.0),
    ):
        try:
            await life.open()
            for at, step in enumerate(steps):
                if step is None:
                    await life.open()
                elif isinstance(step, int):
                    await life.sweep(step)
                else:
                    await life.post(step)
                for when, work in works:
                    if when != at:
                        continue
                    if isinstance(work, tuple):
                        await life.forget(*work)
                    elif work:
                        await life.exclude(work)
                    else:
                        await life.price_again()
                await life.check()
            await life.finish()
            for again in range(2):
                await life.post(spans)
                await life.check()
                if not again:
                    await life.open()
        finally:
            await life.ledger.close()
