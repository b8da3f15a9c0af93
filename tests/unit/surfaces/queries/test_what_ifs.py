"""What calls would have cost: of each call by itself, and no number where nobody can say."""

from __future__ import annotations

from functools import partial

import pytest
from asked.calls import Sent

from processor.core.errors import InvalidQuestionError
from processor.core.insight import Name, NotComparable, WhatIfRow
from processor.core.model import Owner, Usage
from processor.core.pricing import compile_catalog, parse_prices
from processor.surfaces.queries import TimeRange, WhatIfRequest
from processor.surfaces.queries.stored_calls import CallsReading

NOW_S = 1_800_000_000
LARGE = "{provider: openai, model: large, prices: {input: 10, output: 40}}"
SMALL = """{provider: openai, model: small, prices: {input: 1, output: 4, tiers: [
  {above: 1000, input: 2, output: 8}]}}"""
OTHER = "{provider: mistral, model: mistral-other, prices: {input: 5, output: 5}}"


def catalog(*entries):
    lines = ["catalogue: {source: none}", "models:", *(f"  - {entry}" for entry in entries)]
    return compile_catalog(parse_prices("\n".join(lines), "p.yaml"))


PRICES = catalog(LARGE, SMALL, OTHER)


def sent(span, model, usage=None, *, at_s=NOW_S - 3600, **more):
    usage = usage or Usage(input=500, output=100)
    return Sent(more.pop("trace", span), span, at_s + span, model, usage, **more)


CALLS = [
    sent(1, "large"),
    sent(2, "large", Usage(input=2000, output=100), own=Owner(user="u")),
    sent(3, "small"),
    sent(4, "nobody-sells-it"),
]


async def test_each_call_is_priced_by_itself_as_another_model(ask_written):
    """Guarantees: a call beyond a tier has the rates of that tier."""
    queries = await ask_written(CALLS, PRICES)
    found = await queries.insight.what_if(WhatIfRequest(models=["large=small"]))
    actual = (500 * 10 + 100 * 40) * 1000 + (2000 * 10 + 100 * 40) * 1000
    other = (500 * 1 + 100 * 4) * 1000 + (2000 * 2 + 100 * 8) * 1000
    assert (found.calls, found.actual_nano_usd, found.other_nano_usd) == (2, actual, other)
    assert found.models == [WhatIfRow("openai", "large", "openai", "small", 2, actual, other)]
    assert found.replacements == {"large": Name("", "small")}
    assert (found.not_comparable, found.newly_priced, found.partial) == ([], (0, 0), ())


async def test_one_model_cannot_become_two(ask_written):
    """Guarantees: no answer leaves out silently what was asked for as well."""
    queries = await ask_written(CALLS, PRICES)
    with pytest.raises(InvalidQuestionError, match="two that are to stand for 'large'"):
        await queries.insight.what_if(WhatIfRequest(models=["large=small", "large=mistral-other"]))
    found = await queries.insight.what_if(WhatIfRequest(models=["large=small", "large = small"]))
    assert found.calls == 2


async def test_at_the_same_prices_nothing_differs(ask_written):
    found = await (await ask_written(CALLS, PRICES)).insight.what_if(WhatIfRequest())
    assert found.calls == 3
    assert found.actual_nano_usd == found.other_nano_usd
    assert [row.calls for row in found.not_comparable] == [1]


async def test_only_calls_of_a_filter(ask_written):
    queries = await ask_written(CALLS, PRICES)
    asked = WhatIfRequest(filters={"user": ["u"]}, models=["large=mistral:mistral-other"])
    found = await queries.insight.what_if(asked)
    [row] = found.models
    assert row[2:5] == ("mistral", "mistral-other", 1)
    assert row.other_nano_usd == 2100 * 5 * 1000


async def test_a_model_of_another_provider_is_found_by_its_name(ask_written):
    queries = await ask_written(CALLS, PRICES)
    found = await queries.insight.what_if(WhatIfRequest(models=["large=mistral-other"]))
    assert found.models[0][2:4] == ("mistral", "mistral-other")
    assert found.other_nano_usd == 2700 * 5 * 1000


async def test_other_prices_of_the_same_models(ask_written):
    """Guarantees: what has no price on either side is in no sum, and is named."""
    queries = await ask_written(CALLS, PRICES)
    dearer = catalog(LARGE.replace("10", "20"), "{provider: openai, model: nobody-sells-it, "
                     "prices: {input: 1, output: 1}}")  # fmt: skip
    found = await queries.insight.what_if(WhatIfRequest(), dearer)
    assert [row[1:5] for row in found.models] == [("large", "openai", "large", 2)]
    assert found.other_nano_usd - found.actual_nano_usd == 2500 * 10 * 1000
    assert found.newly_priced == (1, 600 * 1000)
    [left_out] = found.not_comparable
    assert left_out[1:] == (1, 900 * 1000, 0)
    assert left_out.reason.startswith("unpriced")


async def test_what_prices_alone_do_not_say_is_left_out(ask_written):
    """Guarantees: an agent that repeats its calls is charged for the rest, which has no tokens."""
    usage = Usage(input=1000, output=300)
    spans = [
        sent(1, "large", usage, trace=1, more={"aggregate": "sum"}),
        sent(2, "large", trace=1, parent=1),
        sent(3, "large", usage, trace=2, more={"aggregate": "sum"}),
        sent(4, "large", trace=3, more={"adopted_nano_usd": 77}),
    ]
    queries = await ask_written(spans, PRICES)
    found = await queries.insight.what_if(WhatIfRequest(models=["large=small"]))
    assert found.calls == 2, "the call, and the agent that stands alone"
    assert found.other_nano_usd == (500 + 400 + 1000 + 1200) * 1000
    assert {row.reason: row.calls for row in found.not_comparable} == {
        "it repeats the usage of calls below it, of which only the rest was charged": 1,
        "another processor has priced it": 1,
    }
    assert isinstance(found.not_comparable[0], NotComparable)


async def test_a_sum_is_that_of_the_calls_whatever_the_slices(ask_written, monkeypatch):
    """Guarantees: memory is bounded, and no call is left out or read twice between slices."""
    monkeypatch.setattr("processor.surfaces.queries.stored_calls._CALLS_READ", 3)
    day = 86_400
    spans = [sent(span, "large", at_s=NOW_S - 3 * day + span % 4 * day) for span in range(1, 40)]
    queries = await ask_written(spans, PRICES, now_s=NOW_S + day)
    found = await queries.insight.what_if(WhatIfRequest(models=["large=small"]))
    assert (found.calls, found.other_nano_usd) == (39, 39 * 900 * 1000)


async def test_a_limit_of_calls_is_named(ask_written, monkeypatch):
    few = partial(CallsReading, calls_max=5)
    monkeypatch.setattr("processor.surfaces.queries.what_ifs.CallsReading", few)
    queries = await ask_written([sent(span, "large") for span in range(1, 9)], PRICES)
    found = await queries.insight.what_if(WhatIfRequest(models=["large=small"]))
    assert found.calls == 5
    assert "only the first 5 calls were looked at" in found.partial[0]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (WhatIfRequest(models=["large"]), "model"),
        (WhatIfRequest(models=["large=nobody-knows"]), "model"),
        (WhatIfRequest(models=["large=small"], filters={"model": ["x"]}), "filters[model]"),
        (WhatIfRequest(models=[f"m{number}=small" for number in range(21)]), "model"),
        (WhatIfRequest(TimeRange("tomorrow")), "window"),
    ],
)
async def test_what_cannot_be_asked(ask_written, request_, field):
    queries = await ask_written(CALLS, PRICES)
    with pytest.raises(InvalidQuestionError) as error:
        await queries.insight.what_if(request_)
    assert error.value.field == field
