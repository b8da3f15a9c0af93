"""The law of `emit`: a backend that adds up one name over its spans gets the ledger's total.

It holds for calls that stand beside each other. What an instrumentation reports a second time is
taken back by a correction, which other tools do not read, so it has to be in what they do read.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from answers import total_of
from hypothesis import strategies as st
from property.engines import law

from processor.core.budgets import Policy
from processor.core.enrich.emission import emitted
from processor.core.model import Call, Charge, Intake, Mark, Owner, Spans, Unpriced, Usage
from processor.core.money import NANO_PER_USD, price_usage
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

RATES = {
    name: tuple(10**6 * factor * rate for rate in (2503, 313, *(0,) * 4, 10007, *(0,) * 15))
    for name, factor in (("dear", 3), ("cheap", 1), ("free", 0))
}
START_NS = 1_790_000_000 * 10**9
READER, NAME = "openlit", "gen_ai.usage.cost"


@dataclass(frozen=True)
class Given:
    """One span: an agent that calls are below, or a call with nothing below it."""

    trace: int
    span: int
    parent: int | None
    model: str
    """That of a call, which may have no price; ``""`` for an agent."""
    usage: Usage
    response_id: str
    scope: str
    start_ns: int
    end_ns: int

    @property
    def ids(self):
        return bytes([self.trace + 1] * 16), (self.span + 1).to_bytes(8)


@st.composite
def forests(draw, models):
    """A few traces of agents and of calls below them; some calls are reported more than once."""
    spans = []
    for trace in range(draw(st.integers(1, 2))):
        agents = [None]
        for span in range(draw(st.integers(1, 10))):
            parent = draw(st.sampled_from(agents))
            is_agent = draw(st.integers(0, 3)) == 0
            if is_agent:
                agents.append(span)
            start_ns = START_NS + draw(st.integers(0, 4))
            spans.append(
                Given(
                    trace, span, parent, "" if is_agent else draw(st.sampled_from(models)),
                    Usage(input=draw(st.sampled_from([40, 900])), output=7),
                    draw(st.sampled_from(["", "r1", "r2"])), draw(st.sampled_from(["x", "y"])),
                    start_ns, start_ns + draw(st.integers(0, 4)),
                )
            )  # fmt: skip
    return spans


@st.composite
def deliveries(draw, models):
    """A forest, and one way in which its spans may reach us."""
    forest = draw(forests(models))
    stream = draw(st.permutations(forest)) + draw(st.lists(st.sampled_from(forest), max_size=4))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=6)))
    return [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)]) if a < b]


def batch_of(group):
    spans, charges, marks = Spans(b""), [], []
    for row, span in enumerate(group):
        trace_id, span_id = span.ids
        spans.trace_ids.append(trace_id)
        spans.span_ids.append(span_id)
        spans.parent_ids.append(b"" if span.parent is None else (span.parent + 1).to_bytes(8))
        spans.flags.append(0)
        mark = Mark(row, span.end_ns, start_ns=span.start_ns, scope=span.scope, service="svc")
        if not span.model:
            marks.append(replace(mark, is_agent=True, own=Owner(agent="a")))
            continue
        call = Call(mark, "llm", "p", (span.model,), span.usage, response_id=span.response_id)
        rates = RATES.get(span.model)
        if rates is None:
            charges.append(Unpriced(call, "unpriced", "model unknown", "p", span.model))
        else:
            amount = price_usage(span.usage, rates)
            charges.append(Charge(call, amount, "exact", "p", span.model, "v1", rates))
    return Intake(spans, charges, marks, START_NS + 10**12)


async def outcome(open_store, batches, restart_at=-1):
    """The total of the ledger, and the last stamp of each span."""
    written, ledger = {}, None
    for number, group in enumerate(batches):
        if ledger is None or number == restart_at:
            if ledger is not None:
                await ledger.close()
            ledger = Ledger(open_store("ledger"), Policy((), "p"), Limits())
            await ledger.start()
        stamps = await ledger.post(batch_of(group))
        written.update((span.ids, stamps[row]) for row, span in enumerate(group) if row in stamps)
    assert ledger is not None
    total = await total_of(ledger)
    await ledger.close()
    return total, written.values()


def added_up(stamps):
    """What a backend gets that adds up the name over distinct spans, in nano-USD."""
    found = [emitted(stamp, [READER], ()).get(NAME, 0.0) for stamp in stamps]
    return sum(round(usd * NANO_PER_USD) for usd in found)


def has_room(stamp):
    """Whether the span that carries a correction costs at least what the correction takes back."""
    entry = stamp.entry
    is_call = entry is not None and entry.amount is not None and entry.is_leaf_charge
    return not stamp.corrections or (
        is_call and entry.amount.total + stamp.leaf_corrections_nano_usd >= 0
    )


@law(deliveries(["dear", "dear", "cheap", "free", "unknown"]), st.integers(0, 4), examples=150)
async def test_a_name_of_other_tools_adds_up_to_the_total_where_corrections_have_room(
    open_store, batches, at
):
    """Guarantees: exactly the total, if each correction stands on a call that costs as much."""
    total, stamps = await outcome(open_store, batches, at)
    shown = added_up(stamps)
    if all(map(has_room, stamps)):
        assert shown == total.cost_nano_usd


@st.composite
def reported_twice(draw):
    """Different calls of one price, each reported by one or two instrumentations, in any order."""
    spans = []
    for number in range(draw(st.integers(1, 5))):
        for scope in draw(st.sampled_from(["x", "xy"])):
            start_ns = START_NS + draw(st.integers(0, 4))
            spans.append(
                Given(
                    0, len(spans), None, "dear", Usage(input=number), f"r{number}", scope,
                    start_ns, start_ns + draw(st.integers(0, 4)),
                )
            )  # fmt: skip
    return [[span] for span in draw(st.permutations(spans))]


@law(reported_twice(), examples=150)
async def test_what_two_instrumentations_report_always_has_room(open_store, batches):
    """Guarantees: the condition of the law is no way out of the usual case."""
    total, stamps = await outcome(open_store, batches)
    assert all(map(has_room, stamps))
    assert added_up(stamps) == total.cost_nano_usd
