"""Laws of the ledger: whatever order, split or repetition the spans come in, the end is the same.

The oracle below is written for plainness: it sees all spans at once and knows nothing of turns.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

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
    Unpriced,
    Usage,
)
from processor.core.money import price_usage
from processor.io.ledger import Ledger
from processor.io.ledger.working_set import Limits

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
    kind: str  # call, unpriced, sum, agent, carrier, plain
    own: Owner
    usage: Usage
    time_ns: int

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
            kinds = ["call", "call", "call", "unpriced", "sum", "agent", "carrier", "plain"]
            kind = draw(st.sampled_from(kinds))
            own = NOBODY
            if kind in {"agent", "sum"}:
                own = Owner(agent=draw(st.sampled_from(["a", "b"])))
            if kind == "carrier" or draw(st.integers(0, 3)) == 0:
                own = own._replace(
                    session=draw(st.sampled_from([None, "s1", "s2"])),
                    user=draw(st.sampled_from([None, "u1", "u2"])),
                    feature=draw(st.sampled_from([None, "f"])),
                )
            if kind == "plain":
                own = NOBODY
            if kind == "carrier" and own == NOBODY:
                own = Owner(session="s1")
            usage = Usage(
                input=draw(st.integers(0, 900)),
                cache_read=draw(st.sampled_from([0, 0, 300])),
                output=draw(st.integers(0, 90)),
            )
            time_ns = START_NS + draw(st.integers(0, 3)) * 900 * 10**9 + trace * 100 + span
            spans.append(Given(trace, span, parent, kind, own, usage, time_ns))
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
            call = Call(mark, "llm", "openai", ("gpt-4o",), span.usage, aggregate=aggregate)
            if span.kind == "unpriced":
                charges.append(Unpriced(call, "unpriced", "model unknown", "openai", "gpt-x"))
            else:
                amount = price_usage(span.usage, RATES)
                charges.append(Charge(call, amount, "exact", "openai", "gpt-4o", "v1", RATES))
        elif span.kind in {"agent", "carrier"}:
            marks.append(mark)
    return Intake(spans, charges, marks, START_NS + 10**12)


def expected_costs(forest):
    """Nano-USD of each span that is charged: leaves whole, aggregates only what is left over."""
    children = defaultdict(list)
    for span in forest:
        if span.parent is not None:
            children[span.trace, span.parent].append(span)
    costs = {}

    def walk(span):
        below = Counter()
        for child in children[span.trace, span.span]:
            below += walk(child)
        if span.kind not in {"call", "sum"}:
            return below
        used = span.usage
        reported_in, reported_out = used.input + used.cache_read, used.output
        left = max(0, reported_in - below["input"] - below["cache_read"])
        fresh = min(left, max(0, used.input - below["input"]))
        read = min(left - fresh, max(0, used.cache_read - below["cache_read"]))
        output = max(0, reported_out - below["output"])
        charged = Usage(input=fresh, cache_read=read, output=output)
        costs[span] = price_usage(charged, RATES).total
        return below + Counter(input=fresh, cache_read=read, output=output)

    for span in forest:
        if span.parent is None:
            walk(span)
    return costs


def expected_owners(forest, dimension):
    """Cost by owner: own, nearest ancestor, then what all spans of the trace agree on."""
    at = {(span.trace, span.span): span for span in forest}
    result = Counter()
    for span, cost in expected_costs(forest).items():
        node, owner = span, None
        while node is not None and owner is None:
            owner = getattr(node.own, dimension)
            node = None if node.parent is None else at[node.trace, node.parent]
        if owner is None and dimension in {"session", "user"}:
            said = {
                value
                for other in forest
                if other.trace == span.trace and (value := getattr(other.own, dimension))
            }
            owner = said.pop() if len(said) == 1 else None
        result[owner or ""] += cost
    return {owner: cost for owner, cost in result.items() if cost}


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

    async def open(self):
        self.ledger = Ledger(self.open_store("ledger"), policy(), Limits())
        await self.ledger.start()

    async def post(self, group):
        stamps = await self.ledger.post(batch_of(group))
        for row, span in enumerate(group):
            stamp = stamps.get(row)
            key = (span.trace_id, span.span_id)
            if stamp is None:
                continue
            if key in self.written and self.written[key] is not None:
                assert self.written[key] == stamp, "a repeat is stamped as the first time"
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
    totals = {owner: await ledger.total(dimension, owner) for owner in owners}
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
    total = await run.ledger.total("total", "")
    assert total.cost_nano_usd == sum(costs.values())
    assert total.unpriced == sum(_stands_alone(forest, span) for span in forest)
    assert run.spans_total() == total.cost_nano_usd
    for dimension, owners in (
        ("session", ["s1", "s2", ""]),
        ("user", ["u1", "u2", ""]),
        ("agent", ["a", "b", ""]),
        ("feature", ["f", ""]),
    ):
        found = await by_owner(run.ledger, dimension, owners)
        assert found == expected_owners(forest, dimension), dimension
    for trace in {span.trace for span in forest}:
        whole = await run.ledger.total("trace", bytes([trace + 1] * 16).hex())
        spent = sum(cost for span, cost in costs.items() if span.trace == trace)
        assert whole.cost_nano_usd == spent
    await _check_crossings(run, forest)
    await run.ledger.close()


def _stands_alone(forest, span):
    """True for an unpriced call whose tokens no other span below it reports."""
    if span.kind != "unpriced":
        return False
    below, grown = {span.span}, True
    while grown:
        more = {s.span for s in forest if s.trace == span.trace and s.parent in below} - below
        below, grown = below | more, bool(more)
    inner = [s for s in forest if s.trace == span.trace and s.span in below - {span.span}]
    calls = [s for s in inner if s.kind in {"call", "unpriced"}]
    if not calls:
        return True
    tokens_in, tokens_out = _tokens(inner, span)
    used = span.usage
    return used.input + used.cache_read > tokens_in or used.output > tokens_out


def _tokens(inner, top):
    """Tokens that the spans below `top` add to totals, each only for what is not repeated."""
    children = defaultdict(list)
    for span in inner:
        children[span.parent].append(span)

    def walk(number):
        tokens_in = tokens_out = 0
        for child in children[number]:
            below_in, below_out = walk(child.span)
            if child.kind in {"call", "unpriced", "sum"}:
                below_in = max(below_in, child.usage.input + child.usage.cache_read)
                below_out = max(below_out, child.usage.output)
            tokens_in, tokens_out = tokens_in + below_in, tokens_out + below_out
        return tokens_in, tokens_out

    return walk(top.span)


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


@law(deliveries(), st.integers(0, 4), examples=150)
async def test_a_restart_in_the_middle_charges_nothing_twice(open_store, delivery, at):
    """Guarantees: after a restart everything is sent again, and every total stands as it was."""
    forest, batches = delivery

    run = Run(open_store)
    await run.open()
    for number, group in enumerate(batches):
        if number == at:
            await run.ledger.close()
            await run.open()
        await run.post(group)
    await run.ledger.close()
    await run.open()
    # What waited for a call when it stopped comes again, and its links with it.
    for group in batches:
        await run.post(group)
    before = await run.ledger.total("total", "")
    for group in batches:
        await run.post(group)
    total = await run.ledger.total("total", "")
    assert total.cost_nano_usd == sum(expected_costs(forest).values())
    assert total.cost_nano_usd == before.cost_nano_usd
    assert run.spans_total() == total.cost_nano_usd
    for dimension in ("session", "user"):
        found = await by_owner(run.ledger, dimension, ["s1", "s2", "u1", "u2", ""])
        assert sum(found.values()) == total.cost_nano_usd, "the parts add up to the whole"
    await run.ledger.close()
