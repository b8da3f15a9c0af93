"""Laws of the ledger: whatever order, split or repetition the spans come in, the end is the same.

The oracle below is written for plainness: it sees all spans at once and knows nothing of turns.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from answers import title_of, total_of
from hypothesis import strategies as st
from property.engines import law

from processor.core.budgets import Budget, Policy
from processor.core.model import (
    NOBODY,
    Calendar,
    Call,
    Charge,
    Intake,
    Mark,
    Owner,
    Spans,
    Stamp,
    Totals,
    Unpriced,
    Usage,
)
from processor.core.money import price_usage
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits
from processor.surfaces.terminal.live.changes import changes_of

UTC = Calendar(ZoneInfo("UTC"), 0)
RATES = Usage(input=2_500_000_000, cache_read=1_250_000_000, output=10_000_000_000, requests=0)[:]
"""Femto-USD of each quantity."""
START_NS = 1_790_000_000 * 10**9
SESSION_LIMIT_NANO_USD = 4_000_000


@dataclass(frozen=True)
class Given:
    """One span of a generated trace."""

    trace: int
    span: int
    parent: int | None
    kind: str  # call, unpriced, sum, agent, carrier, tool, plain
    own: Owner
    usage: Usage
    time_ns: int
    doubt: str = ""

    @property
    def trace_id(self) -> bytes:
        return bytes([self.trace + 1] * 16)

    @property
    def span_id(self) -> bytes:
        return (self.span + 1).to_bytes(8)

    @property
    def parent_id(self) -> bytes:
        return b"" if self.parent is None else (self.parent + 1).to_bytes(8)


@st.composite
def forests(draw):
    """A few traces, each a tree of spans with agents, aggregates, calls, carriers and others."""
    spans = []
    for trace in range(draw(st.integers(1, 2))):
        size = draw(st.integers(1, 9))
        for span in range(size):
            parent = None if span == 0 else draw(st.integers(0, span - 1))
            kinds = ["call", "call", "call", "unpriced", "sum", "agent", "carrier", "tool", "plain"]
            kind = draw(st.sampled_from(kinds))
            own = NOBODY
            if kind in {"agent", "sum"}:
                own = Owner(agent=draw(st.sampled_from(["a", "b"])))
            if kind == "carrier" or draw(st.integers(0, 3)) == 0:
                own = own._replace(
                    session=draw(st.sampled_from([None, "s1", "s2"])),
                    user=draw(st.sampled_from([None, "u1", "u2"])),
                    feature=draw(st.sampled_from([None, "f"])),
                    task=draw(st.sampled_from([None, "t1", "t2"])),
                    task_type=draw(st.sampled_from([None, "review"])),
                    purpose=draw(st.sampled_from([None, "analyze", "explain"])),
                    task_title=draw(st.sampled_from([None, "T1", "T2"])),
                    own_dimensions=draw(
                        st.sampled_from([(), (("team", "x"),), (("plan", "p"), ("team", "y"))])
                    ),
                )
            if kind in {"tool", "plain"}:
                own = NOBODY
            if kind == "carrier" and own == NOBODY:
                own = Owner(session="s1")
            usage = Usage(
                input=draw(st.integers(0, 900)),
                cache_read=draw(st.sampled_from([0, 0, 300])),
                output=draw(st.integers(0, 90)),
            )
            time_ns = START_NS + draw(st.integers(0, 3)) * 900 * 10**9 + trace * 100 + span
            doubt = draw(st.sampled_from(["", "", "split_assumed"]))
            spans.append(Given(trace, span, parent, kind, own, usage, time_ns, doubt))
    return spans


def batch_of(group):
    """A batch as the stages before the ledger hand it on."""
    spans, charges, marks = Spans(b""), [], []
    for row, span in enumerate(group):
        spans.trace_ids.append(span.trace_id)
        spans.span_ids.append(span.span_id)
        spans.parent_ids.append(span.parent_id)
        spans.flags.append(0)
        spans.end_ns.append(span.time_ns)
        is_agent = span.kind in {"agent", "sum"}
        mark = Mark(row, span.time_ns, is_agent=is_agent, own=span.own, service="svc")
        if span.kind in {"call", "sum", "unpriced"}:
            aggregate = "sum" if span.kind == "sum" else None
            call = Call(
                mark, "llm", "openai", ("gpt-4o",), span.usage, aggregate=aggregate,
                doubt=span.doubt,
            )  # fmt: skip
            if span.kind == "unpriced":
                charges.append(Unpriced(call, "unpriced", "model unknown", "openai", "gpt-x"))
            else:
                amount = price_usage(span.usage, RATES)
                charges.append(Charge(call, amount, "exact", "openai", "gpt-4o", "v1", RATES))
        elif span.kind in {"agent", "carrier"}:
            marks.append(mark)
    tools = frozenset(row for row, span in enumerate(group) if span.kind == "tool")
    return Intake(spans, charges, marks, START_NS + 10**12, tools)


@dataclass(frozen=True)
class Part:
    """What some spans add."""

    input: int = 0
    cache_read: int = 0
    output: int = 0
    """What they are charged for."""
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    unpriced: int = 0
    doubtful: int = 0

    def __add__(self, other):
        return Part(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other):
        return Part(*(one - less for one, less in zip(astuple(self), astuple(other), strict=True)))

    @property
    def is_charged(self):
        return any((self.input, self.cache_read, self.output))

    @property
    def cost(self):
        used = Usage(input=self.input, cache_read=self.cache_read, output=self.output)
        return price_usage(used, RATES).total


def sides_of(used, below):
    """Input and output of a span; cached tokens were inside, if then it repeats what is below."""
    tokens_in = used.input + used.cache_read
    if below.tokens_in and tokens_in - below.tokens_in == used.cache_read:
        tokens_in = below.tokens_in
    return tokens_in, used.output


def part_that_explains(span, below, in_tools):
    """What is below a span without what its tools did, unless it is an agent that sums up all."""
    own = below - in_tools
    sides, whole = sides_of(span.usage, below), (below.tokens_in, below.tokens_out)
    if span.kind == "sum" and in_tools.is_charged:
        if sides == whole or (own.calls and sides[0] >= whole[0] and sides[1] >= whole[1]):
            return below
    elif sides == whole and in_tools.is_charged:
        return below
    return own


def share_of(span, below, in_tools):
    """Leaves add all they have, others only what is left over."""
    below = part_that_explains(span, below, in_tools)
    tokens_in, tokens_out = sides_of(span.usage, below)
    left_in = max(0, tokens_in - below.tokens_in)
    left_out = max(0, tokens_out - below.tokens_out)
    calls = int(span.kind != "sum" and not below.calls)
    if span.kind == "unpriced":
        part = Part(0, 0, 0, left_in, left_out, calls, int(bool(calls or left_in or left_out)))
    else:
        used = span.usage
        room = max(0, tokens_in - below.input - below.cache_read)
        fresh = min(room, max(0, used.input - below.input))
        read = min(room - fresh, max(0, used.cache_read - below.cache_read))
        output = max(0, used.output - below.output)
        part = Part(fresh, read, output, left_in, left_out, calls)
    adds = part != Part() and (part.cost or part.tokens_in or part.tokens_out or part.calls)
    return replace(part, doubtful=int(bool(span.doubt and (adds or part.unpriced))))


def expected_shares(forest):
    """What each call and aggregate adds."""
    children = defaultdict(list)
    for span in forest:
        if span.parent is not None:
            children[span.trace, span.parent].append(span)
    shares = {}

    def walk(span):
        below = in_tools = Part()
        for child in children[span.trace, span.span]:
            all_below, some = walk(child)
            below, in_tools = below + all_below, in_tools + some
        whole = below
        if span.kind in {"call", "sum", "unpriced"}:
            shares[span] = share_of(span, below, in_tools)
            whole = below + shares[span]
        return whole, whole if span.kind == "tool" else in_tools

    for span in forest:
        if span.parent is None:
            walk(span)
    return shares


def expected_costs(forest):
    """Nano-USD of each span that is charged: leaves whole, aggregates only what is left over."""
    shares = expected_shares(forest)
    return {span: part.cost for span, part in shares.items() if span.kind != "unpriced"}


def nearest(at, span, field):
    """What a span or the nearest one above it says."""
    value = said(span, field)
    while value is None and span.parent is not None:
        span = at[span.trace, span.parent]
        value = said(span, field)
    return value


def said(span, field):
    """What a span itself says, also of an operator's own dimension."""
    return getattr(span.own, field, None) or dict(span.own.own_dimensions).get(field)


def expected_owners(forest, dimension):
    """Cost by owner: own, nearest ancestor, then what all spans of the trace agree on."""
    at = {(span.trace, span.span): span for span in forest}
    result = Counter()
    for span, cost in expected_costs(forest).items():
        owner = nearest(at, span, dimension)
        if owner is None and dimension == "task":
            owner = nearest(at, span, "task_title")
        if owner is None and dimension in {"session", "user", "team", "plan"}:
            named = {
                value
                for other in forest
                if other.trace == span.trace and (value := said(other, dimension))
            }
            owner = named.pop() if len(named) == 1 else None
        result[owner or ""] += cost
    return {owner: cost for owner, cost in result.items() if cost}


def expected_titles(forest):
    """The latest title of each task, of the spans that name both, in traces that cost something."""
    charged = {span.trace for span in forest if span.kind in {"call", "unpriced", "sum", "agent"}}
    named = [span for span in forest if span.trace in charged and span.own.task_title]
    latest = {}
    for span in sorted(named, key=lambda span: (span.time_ns, span.own.task_title)):
        if span.own.task is not None:
            latest[span.own.task] = span.own.task_title
    return latest


def policy():
    limit = Budget(
        "per-session", "session", "none", SESSION_LIMIT_NANO_USD, "usd", UTC, (Decimal("0.5"),)
    )
    hourly = Budget("hourly", "total", "hour", 3_000_000, "usd", UTC)
    return Policy((limit, hourly), "p1")


class Run:
    """A ledger that batches are posted to, and what came back."""

    def __init__(self, open_store):
        self.open_store = open_store
        self.written = {}
        self.events = Counter()
        self.ledger = None
        self.shown = defaultdict(Totals)
        """By trace, what the terminal has shown of it."""

    async def open(self):
        self.ledger = Ledger(self.open_store("ledger"), policy(), Limits())
        self.ledger.on_posted = self.show
        await self.ledger.start()

    def show(self, _intake, plan):
        """Add up what the terminal shows of each turn: at any time it is the ledger's total."""
        for trace_id, change in changes_of(plan).items():
            self.shown[trace_id] = self.shown[trace_id].plus(change)
        for summary in plan.traces:
            shown = replace(self.shown[summary.trace_id], agent_runs=0)
            assert shown == replace(summary.totals, agent_runs=0)

    async def post(self, group):
        stamps = await self.ledger.post(batch_of(group))
        for row, span in enumerate(group):
            stamp = stamps.get(row, Stamp())
            key = (span.trace_id, span.span_id)
            assert self.written.get(key, stamp) == stamp, "a repeat is stamped as the first time"
            self.written[key] = stamp

    def spans_total(self):
        """What a backend gets that adds up cost and corrections over distinct spans."""
        return sum(
            (stamp.entry.amount.total if stamp.entry and stamp.entry.amount else 0)
            + sum(nano for _, nano in stamp.corrections)
            for stamp in self.written.values()
        )

    def crossings(self):
        return [crossing for stamp in self.written.values() for crossing in stamp.crossings]


async def by_owner(ledger, dimension, owners):
    totals = {owner: await total_of(ledger, dimension, owner) for owner in owners}
    return {owner: total.cost_nano_usd for owner, total in totals.items() if total.cost_nano_usd}


@st.composite
def deliveries(draw):
    """A forest, and one way in which its spans may reach us."""
    forest = draw(forests())
    order = draw(st.permutations(forest))
    repeats = draw(st.lists(st.sampled_from(forest), max_size=4))
    stream = order + repeats
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=4)))
    return forest, [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]


@law(deliveries(), examples=150)
async def test_order_split_and_repetition_do_not_matter(open_store, delivery):
    """Guarantees: costs, owners and crossings are those of the set of spans."""
    forest, batches = delivery

    run = Run(open_store)
    await run.open()
    for group in batches:
        await run.post(group)
    costs = expected_costs(forest)
    total = await total_of(run.ledger)
    assert total.cost_nano_usd == sum(costs.values())
    expected = sum(expected_shares(forest).values(), Part())
    assert (total.input_tokens, total.output_tokens) == (expected.tokens_in, expected.tokens_out)
    assert (total.calls, total.unpriced) == (expected.calls, expected.unpriced)
    assert total.doubtful_calls == expected.doubtful
    assert run.spans_total() == total.cost_nano_usd
    for dimension, owners in (
        ("session", ["s1", "s2", ""]),
        ("user", ["u1", "u2", ""]),
        ("agent", ["a", "b", ""]),
        ("feature", ["f", ""]),
        ("task", ["t1", "t2", "T1", "T2", ""]),
        ("task_type", ["review", ""]),
        ("purpose", ["analyze", "explain", ""]),
        ("team", ["x", "y"]),
        ("plan", ["p"]),
    ):
        found = await by_owner(run.ledger, dimension, owners)
        expected_costs_of = expected_owners(forest, dimension)
        if "" not in owners:  # What has no own dimension has no total under it.
            expected_costs_of.pop("", None)
        assert found == expected_costs_of, dimension
    titles = {task: await title_of(run.ledger, task) for task in ("t1", "t2")}
    assert {task: title for task, title in titles.items() if title} == expected_titles(forest)
    for trace in {span.trace for span in forest}:
        whole = await total_of(run.ledger, "trace", bytes([trace + 1] * 16).hex())
        spent = sum(cost for span, cost in costs.items() if span.trace == trace)
        assert whole.cost_nano_usd == spent
    await _check_crossings(run, forest)
    await run.ledger.close()


async def _check_crossings(run, forest):
    crossings = run.crossings()
    keys = [(c.budget, c.scope_id, c.window_start_s, c.threshold) for c in crossings]
    assert len(keys) == len(set(keys)), "at most one event for each key"
    for session in ("s1", "s2"):
        final = expected_owners(forest, "session").get(session, 0)
        events = Counter(c.threshold for c in crossings if c.scope_id == session)
        for share in (0.5, 1.0):
            if final >= SESSION_LIMIT_NANO_USD * share:
                assert events[share] == 1, "exactly one where the final total reaches the limit"


@law(deliveries(), st.booleans(), examples=50)
async def test_what_is_sent_again_is_written_as_the_first_time(open_store, delivery, restarts):
    """Guarantees: each batch is sent twice, then all again; of each span the bytes stay."""
    forest, batches = delivery
    run = Run(open_store)
    await run.open()
    for group in batches:
        await run.post(group)
        if restarts:
            await run.ledger.close()
            await run.open()
        await run.post(group)  # It raises where a repeat is stamped otherwise.
    for span in forest:
        await run.post([span])
    await run.ledger.close()


@law(deliveries(), st.sets(st.integers(0, 4)), examples=150)
async def test_a_restart_in_the_middle_charges_nothing_twice(open_store, delivery, restarts):
    """Guarantees: what a restart interrupts ends as without it, and a repeat changes nothing."""
    forest, batches = delivery

    run = Run(open_store)
    await run.open()
    for number, group in enumerate(batches):
        if number in restarts:
            await run.ledger.close()
            await run.open()
        await run.post(group)
    before = await total_of(run.ledger)
    assert before.cost_nano_usd == sum(expected_costs(forest).values())
    # The owners are those that all spans together say, without any of them coming again.
    for dimension, owners in (
        ("session", ["s1", "s2", ""]),
        ("agent", ["a", "b", ""]),
        ("task", ["t1", "t2", "T1", "T2", ""]),
    ):
        found = await by_owner(run.ledger, dimension, owners)
        assert found == expected_owners(forest, dimension), dimension
    await run.ledger.close()
    await run.open()
    before = await total_of(run.ledger)
    for group in batches:
        await run.post(group)
    total = await total_of(run.ledger)
    assert total.cost_nano_usd == sum(expected_costs(forest).values())
    assert total.cost_nano_usd == before.cost_nano_usd
    assert run.spans_total() == total.cost_nano_usd
    for dimension in ("session", "user", "purpose"):
        owners = ["s1", "s2", "u1", "u2", "analyze", "explain", ""]
        found = await by_owner(run.ledger, dimension, owners)
        assert sum(found.values()) == total.cost_nano_usd, "the parts add up to the whole"
    await run.ledger.close()
