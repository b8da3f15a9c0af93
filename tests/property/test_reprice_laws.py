"""Laws of pricing again: the ledger ends as if the later prices had been there from the start."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from answers import total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import START_NS, batch_of, forests, policy

from processor.core.insight import price_again
from processor.core.model import Intake
from processor.core.ports import PricesAgain
from processor.core.pricing import compile_catalog, parse_prices, price
from processor.io.ledger import Ledger, repricing, stepped_trace
from processor.io.ledger.limits import Limits

MODELS = ("m-1", "m-2", "m-3")
ALWAYS = (0, 2**63 - 1)
PLACES = [
    ("total", ""), ("provider", "openai"), ("service", "svc"), ("feature", "f"), ("feature", ""),
    ("task_type", "review"), ("purpose", "analyze"), ("purpose", "explain"), ("purpose", ""),
    ("team", "x"), ("team", "y"), ("plan", "p"),
    *(("session", each) for each in ("s1", "s2", "")),
    *(("user", each) for each in ("u1", "u2", "")),
    *(("agent", each) for each in ("a", "b", "")), *(("model", each) for each in (*MODELS, "m-x")),
    *(("trace", bytes([trace] * 16).hex()) for trace in (1, 2)),
]  # fmt: skip


@st.composite
def catalogs(draw):
    """Prices for some of the models; one name may be an alias of another."""
    lines = ["catalogue: {source: none}", "models:"]
    priced = draw(st.sets(st.sampled_from(MODELS), min_size=1))
    for model in sorted(priced):
        rates = [draw(st.sampled_from(["0", "0.5", "2.5", "3.333333"])) for _ in range(3)]
        prices = "input: {}, output: {}, cache_read: {}".format(*rates)
        alias = ""
        if model == "m-1" and "m-2" not in priced and draw(st.booleans()):
            alias = ", aliases: [m-2]"
        lines.append(f"  - {{provider: openai, model: {model}{alias}, prices: [{{{prices}}}]}}")
    return compile_catalog(parse_prices("\n".join(lines), "prices.yaml"))


def intake(group, catalog):
    """A batch, each call of a model of its own choice, at the prices of the catalog."""
    plain = batch_of(group)
    calls = []
    for charge in plain.charges:
        span = group[charge.call.mark.row]
        models = (MODELS[(span.span + span.usage.output) % len(MODELS)],)
        calls.append(replace(charge.call, models=models))
    return Intake(plain.spans, price(calls, catalog), plain.marks, plain.received_ns)


def prices_of(catalog):
    return PricesAgain(catalog.version, lambda row: price_again(row, catalog))


async def totals_of(ledger):
    return {place: await total_of(ledger, *place) for place in PLACES}


@pytest.fixture(params=[128, 1], ids=["small", "large"], autouse=True)
def sizes(request):
    """What is a small trace, done whole; a large one is done call by call."""
    with pytest.MonkeyPatch.context() as patch:
        # Steps end where there is enough to change, however busy the machine is.
        patch.setattr(repricing, "_STEP_S", 1e9)
        patch.setattr(repricing, "ROWS_AT_ONCE", request.param)
        if request.param == 1:
            patch.setattr(repricing, "_CALLS_CHANGED", 1)
            patch.setattr(stepped_trace, "_ROWS_READ", 2)
        yield


@law(forests(), catalogs(), catalogs(), st.integers(0, 9), st.booleans(), examples=80)
async def test_after_a_reprice_all_totals_are_those_of_the_later_prices(
    open_store, forest, first, later, cut, again
):
    """Guarantees: whatever came before and after, with and without a restart in between."""

    opened = []

    async def opening(name):
        ledger = Ledger(open_store(name), policy(), Limits())
        await ledger.start()
        opened.append(ledger)
        return ledger

    async def repriced(ledger, **more):
        return await ledger.reprice(prices_of(later), ALWAYS, START_NS, **more)

    ledger, fresh = await opening("ledger"), await opening("fresh")
    stamps = await ledger.post(intake(forest, first))
    before = await totals_of(ledger)
    if again:
        await opened.pop(0).close()
        ledger = await opening("ledger")
    dry = await repriced(ledger, is_dry_run=True)
    assert await totals_of(ledger) == before, "a dry run changes nothing"
    done = await repriced(ledger, is_dry_run=False)
    assert done == dry, "a dry run says what would happen"
    change = done.after_nano_usd - done.before_nano_usd
    total = await total_of(ledger)
    assert total.cost_nano_usd - before["total", ""].cost_nano_usd == change

    await fresh.post(intake(forest, later))
    assert await totals_of(ledger) == await totals_of(fresh)
    assert (await repriced(ledger, is_dry_run=False)).calls == 0, "once is enough"

    tail = forest[cut:]
    if tail:
        repeats = await ledger.post(intake(tail, later))
        for row, stamp in repeats.items():
            assert stamp == stamps[row + cut], "a repeat is stamped as the first time"
    assert await totals_of(ledger) == await totals_of(fresh)
    for each in opened:
        await each.close()


@law(forests(), catalogs(), catalogs(), st.integers(0, 9), examples=60)
async def test_spans_that_come_after_a_reprice_meet_it(open_store, forest, first, later, cut):
    """Guarantees: late parents and children correct and move what stands at the later prices."""

    ledger = Ledger(open_store("ledger"), policy(), Limits())
    fresh = Ledger(open_store("fresh"), policy(), Limits())
    for each in (ledger, fresh):
        await each.start()
    head, tail = forest[cut:], forest[:cut]  # children first, as spans come
    if head:
        await ledger.post(intake(head, first))
    await ledger.reprice(prices_of(later), ALWAYS, START_NS, is_dry_run=False)
    if tail:
        await ledger.post(intake(tail, later))
    await fresh.post(intake(forest, later))
    assert await totals_of(ledger) == await totals_of(fresh)
    for each in (ledger, fresh):
        await each.close()


EVENTS = st.lists(st.sampled_from(["step", "step", "batch", "restart", "other prices"]), max_size=8)


@law(forests(), st.tuples(*[catalogs()] * 3), EVENTS, examples=80)
async def test_whatever_comes_between_its_steps_a_reprice_ends_as_a_whole_one(
    open_store, forest, prices, events
):
    """Guarantees: batches, restarts, and restarts with other prices, between any two steps."""
    first, *others = prices
    fresh = Ledger(open_store("fresh"), policy(), Limits())
    await fresh.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repricing, "_TRACES_READ", 1)
        patch.setattr(repricing, "_STEP_S", 0.0)
        run = _Stepwise(open_store, others)
        await run.open()
        half = len(forest) // 2
        await run.post(forest[:half], first)
        await run.begin()
        await run.post(forest[half : half + 1], run.catalog)
        rest = [[span] for span in forest[half + 1 :]]
        for event in events:
            if event == "step":
                await run.step()
            elif event == "batch" and rest:
                await run.post(rest.pop(), run.catalog)
            elif event != "batch":
                await run.restart(is_other=event == "other prices")
        for some in rest:
            await run.post(some, run.catalog)
        while run.is_under_way:
            await run.step()
    await fresh.post(intake(forest, run.catalog))
    assert await totals_of(run.ledger) == await totals_of(fresh)
    for each in (run.ledger, fresh):
        await each.close()


class _Stepwise:
    """A ledger whose reprice does a step when it is told to."""

    def __init__(self, open_store, others):
        self._open_store = open_store
        self._catalogs = others
        self.catalog = others[0]

    async def open(self):
        self.ledger = Ledger(self._open_store("ledger"), policy(), Limits())
        self.ledger._writer._background._works.remove(self.ledger._reprice)
        await self.ledger.start()

    async def post(self, spans, catalog):
        if spans:
            await self.ledger.post(intake(spans, catalog))

    async def begin(self):
        begin = partial(self.ledger._reprice.begin, prices_of(self.catalog), ALWAYS, START_NS)
        await self.ledger._writer.ask(begin)

    @property
    def is_under_way(self):
        return self.ledger.job_progress is not None

    async def step(self):
        if self.is_under_way:
            await self.ledger._writer.ask(self.ledger._reprice.work)

    async def restart(self, *, is_other):
        await self.ledger.close()
        await self.open()
        if is_other:
            self.catalog = self._catalogs[self.catalog is self._catalogs[0]]
        was_done = not self.is_under_way
        await self.ledger.resume_reprice(prices_of(self.catalog))
        if is_other and was_done:
            await self.begin()
