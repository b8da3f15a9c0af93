"""Suggestions: every figure is recomputed here from the calls that it names."""

from __future__ import annotations

import pytest
from asked.calls import Sent

from processor.core.errors import InvalidQuestionError
from processor.core.insight import LowQuality
from processor.core.model import Owner, Usage
from processor.core.pricing import compile_catalog, parse_prices
from processor.surfaces.queries import AdviceRequest, CallsRequest, TimeRange

NOW_S = 1_800_000_000
PRICES = {"input": 10, "cache_read": 1, "cache_write": 12, "cache_write_1h": 20, "output": 50}
SMALLER = {"input": 3, "cache_read": 0.5, "cache_write": 4, "output": 15}
BEYOND = {"input": 20, "output": 100}
LIMIT = 2_000


def _entry(model, prices, more=""):
    listed = ", ".join(f"{name}: {each}" for name, each in prices.items())
    return f"  - {{provider: anthropic, model: {model}, prices: {{{listed}{more}}}}}"


CATALOG = compile_catalog(
    parse_prices(
        "\n".join((
            "catalogue: {source: none}",
            "models:",
            _entry("claude-opus-9", PRICES),
            _entry("claude-sonnet-9", SMALLER),
            _entry("tiered", {"input": 10, "output": 50},
                   f", tiers: [{{above: {LIMIT}, input: 20, output: 100}}]"),
        )),
        "p.yaml",
    )
)  # fmt: skip
BASE_S = NOW_S - 7200


def cost(usage, prices):
    """Nano-USD: so many tokens at USD for a million."""
    return sum(
        round(getattr(usage, name) * prices.get(name, prices["input"]) * 1000)
        for name in ("input", "cache_read", "cache_write", "cache_write_1h", "output")
    )


def sent(span, usage, at_s=0, model="claude-opus-9", **more):
    more.setdefault("parent", 0)
    trace = more.pop("trace", span)
    return Sent(trace, span, BASE_S + at_s, model, usage, provider="anthropic", **more)


async def advice(ask_written, spans, request=None, **more):
    queries = await ask_written(spans, CATALOG, **more)
    found = await queries.insight.advice(request or AdviceRequest())
    return queries, found, {each.group.kind: each for each in found.suggestions}


async def named(queries, suggestion, spans):
    """The spans that a suggestion names, and what they are charged."""
    by_id = {(each.trace.to_bytes(16), each.span.to_bytes(8)): each for each in spans}
    calls = {
        (row.trace_id, row.span_id): row.totals.cost_nano_usd
        for row in (await queries.calls(CallsRequest(limit=200))).calls
    }
    assert suggestion.calls == len(suggestion.ids) == len(set(suggestion.ids))
    assert suggestion.cost_nano_usd == sum(calls[each] for each in suggestion.ids)
    return [by_id[each] for each in suggestion.ids]


async def test_a_smaller_model_is_suggested_only_where_somebody_has_said_so(ask_written):
    """Guarantees: for all other calls it is a what-if."""
    spans = [
        sent(1, Usage(input=900, output=10), own=Owner(task_type="classify")),
        sent(2, Usage(input=700, cache_read=100, output=10), 60, own=Owner(task_type="plan")),
        sent(3, Usage(input=800, output=9), 120, own=Owner(task_type="classify")),
    ]
    rule = LowQuality({"task_type": frozenset({"classify"})})
    queries, found, _ = await advice(ask_written, spans, low_quality=rule)
    allowed, what_if = found.suggestions
    assert (allowed.group.is_allowed, what_if.group.is_allowed) == (True, False)
    assert allowed.group.other_model == what_if.group.other_model == "claude-sonnet-9"
    for suggestion, spans_named in ((allowed, {1, 3}), (what_if, {2})):
        of = await named(queries, suggestion, spans)
        assert {each.span for each in of} == spans_named
        assert suggestion.saving_nano_usd == sum(
            cost(each.usage, PRICES) - cost(each.usage, SMALLER) for each in of
        )


async def test_what_a_span_says_of_its_quality_holds_for_it_alone(ask_written):
    """Guarantees: neither an agent above nor another call of the trace says it for a call."""
    low = Owner(own_dimensions=(("quality", "low"),))
    usage = Usage(input=900, output=10)
    spans = [
        Sent(1, 9, BASE_S + 90, own=low),
        sent(1, usage, 10, trace=1, parent=9, own=low),
        sent(2, usage._replace(input=800), 20, trace=1, parent=9),
    ]
    rule = LowQuality(said={"quality": frozenset({"low"})})
    queries, found, _ = await advice(ask_written, spans, low_quality=rule)
    [allowed] = [each for each in found.suggestions if each.group.is_allowed]
    assert [each.span for each in await named(queries, allowed, spans)] == [1]


async def test_requests_just_beyond_a_size_that_costs_more(ask_written):
    spans = [
        sent(1, Usage(input=LIMIT + 150, output=10), 0, "tiered"),
        sent(2, Usage(input=1900, cache_read=200, output=10), 60, "tiered"),
        sent(3, Usage(input=LIMIT, output=10), 120, "tiered"),  # not beyond
        sent(4, Usage(input=LIMIT + 201, output=10), 180, "tiered"),  # too far beyond
        sent(5, Usage(input=50, cache_read=2050, output=10), 240, "tiered"),  # all beyond is cached
    ]
    queries, _, by_kind = await advice(ask_written, spans)
    of = await named(queries, by_kind["past_tier"], spans)
    assert {each.span for each in of} == {1, 2}
    base = {"input": 10, "output": 50}
    saving = 0
    for each in of:
        size = each.usage.input + each.usage.cache_read
        shorter = each.usage._replace(input=each.usage.input - (size - LIMIT))
        saving += cost(each.usage, BEYOND) - cost(shorter, base)
    assert by_kind["past_tier"].saving_nano_usd == saving


async def test_caches_that_are_written_and_never_read(ask_written):
    """Guarantees: one that anybody of the same agent reads in time was of use."""
    writes = Usage(input=10, cache_write=5000, output=10)
    long_writes = Usage(input=10, cache_write_1h=5000, output=10)
    reads = Usage(input=10, cache_read=5000, output=10)
    spans = [
        sent(1, writes, 0),  # read at 200
        sent(2, reads, 200),
        sent(3, writes, 1000),  # nobody reads within five minutes
        sent(4, long_writes, 1001),  # read at 1500
        sent(5, reads, 1500),
        sent(6, long_writes, 2000),  # nobody reads
        sent(7, writes, 7000),  # somebody may still read
        sent(8, Usage(input=10, output=10), 7150),
    ]
    queries, _, by_kind = await advice(ask_written, spans)
    of = await named(queries, by_kind["unread_cache_writes"], spans)
    assert {each.span for each in of} == {3, 6}
    assert by_kind["unread_cache_writes"].saving_nano_usd == 5000 * (12 - 10 + 20 - 10) * 1000


async def test_the_same_request_again_in_a_trace(ask_written):
    """Guarantees: all but the last are waste; what begins before the other ended is another one."""
    same = Usage(input=900, output=10)
    spans = [
        sent(1, same, 0, trace=1, parent=9), sent(2, same, 10, trace=1, parent=9),
        sent(3, same, 30, trace=1, parent=9),
        sent(4, same, 200, trace=1, parent=9),  # too late
        sent(5, same, 203, trace=1, parent=8),  # below another span
        sent(6, same, 300, trace=2), sent(7, same, 310, trace=3),  # other traces
        sent(10, same, 400, trace=4), sent(11, same, 400.5, trace=4, took_s=9),  # at the same time
        sent(12, Usage(input=100, output=1), 500, trace=5),  # short ones
        sent(13, Usage(input=100, output=1), 510, trace=5),
    ]  # fmt: skip
    queries, _, by_kind = await advice(ask_written, spans)
    of = await named(queries, by_kind["repeated_calls"], spans)
    assert {each.span for each in of} == {1, 2}
    assert by_kind["repeated_calls"].saving_nano_usd == 2 * cost(same, PRICES)


async def test_input_that_a_chain_sends_again_and_again(ask_written):
    spans = [
        sent(1, Usage(input=2000, output=100), 0, trace=1, parent=9),
        sent(2, Usage(input=2300, output=100), 10, trace=1, parent=9),
        sent(3, Usage(input=600, cache_read=2000, output=100), 20, trace=1, parent=9),
        sent(4, Usage(input=3000, output=100), 30, trace=1, parent=9),
        sent(5, Usage(input=2000, output=100), 0, trace=2, parent=9),  # three are no chain
        sent(6, Usage(input=2300, output=100), 10, trace=2, parent=9),
        sent(7, Usage(input=2500, output=100), 20, trace=2, parent=9),
    ]
    queries, _, by_kind = await advice(ask_written, spans)
    of = await named(queries, by_kind["resent_input"], spans)
    assert [each.span for each in of] == [1, 2, 3, 4]
    saving, before = 0, 0
    for each in of:
        size = each.usage.input + each.usage.cache_read
        again = min(each.usage.input, max(before - each.usage.cache_read, 0))
        saving += again * (10 - 1) * 1000 - (each.usage.input - again) * (12 - 10) * 1000
        before = size
    assert by_kind["resent_input"].saving_nano_usd == saving > 0


async def test_a_chain_that_shrinks_begins_anew(ask_written):
    sizes = (2000, 2300, 2100, 2200)
    spans = [
        sent(at + 1, Usage(input=size, output=1), 10 * at, trace=1, parent=9)
        for at, size in enumerate(sizes)
    ]
    _, _, by_kind = await advice(ask_written, spans)
    assert "resent_input" not in by_kind


async def test_what_is_no_call_of_its_own_is_not_looked_at(ask_written):
    spans = [
        sent(1, Usage(input=9000, output=10), more={"aggregate": "sum"}),
        sent(2, Usage(input=9000, output=10), more={"kind": "embedding"}),
        sent(3, None),
        sent(4, Usage(input=9000, output=10), model="nobody-sells-it"),
    ]
    _, found, _ = await advice(ask_written, spans)
    assert (found.calls, found.suggestions) == (0, [])


async def test_days_unlike_the_same_weekday_before(ask_written):
    """Guarantees: a day that is not over is not compared, nor one without four weeks before it."""
    day_s, today_s = 86_400, NOW_S // 86_400 * 86_400
    tokens = {back: 500_000 + back for back in range(1, 50)}
    tokens |= {3: 900_000, 10: 500_000, 4: 600_000, 5: 300_000, 40: 10**7, 0: 10**7}
    spans = [
        Sent(back + 1, 1, today_s - back * day_s + 60, "claude-opus-9", Usage(input=count),
             provider="anthropic", own=Owner(agent="a"))
        for back, count in tokens.items()
    ]  # fmt: skip
    request = AdviceRequest(TimeRange(start_s=NOW_S - 7 * day_s))
    _, report, _ = await advice(ask_written, spans, request)
    found = {
        (each.start_s, each.dimension, each.value): each.anomaly.difference_nano_usd
        for each in report.days
    }
    high_s, low_s = (today_s - back * day_s for back in (3, 5))
    dimensions = (("", ""), ("agent", "a"), ("model", "claude-opus-9"))
    assert found == {
        **{(high_s, *each): (900_000 - 500_031) * 10_000 for each in dimensions},
        **{(low_s, *each): (300_000 - 500_012) * 10_000 for each in dimensions},
    }


@pytest.mark.parametrize(
    ("request_", "field"),
    [(AdviceRequest(limit=101), "limit"), (AdviceRequest(filters={"no": ["x"]}), "filters")],
)
async def test_what_cannot_be_asked(ask_written, request_, field):
    queries = await ask_written([sent(1, Usage(input=1))], CATALOG)
    with pytest.raises(InvalidQuestionError) as error:
        await queries.insight.advice(request_)
    assert error.value.field == field
