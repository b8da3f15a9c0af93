"""What holds for every usage and every price."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.money import FEMTO_PER_USD, price_usage
from processor.core.pricing import compile_catalog, parse_prices, price
from processor.core.pricing.genai_prices import compile_model
from processor.core.pricing.tariff import choose, complete

CATALOG = compile_catalog(parse_prices("", "pricing.yaml"))
PROVIDERS = get_snapshot().providers
MODELS = [(p, m) for p in PROVIDERS for m in p.models]
SAMPLE = random.Random(7).sample(MODELS, 300)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9

tokens = st.one_of(st.integers(0, 300_000), st.integers(0, 2**63 - 1))
usages = st.builds(
    Usage,
    *[tokens] * 10,
    requests=st.just(1),
    web_searches=st.integers(0, 100),
    **dict.fromkeys(Usage._fields[12:], tokens),
)  # fmt: skip
rates_maps = st.fixed_dictionaries(
    {"input": st.integers(0, 10**15), "output": st.integers(0, 10**15)},
    optional={
        name: st.integers(0, 10**15)
        for name in Usage._fields
        if name not in {"input", "output"}
    },
)  # fmt: skip


def plain_formula(prices, usage):
    """USD by the published prices, in the plainest way there is."""
    context = usage.input_tokens

    def rate(key, default=None):
        value = getattr(prices, key)
        if isinstance(value, types.TieredPrices):
            tiers = [tier.price for tier in value.tiers if context > tier.start]
            value = tiers[-1] if tiers else value.base
        if value is None:
            return Decimal(0) if default is None else default
        return value

    into, out = rate("input_mtok"), rate("output_mtok")
    read = rate("cache_read_mtok", into)
    write = rate("cache_write_mtok", into)
    per_million = (
        usage.input * into
        + usage.cache_read * read
        + usage.cache_write * write
        + usage.cache_write_1h * rate("cache_write_1h_mtok", write)
        + usage.audio_input * rate("input_audio_mtok", into)
        + usage.image_input * rate("input_image_mtok", into)
        + usage.output * out
        + usage.reasoning * rate("output_reasoning_mtok", out)
        + usage.audio_output * rate("output_audio_mtok", out)
        + usage.image_output * rate("output_image_mtok", out)
        + usage.audio_cache_read * rate("cache_audio_read_mtok", read)
        + usage.image_cache_read * rate("cache_image_read_mtok", read)
        + usage.video_input * rate("input_video_mtok", into)
        + usage.video_output * rate("output_video_mtok", out)
        + usage.citations * rate("output_citation_mtok", out)
        + usage.characters * rate("input_mchars")
    )
    per_thousand = (
        usage.requests * rate("requests_kcount")
        + usage.web_searches * rate("web_searches_kcount")
        + usage.searches * rate("storage_searches_kcount")
        + usage.pages * rate("input_document_kpages")
    )
    per_hour = usage.duration_ms * rate("audio_hours", rate("input_audio_hours"))
    return per_million / 10**6 + per_thousand / 1000 + per_hour / 3_600_000


@given(usage=usages, pick=st.integers(0, len(SAMPLE) - 1))
@settings(max_examples=300, deadline=None)
def test_a_compiled_table_is_the_plain_formula(usage, pick):
    _, model = SAMPLE[pick]
    with localcontext(prec=100):
        expected = plain_formula(model.get_prices(NOW), usage)
        tariff = compile_model(model)
        chosen = choose(tariff, NOW_NS, usage.input_tokens)
        if chosen is None:
            assert expected == 0
            return
        amount = price_usage(usage, chosen.rates)
        # Rates finer than a femto-dollar are rounded once each, the sum once to a nano-dollar.
        slack = Decimal(sum(usage)) / 2 / FEMTO_PER_USD + Decimal("0.5e-9")
        assert abs(Decimal(amount.total) / 10**9 - expected) <= slack


def test_every_model_of_the_catalogue_compiles():
    for _, model in MODELS:
        for tier in ("", "batch", "flex", "priority"):
            for step in compile_model(model, tier):
                for table in [step.table, *(table for _, table in step.windows)]:
                    rows = table.rows if table else ()
                    assert all(rate >= 0 for row in rows for rate in row)


@given(usage=usages, rates=rates_maps)
def test_parts_add_up_to_the_total(usage, rates):
    amount = price_usage(usage, complete(rates))
    assert amount.total == sum(amount[1:])


@given(usage=usages, rates=rates_maps, field=st.sampled_from(Usage._fields), more=tokens)
def test_more_of_anything_never_costs_less(usage, rates, field, more):
    row = complete(rates)
    larger = usage._replace(**{field: getattr(usage, field) + more})
    assert price_usage(larger, row).total >= price_usage(usage, row).total


@given(rates=rates_maps, field=st.sampled_from(Usage._fields[:10]))
def test_no_token_is_free_unless_a_price_says_so(rates, field):
    row = Usage(*complete(rates))
    relatives = {rates["input"], rates["output"], *rates.values()}
    assert getattr(row, field) in relatives


@given(
    st.lists(
        st.builds(
            lambda usage, model: Call(Mark(0, NOW_NS), "llm", "openai", (model,), usage),
            st.one_of(st.none(), usages),
            st.sampled_from(["gpt-4o", "gpt-5.5", "o3", "mystery", ""]),
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_calls_does_not_matter(calls, dice):
    answers = price(calls, CATALOG)
    order = list(range(len(calls)))
    dice.shuffle(order)
    assert price([calls[i] for i in order], CATALOG) == [answers[i] for i in order]


@given(model=st.text(max_size=80), provider=st.text(max_size=20), tier=st.text(max_size=8))
@settings(deadline=None)
def test_no_name_can_break_the_search(model, provider, tier):
    (answer,) = price(
        [Call(Mark(0, NOW_NS), "llm", provider.lower(), (model,), Usage(input=1), tier=tier)],
        CATALOG,
    )
    assert answer.reason == "" or "\n" not in answer.reason
    assert isinstance(answer, Charge) or answer.status == "unpriced"


@pytest.mark.parametrize("field", Usage._fields[:6])
def test_every_kind_of_input_counts_for_the_tier(field):
    usage = Usage(**{field: 200_001})
    (answer,) = price([Call(Mark(0, NOW_NS), "llm", "google", ("gemini-2.5-pro",), usage)], CATALOG)
    assert isinstance(answer, Charge)
    assert answer.rates is not None
    assert answer.rates[0] == 2_500_000_000
