"""Laws of calls that spans of several traces report: what is charged depends on their set alone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass

from answers import total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import RATES, START_NS, policy

from processor.core.model import Call, Charge, Intake, Mark, Spans, Usage
from processor.core.money import price_usage
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

USAGES = (Usage(input=100, output=5), Usage(input=60, cache_read=40, output=5), Usage(input=7))
APART_NS = 5 * 10**9


@dataclass(frozen=True)
class Given:
    """A span that reports a call, alone in its trace or below an agent that repeats it."""

    trace: int
    response: str
    scope: str
    service: str
    usage: Usage
    time_ns: int
    has_parent: bool

    @property
    def trace_id(self) -> bytes:
        return bytes([self.trace + 1] * 16)


@st.composite
def reports(draw):
    """Spans of some traces, of which several name the same response at about the same time."""
    return [
        Given(
            trace,
            draw(st.sampled_from(["r-1", "r-1", "r-2", ""])),
            draw(st.sampled_from(["sdk", "framework"])),
            draw(st.sampled_from(["app", "app", "other"])),
            draw(st.sampled_from(USAGES)),
            START_NS + draw(st.sampled_from([0, 1, 4, 20])) * 10**9,
            draw(st.booleans()),
        )
        for trace in range(draw(st.integers(2, 5)))
    ]


def batch_of(group):
    spans, charges = Spans(b""), []
    for span in group:
        for number in (2, 1) if span.has_parent else (2,):
            row = len(spans.span_ids)
            spans.trace_ids.append(span.trace_id)
            spans.span_ids.append(number.to_bytes(8))
            spans.parent_ids.append((1).to_bytes(8) if number == 2 and span.has_parent else b"")
            spans.flags.append(0)
            spans.end_ns.append(span.time_ns)
            is_agent = number == 1
            mark = Mark(
                row, span.time_ns, is_agent=is_agent, service=span.service, scope=span.scope
            )
            call = Call(
                mark, "llm", "openai", ("gpt-4o",), span.usage,
                aggregate="sum" if is_agent else None,
                response_id="" if is_agent else span.response,
            )  # fmt: skip
            amount = price_usage(span.usage, RATES)
            charges.append(Charge(call, amount, "exact", "openai", "gpt-4o", "v1", RATES))
    return Intake(spans, charges, [], START_NS + 10**12)


def fit(first, second):
    """The same input in all and the same output, or the cached tokens left out of the input."""
    if first == second:
        return True
    sides = [(usage.input_tokens, usage.output) for usage in (first, second)]
    return sides[0] == sides[1]


def expected_cost(spans):
    """Every call is charged, but one of two that are all there is of a response for a while."""
    total, doubtful = 0, 0
    by_response = defaultdict(list)
    for span in spans:
        if span.response:
            by_response[span.response].append(span)
        else:
            total += price_usage(span.usage, RATES).total
    for some in by_response.values():
        near = []
        for span in sorted(some, key=lambda span: span.time_ns):
            if near and span.time_ns - near[-1][-1].time_ns <= APART_NS:
                near[-1].append(span)
            else:
                near.append([span])
        for group in near:
            costs = [price_usage(span.usage, RATES).total for span in group]
            if len(group) == 2 and are_one(*group):
                # The one that knows of caches is charged.
                caches = [cost for span, cost in zip(group, costs, strict=True)
                          if span.usage.cache_read]  # fmt: skip
                total += (caches or costs)[0]
                continue
            total += sum(costs)
            doubtful += len(group) if len(group) > 1 else 0
    return total, doubtful


def are_one(first, second):
    return (
        first.scope != second.scope
        and first.service == second.service
        and fit(first.usage, second.usage)
    )


@st.composite
def deliveries(draw):
    spans = draw(reports())
    stream = draw(st.permutations(spans)) + draw(st.lists(st.sampled_from(spans), max_size=3))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=4)))
    return spans, [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]


@law(deliveries(), st.sets(st.integers(0, 4)), st.sampled_from([1, 100]), examples=150)
async def test_what_is_charged_depends_on_the_set_of_reports_alone(
    open_store, given, restarts, traces_in_memory
):
    """Guarantees: whatever order, split, repetition or restart, with agents above or without.

    Also where the traces of other reports are no longer in memory.
    """
    (spans, batches), limits = given, Limits(traces=traces_in_memory)
    ledger = Ledger(open_store("ledger"), policy(), limits)
    await ledger.start()
    written = {}
    for number, group in enumerate(batches):
        if number in restarts:
            await ledger.close()
            ledger = Ledger(open_store("ledger"), policy(), limits)
            await ledger.start()
        intake = batch_of(group)
        stamps = await ledger.post(intake)
        for row, stamp in stamps.items():
            key = intake.spans.trace_ids[row], intake.spans.span_ids[row]
            assert written.setdefault(key, stamp) == stamp, "a repeat is stamped as the first time"
    total = await total_of(ledger)
    assert (total.cost_nano_usd, total.doubtful_calls) == expected_cost(spans)
    shown = sum(
        (stamp.entry.amount.total if stamp.entry and stamp.entry.amount else 0)
        + sum(nano_usd for _, nano_usd in stamp.corrections)
        for stamp in written.values()
    )
    assert shown == total.cost_nano_usd
    await ledger.close()
