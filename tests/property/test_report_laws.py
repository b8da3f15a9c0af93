"""Laws of calls that are reported more than once: one call in any order, and two calls are two."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from answers import total_of
from hypothesis import strategies as st
from property.engines import law

from processor.core.budgets import Policy
from processor.core.model import Call, Charge, Intake, Mark, Spans, Unpriced, Usage
from processor.core.money import price_usage
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

RATES = Usage(
    input=3_000_000_000, cache_read=300_000_000, cache_write=3_750_000_000,
    output=15_000_000_000, requests=0,
)[:]  # fmt: skip
SECOND_NS = 10**9
START_NS = 1_790_000_000 * SECOND_NS
TRACE_ID = b"t" * 16


@dataclass(frozen=True)
class Report:
    """One span of a call."""

    number: int
    scope: str
    usage: Usage | None
    start_ns: int
    end_ns: int
    response_id: str = ""
    parent: bytes = b"p" * 8
    doubt: str = ""

    @property
    def span_id(self):
        return (self.number + 1).to_bytes(8)


def batch_of(group):
    spans, charges = Spans(b""), []
    for row, report in enumerate(group):
        spans.trace_ids.append(TRACE_ID)
        spans.span_ids.append(report.span_id)
        spans.parent_ids.append(report.parent)
        spans.flags.append(0x100)
        mark = Mark(row, report.end_ns, start_ns=report.start_ns, scope=report.scope)
        call = Call(
            mark, "llm", "p", ("m",), report.usage, response_id=report.response_id,
            doubt=report.doubt,
        )  # fmt: skip
        if report.usage is None:
            charges.append(Unpriced(call, "usage_missing", "no usage reported", "p", "m"))
        else:
            amount = price_usage(report.usage, RATES)
            charges.append(Charge(call, amount, "exact", "p", "m", "v1", RATES))
    return Intake(spans, charges, [], START_NS + 10**13)


async def totals_of(open_store, batches):
    """The total of the ledger once all batches have come, and what the spans show together."""
    ledger = Ledger(open_store("ledger"), Policy((), "p"), Limits())
    await ledger.start()
    written = {}
    for group in batches:
        stamps = await ledger.post(batch_of(group))
        written.update((report.span_id, stamps[row]) for row, report in enumerate(group))
    total = await total_of(ledger)
    assert await total_of(ledger, "trace", TRACE_ID.hex()) == total
    await ledger.close()
    shown = sum(
        (stamp.entry.amount.total if stamp.entry.amount else 0)
        + sum(nano_usd for _, nano_usd in stamp.corrections)
        for stamp in written.values()
    )
    assert shown == total.cost_nano_usd, "what is written on spans adds up to what is stored"
    return total


@st.composite
def split(draw, reports):
    """The reports in some order, in batches of any size."""
    shuffled = draw(st.permutations(reports))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(shuffled) - 1)), max_size=4)))
    return [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(shuffled)]) if a < b]


@st.composite
def calls_reported_in_many_ways(draw):
    """Calls of different output, each with one to three reports that say more or less of it."""
    reports, cost, unknown, known = [], 0, 0, 0
    calls = draw(st.integers(1, 6))
    for call in range(calls):
        usage = Usage(
            input=draw(st.integers(1, 50)), cache_read=draw(st.sampled_from([0, 7, 40])),
            cache_write=draw(st.sampled_from([0, 5])), output=10 + call,
        )  # fmt: skip
        whole = Usage(input=usage.input_tokens, output=usage.output)
        uncached = Usage(input=usage.input, output=usage.output)
        scopes = draw(st.permutations("xyz"))[: draw(st.integers(1, 3))]
        kinds = [draw(st.sampled_from([usage, None])), *[None] * 2]
        kinds[1:] = [draw(st.sampled_from([usage, whole, None])) for _ in kinds[1:]]
        if kinds[0] is not None:
            kinds[1] = draw(st.sampled_from([kinds[1], uncached]))
        kinds = kinds[: len(scopes)]
        at = START_NS + call * 10 * SECOND_NS
        for scope, kind in zip(scopes, kinds, strict=True):
            start_ns = at + draw(st.integers(0, SECOND_NS // 2))
            end_ns = start_ns + draw(st.integers(0, SECOND_NS))
            reports.append(Report(len(reports), scope, kind, start_ns, end_ns))
        found = [kind for kind in kinds if kind is not None]
        if found:
            best = max(found, key=lambda each: (any(each[1:3]), each.input_tokens))
            cost, known = cost + price_usage(best, RATES).total, known + 1
        else:
            unknown += 1
    return draw(split(reports)), (cost, known + unknown, unknown)


@law(calls_reported_in_many_ways(), examples=200)
async def test_reports_of_one_call_are_one_call_in_any_order(open_store, drawn):
    """Guarantees: what the reports of a call know together prices it, once."""
    batches, (cost, calls, unknown) = drawn
    total = await totals_of(open_store, batches)
    assert (total.cost_nano_usd, total.calls, total.unpriced) == (cost, calls, unknown)


@st.composite
def pairs_alike(draw):
    """Many calls of the same counts, each with two reports; one after the other, or at a time."""
    pairs = draw(st.sampled_from([1, 2, 3, 7, 33, 65, 200]))
    step_ns = draw(st.sampled_from([0, SECOND_NS // 100, SECOND_NS, 3 * SECOND_NS]))
    lasts_ns = draw(st.integers(0, 2 * SECOND_NS))
    gap_ns = draw(st.integers(-lasts_ns, SECOND_NS))
    usage = Usage(input=10, cache_read=draw(st.sampled_from([0, 90])), output=5)
    other = Usage(input=usage.input_tokens, output=5) if draw(st.booleans()) else usage
    with_ids = draw(st.booleans())
    reports = []
    for number in range(pairs):
        start_ns = START_NS + number * step_ns
        end_ns = start_ns + lasts_ns
        response_id = f"r{number}" if with_ids else ""
        reports.append(Report(2 * number, "x", usage, start_ns, end_ns, response_id))
        after_ns = end_ns + gap_ns
        reports.append(Report(2 * number + 1, "y", other, after_ns, after_ns + lasts_ns))
    return draw(split(reports)), pairs, price_usage(usage, RATES).total


@law(pairs_alike(), examples=60)
async def test_pairs_that_are_alike_are_as_many_calls(open_store, drawn):
    """Guarantees: k calls with two reports each are k calls, whatever k and the order are."""
    batches, pairs, cost = drawn
    total = await totals_of(open_store, batches)
    assert (total.calls, total.cost_nano_usd) == (pairs, pairs * cost)


@st.composite
def calls_that_are_alike(draw):
    """Calls that look like reports of one, and are not, for one reason or another."""
    why = draw(st.sampled_from(["scope", "id", "output", "input", "time"]))
    calls = draw(st.integers(2, 6))
    reports = []
    for number in range(calls):
        at = START_NS + (number * 3 * SECOND_NS if why == "time" else draw(st.integers(0, 9)))
        reports.append(
            Report(
                number,
                "x" if why == "scope" else f"x{number}",
                Usage(
                    input=10 + number * (why == "input"),
                    cache_read=100,
                    output=5 + number * (why == "output"),
                ),
                at,
                at + draw(st.integers(0, 9)),
                f"r{number}" if why == "id" else "",
                doubt=draw(st.sampled_from(["", "split_assumed"])),
            )
        )
    return draw(split(reports)), reports


@law(calls_that_are_alike(), examples=150)
async def test_two_true_calls_are_two(open_store, drawn):
    """Guarantees: nothing is dropped for being similar, and each doubtful call is counted."""
    batches, reports = drawn
    total = await totals_of(open_store, batches)
    assert total.calls == len(reports)
    assert total.cost_nano_usd == sum(price_usage(each.usage, RATES).total for each in reports)
    assert total.doubtful_calls == sum(bool(each.doubt) for each in reports)
