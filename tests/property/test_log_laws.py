"""Laws of the ledger where log records and spans report the same calls, in whatever order.

The oracle below knows the calls that were made, and who reported them; it has no
span references.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from hashlib import blake2b
from zoneinfo import ZoneInfo

from answers import total_of
from hypothesis import strategies as st
from property.engines import law

from processor.core.budgets import Budget, Policy
from processor.core.model import Calendar, Call, Charge, Intake, Mark, Owner, Spans, Unpriced, Usage
from processor.core.money import price_usage
from processor.core.ports import PricesAgain
from processor.core.semconv.ids import log_trace
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

NANO = 10**6
RATES = tuple(NANO * rate for rate in (2503, 313, 3137, 5021, 0, 0, 10007, 10007, *(0,) * 14))
SECOND_NS = 10**9
START_NS = 1_790_000_000 * SECOND_NS
APART_S = 11
"""Seconds between calls, so that what reports one cannot be taken for the next."""
LIMIT_NANO_USD = 9_000_000
POLICY = Policy(
    (Budget("all", "total", "none", LIMIT_NANO_USD, "usd", Calendar(ZoneInfo("UTC"), 0)),), "p1"
)


@dataclass(frozen=True)
class Made:
    """A call that was made, and who reported it."""

    tool: str
    session: int
    number: int
    usage: Usage
    has_log: bool
    has_span: bool
    is_priced: bool = True
    at_s: int = 0
    is_silent: bool = False
    """Its span has no counts, as Gemini CLI's have none unless they are asked for."""
    has_ids: tuple[bool, bool] = (True, True)
    """Whether record and span name the response, where the tool does so at all."""

    @property
    def end_ns(self) -> int:
        return START_NS + (self.at_s or self.number * APART_S) * SECOND_NS

    @property
    def seen_usage(self) -> Usage | None:
        """What its span says: Gemini CLI's leaves out what came from a cache, and thoughts."""
        if self.is_silent:
            return None
        if self.tool != "gemini-cli":
            return self.usage
        return Usage(input=self.usage.input_tokens, output=self.usage.output)


@dataclass(frozen=True)
class Turn:
    """A span with the sum of several calls of Codex."""

    session: int
    calls: tuple[Made, ...]
    has_span: bool

    @property
    def usage(self) -> Usage:
        parts = [call.usage._replace(requests=0) for call in self.calls]
        return Usage._make(map(sum, zip(*parts, strict=True)))


def digest(*facts, size):
    return blake2b(repr(facts).encode(), digest_size=size).digest()


def response_id_of(call, has_id):
    is_named = has_id and call.tool == "claude-code"
    return f"req-{call.session}-{call.number}" if is_named else ""


def charge_of(call, is_priced):
    if call.usage is None:
        return Unpriced(call, "usage_missing", "no usage reported", "x", "m")
    if not is_priced:
        return Unpriced(call, "unpriced", "model unknown", "x", "m")
    return Charge(call, price_usage(call.usage, RATES), "exact", "x", "m", "v1", RATES)


def record_item(made):
    """A log record as semconv would hand it on: (trace, span, parent, charge)."""
    trace_id = log_trace(made.tool, f"s{made.session}")
    own = Owner(session=f"s{made.session}", agent=made.tool)
    mark = Mark(0, made.end_ns - 3_000_000, own=own, start_ns=made.end_ns - SECOND_NS)
    response_id = response_id_of(made, made.has_ids[0])
    call = Call(mark, "llm", "x", ("m",), made.usage, response_id=response_id)
    span_id = digest("log", made.tool, made.session, made.number, size=8)
    return trace_id, span_id, trace_id[8:], charge_of(call, made.is_priced)


def span_item(made):
    own = Owner(session=f"s{made.session}", agent=made.tool)
    mark = Mark(0, made.end_ns, own=own, start_ns=made.end_ns - 2 * SECOND_NS)
    call = Call(
        mark, "llm", "x", ("m",), made.seen_usage,
        response_id=response_id_of(made, made.has_ids[1]),
        log_trace=log_trace(made.tool, f"s{made.session}"),
    )  # fmt: skip
    ids = (made.tool, made.session, made.number)
    return digest(*ids, size=16), digest("span", *ids, size=8), b"", charge_of(call, made.is_priced)


def turn_item(turn):
    own = Owner(session=f"s{turn.session}", agent="codex")
    first, last = turn.calls[0], turn.calls[-1]
    mark = Mark(0, last.end_ns + 1, own=own, start_ns=first.end_ns - 2 * SECOND_NS)
    call = Call(
        mark, "llm", "x", ("m",), turn.usage, aggregate="sum",
        log_trace=log_trace("codex", f"s{turn.session}"),
    )  # fmt: skip
    ids = ("turn", turn.session, first.number)
    return digest(*ids, size=16), digest("span", *ids, size=8), b"", charge_of(call, is_priced=True)


def batch_of(items):
    spans, charges = Spans(b""), []
    for row, (trace_id, span_id, parent_id, charge) in enumerate(items):
        spans.trace_ids.append(trace_id)
        spans.span_ids.append(span_id)
        spans.parent_ids.append(parent_id)
        spans.flags.append(0)
        mark = replace(charge.call.mark, row=row)
        charges.append(replace(charge, call=replace(charge.call, mark=mark)))
    return Intake(spans, charges, [], START_NS + 10**13)


def items_of(world):
    found = []
    for thing in world:
        calls = thing.calls if isinstance(thing, Turn) else (thing,)
        found += [record_item(call) for call in calls if call.has_log]
        if thing.has_span:
            found.append(turn_item(thing) if isinstance(thing, Turn) else span_item(thing))
    return found


def cost(usage):
    return price_usage(usage, RATES).total


def expected(world):
    """Cost, calls and calls without a price of everything, each call once, by its best account."""
    nano, calls, unpriced = 0, 0, 0
    for thing in world:
        if isinstance(thing, Turn):
            logged = [call for call in thing.calls if call.has_log]
            nano += cost(thing.usage) if thing.has_span else sum(cost(c.usage) for c in logged)
            calls += len(logged)
        elif thing.has_log or thing.has_span:
            calls += 1
            if not thing.is_priced or (thing.is_silent and not thing.has_log):
                unpriced += 1
            else:
                nano += cost(thing.usage if thing.has_log else thing.seen_usage)
    return nano, calls, unpriced


@st.composite
def usages(draw):
    return Usage(
        input=draw(st.integers(0, 50)),
        cache_read=draw(st.sampled_from([0, 0, 90])),
        output=draw(st.integers(1, 4)),
        reasoning=draw(st.sampled_from([0, 0, 7])),
    )


@st.composite
def worlds(draw):
    """Some sessions of some tools; not everything is reported, and some of it twice."""
    world, number = [], 0
    for session in range(draw(st.integers(1, 2))):
        for _ in range(draw(st.integers(1, 5))):
            tool = draw(st.sampled_from(["claude-code", "gemini-cli", "codex"]))
            count = draw(st.integers(1, 3)) if tool == "codex" else 1
            calls = []
            for _ in range(count):
                number += 1
                calls.append(
                    Made(
                        tool, session, number, draw(usages()), draw(st.booleans()),
                        draw(st.booleans()), tool == "codex" or draw(st.integers(0, 4)) > 0,
                        is_silent=tool == "gemini-cli" and draw(st.integers(0, 2)) == 0,
                        has_ids=(draw(st.booleans()), draw(st.booleans())),
                    )
                )  # fmt: skip
            is_turn = tool == "codex"
            world.append(Turn(session, tuple(calls), draw(st.booleans())) if is_turn else calls[0])
    return world


@st.composite
def deliveries(draw):
    world = draw(worlds())
    items = items_of(world)
    order = draw(st.permutations(items))
    repeats = draw(st.lists(st.sampled_from(items), max_size=4)) if items else []
    stream = order + repeats
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=5)))
    return world, [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)]) if a < b]


class Run:
    """A ledger, and what it said should be written on spans."""

    def __init__(self, open_store):
        self.open_store = open_store
        self.stamps = {}
        self.ledger = None

    async def open(self):
        self.ledger = Ledger(self.open_store("ledger"), POLICY, Limits())
        await self.ledger.start()

    async def post(self, items):
        stamps = await self.ledger.post(batch_of(items))
        for row, item in enumerate(items):
            if not item[0].startswith(b"llm-logs"):
                self.stamps[item[1]] = stamps[row]

    async def check(self, world):
        nano, calls, unpriced = expected(world)
        total = await total_of(self.ledger)
        assert (total.cost_nano_usd, total.calls, total.unpriced) == (nano, calls, unpriced)
        for session in {thing.session for thing in world}:
            mine = [thing for thing in world if thing.session == session]
            whole = await total_of(self.ledger, "session", f"s{session}")
            assert (whole.cost_nano_usd, whole.calls, whole.unpriced) == expected(mine)
        # What a backend adds up is what its own spans cost, whatever records have reported besides.
        specs = [stamp.entry.amount.total for stamp in self.stamps.values() if stamp.entry.amount]
        priced = [thing for thing in world if thing.has_span and getattr(thing, "is_priced", True)]
        seen = [t.usage if isinstance(t, Turn) else t.seen_usage for t in priced]
        assert sum(specs) == sum(cost(usage) for usage in seen if usage is not None)
        assert not any(stamp.corrections for stamp in self.stamps.values())


@law(deliveries(), examples=80)
async def test_a_call_is_charged_once_whoever_reports_it(open_store, delivery):
    """Guarantees: order, split and repetition of records and spans do not matter."""
    world, batches = delivery

    run = Run(open_store)
    await run.open()
    for items in batches:
        await run.post(items)
    await run.check(world)
    await run.ledger.close()


@law(deliveries(), st.integers(0, 4), examples=80)
async def test_a_restart_changes_nothing(open_store, delivery, at):
    """Guarantees: what the ledger holds is enough to go on as if nothing had happened."""
    world, batches = delivery

    run = Run(open_store)
    await run.open()
    for number, items in enumerate(batches):
        if number == at:
            await run.ledger.close()
            await run.open()
        await run.post(items)
    await run.ledger.close()
    await run.open()
    for items in batches:
        await run.post(items)
    await run.check(world)
    await run.ledger.close()


@law(
    st.lists(st.integers(1, 3), min_size=1, max_size=8),
    st.integers(1, 12),
    st.randoms(),
    examples=80,
)
async def test_calls_alike_at_one_time_are_matched_one_by_one(
    open_store, outputs, spread_s, random
):
    """Guarantees: where all is reported twice, every call is charged as its record says, once."""
    world = [
        Made("gemini-cli", 0, number, Usage(input=10, cache_read=5, output=output, reasoning=2),
             has_log=True, has_span=True, at_s=1 + number * spread_s)
        for number, output in enumerate(outputs)
    ]  # fmt: skip

    run = Run(open_store)
    await run.open()
    items = items_of(world)
    random.shuffle(items)
    for item in items:
        await run.post([item])
    await run.check(world)
    await run.ledger.close()


def at_double_prices(row):
    """What a stored call costs when every rate has doubled."""
    entry = row.entry
    if entry.rates is None:
        return entry
    rates = tuple(2 * rate for rate in RATES)
    return replace(entry, rates=rates, amount=price_usage(entry.usage, rates))


@law(deliveries(), st.booleans(), examples=80)
async def test_prices_that_change_change_records_and_references_alike(
    open_store, delivery, is_restarted
):
    """Guarantees: a reprice charges what all costs now, whoever reported it, also later on."""
    world, batches = delivery

    run = Run(open_store)
    await run.open()
    for items in batches:
        await run.post(items)
    if is_restarted:
        await run.ledger.close()
        await run.open()
    await run.ledger.reprice(
        PricesAgain("double", at_double_prices), (0, 2**63 - 1), START_NS, is_dry_run=False
    )
    for items in batches:
        await run.post(items)
    nano, calls, unpriced = expected(world)
    total = await total_of(run.ledger)
    assert (total.cost_nano_usd, total.calls, total.unpriced) == (2 * nano, calls, unpriced)
    await run.ledger.close()
