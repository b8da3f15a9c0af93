"""One call: tokens, cost, tier, ids."""

from __future__ import annotations

import pytest

from processor.core.model import Usage
from processor.core.semconv import ReadOptions, read
from processor.core.semconv.usage import UNREADABLE

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}


@pytest.fixture
def read_call(build_spans):
    def read_call(attributes, options=None, **span):
        spans = build_spans({"attributes": {**CALL, **attributes}, **span})
        (call,) = read(spans, 10_000, options or ReadOptions()).calls
        return call

    return read_call


def test_names_of_one_count_are_never_added(read_call) -> None:
    """Old and new names, and two dialects on one span, are one report."""
    call = read_call(
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.prompt_tokens": 10,
            "llm.token_count.prompt": 99,
            "gen_ai.usage.output_tokens": 5,
            "llm.token_count.completion": 99,
        }
    )
    assert call.usage == Usage(10, output=5)


def test_an_unreadable_count_gives_way_to_the_next_name(read_call) -> None:
    """The first name that can be read wins."""
    call = read_call(
        {
            "gen_ai.usage.input_tokens": "12,345",
            "gen_ai.usage.prompt_tokens": "174",
            "gen_ai.usage.completion_tokens": 31.0,
        }
    )
    assert (call.usage, call.rule) == (Usage(174, output=31), "")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.input_tokens": "12,345", "gen_ai.usage.output_tokens": "n/a"},
        {"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": 7},
        {"gen_ai.usage.input_tokens": True, "gen_ai.usage.output_tokens": 7},
        {"gen_ai.usage.input_tokens": 2**63, "gen_ai.usage.output_tokens": 7},
        {"gen_ai.usage.input_tokens": {"a": 1}, "gen_ai.usage.output_tokens": float("nan")},
    ],
)
def test_unreadable_tokens_are_unknown_not_zero(read_call, attributes) -> None:
    """A count that cannot be read leaves the usage unknown, and the rule says why."""
    call = read_call(attributes)
    assert (call.usage, call.rule) == (None, UNREADABLE)


def test_a_total_mends_an_unreadable_count(read_call) -> None:
    """Output and total give the input."""
    call = read_call(
        {
            "gen_ai.usage.input_tokens": "?",
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.total_tokens": 15,
        }
    )
    assert (call.usage, call.rule) == (Usage(10, output=5), "input from total")


def test_empty_values_say_nothing(read_call) -> None:
    """An empty text stands for a missing value, not for a broken one."""
    call = read_call({"gen_ai.usage.input_tokens": "", "gen_ai.usage.output_tokens": None})
    assert (call.usage, call.rule) == (None, "")


def test_modalities_are_added_only_where_no_sum_is_reported(read_call) -> None:
    """Text, audio and image make up the input when nothing else names it."""
    parts = {"gen_ai.usage.text.input_tokens": 10, "gen_ai.usage.image.input_tokens": 4}
    assert read_call({**parts, "gen_ai.usage.output_tokens": 1}).usage == (
        Usage(10, image_input=4, output=1)
    )
    assert read_call({**parts, "gen_ai.usage.input_tokens": 14}).usage == Usage(10, image_input=4)


def test_a_mixed_cache_count_is_used_only_alone(read_call) -> None:
    """Reads and writes in one number count as reads where they are not reported apart."""
    counts = {"llm.token_count.prompt": 100, "llm.token_count.prompt_details.cache_input": 40}
    assert read_call(counts).usage == Usage(60, 40)
    apart = {**counts, "llm.token_count.prompt_details.cache_write": 40}
    assert read_call(apart).usage == Usage(60, 0, 40)


def test_details_may_be_a_printed_dict(read_call) -> None:
    """LangSmith prints Python dicts."""
    call = read_call(
        {
            "gen_ai.usage.input_tokens": 1200,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.usage.input_token_details": "{'cache_read': 1163, 'cache_creation': 0}",
            "gen_ai.usage.output_token_details": "{'reasoning': 64}",
        },
        scope="langsmith",
    )
    assert call.usage == Usage(37, 1163, output=36, reasoning=64)


def test_raw_openai_shapes_inside_langfuse_include_what_buckets_exclude(read_call) -> None:
    """The key says whether the numbers exclude one another."""
    details = '{"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {%s}}'
    call = read_call({"langfuse.observation.usage_details": details % '"cached_tokens": 60'})
    assert call.usage == Usage(40, 60, output=9)


@pytest.mark.parametrize(
    ("rules", "input_tokens", "rule"),
    [
        ({"my-scope": "exclusive"}, 100, "cache: operator"),
        ({"openai": "exclusive"}, 100, "cache: operator"),
        ({"default": "exclusive"}, 100, "cache: operator"),
        ({"my-scope": "inclusive", "openai": "exclusive"}, 40, "cache: operator"),
        ({"openai": "auto", "default": "exclusive"}, 40, "cache: assumed inside input"),
        ({"other": "exclusive"}, 40, "cache: assumed inside input"),
    ],
)
def test_the_operators_rule_is_found_by_scope_provider_or_default(
    read_call, rules, input_tokens, rule
) -> None:
    """The most particular rule decides, and ``auto`` leaves it to evidence."""
    call = read_call(
        {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 60},
        ReadOptions(cache_semantics=rules),
        scope="my-scope",
    )
    assert (call.usage, call.rule) == (Usage(input_tokens, 60), rule)


@pytest.mark.parametrize(
    "rules",
    [
        {"openai": "exclusive"},
        {"openai.chat": "exclusive"},
        {"openai.chat": "exclusive", "openai": "inclusive"},
    ],
)
def test_the_operators_rule_for_a_provider_holds_for_its_spellings(read_call, rules) -> None:
    """The spelling on the span comes first, then the provider that it means."""
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 60}
    stated = {"gen_ai.provider.name": "openai.chat"}
    call = read_call(counts | stated, ReadOptions(cache_semantics=rules))
    assert call.usage == Usage(100, 60)


@pytest.mark.parametrize(
    ("attributes", "nano", "key"),
    [
        ({"llm.cost_usd": 0.5, "gen_ai.usage.cost": 0.1}, 5 * 10**8, "llm.cost_usd"),
        ({"agw.ai.usage.cost.total": "0.0069846"}, 6_984_600, "agw.ai.usage.cost.total"),
        (
            {"gen_ai.usage.input_cost": 0.1, "gen_ai.usage.output_cost": 0.2},
            3 * 10**8,
            "gen_ai.usage.input_cost",
        ),
        (
            {"langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}'},
            75 * 10**7,
            "langfuse.observation.cost_details",
        ),
        ({"gen_ai.usage.cost": -1.0, "operation.cost": 0.1}, 10**8, "operation.cost"),
        ({"gen_ai.usage.cost": float("nan")}, None, ""),
        ({"gen_ai.usage.cost": 0.0}, 0, "gen_ai.usage.cost"),
        ({"cost_usd": 5.0}, None, ""),
    ],
)
def test_a_reported_cost_is_kept_with_the_attribute_that_carried_it(
    read_call, attributes, nano, key
) -> None:
    """The first cost that is finite and not negative is what was reported."""
    call = read_call(attributes)
    assert (call.reported_nano_usd, call.reported_by) == (nano, key)


@pytest.mark.parametrize(
    ("attributes", "tier"),
    [
        ({"openai.response.service_tier": "Flex", "openai.request.service_tier": "auto"}, "flex"),
        ({"openai.response.service_tier": "default"}, ""),
        ({"openai.request.service_tier": "priority"}, "priority"),
        ({"gen_ai.usage.raw": '{"service_tier": "batch"}'}, "batch"),
        ({"speed": "fast"}, ""),
        ({}, ""),
    ],
)
def test_the_tier_is_the_one_served(read_call, attributes, tier) -> None:
    """Standard tiers have no name; a request's tier counts only where no response has one."""
    assert read_call(attributes).tier == tier


def test_whether_our_own_counts_are_there(read_call) -> None:
    """Only a span with both counts of the convention needs none written."""
    assert read_call({"llm.tokens.input": 1, "llm.tokens.output": 2}).has_tokens
    assert not read_call({"gen_ai.usage.input_tokens": 1}).has_tokens


def test_strands_changed_its_mind_with_a_version(read_call) -> None:
    """The same counts mean different things before and since 1.34."""
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read_input_tokens": 60}
    old = read_call(counts, scope="strands.telemetry.tracer", scope_version="1.33.0")
    assert (old.usage, old.rule) == (Usage(100, 60), "cache: instrumentation")
    new = read_call(counts, scope="strands.telemetry.tracer", scope_version="1.34.0rc1")
    assert (new.usage, new.rule) == (Usage(40, 60), "")
    unknown = read_call(counts, scope="strands.telemetry.tracer")
    assert unknown.rule == "cache: assumed inside input"


def test_one_bedrock_instrumentation_means_two_things_by_operation(read_call) -> None:
    """OpenInference adds up for InvokeModel, not for Converse, and never for Nova."""
    counts = {
        "llm.provider": "aws",
        "llm.token_count.prompt": 100,
        "llm.token_count.prompt_details.cache_read": 60,
    }
    scope = "openinference.instrumentation.bedrock"
    assert read_call(counts, scope=scope, name="bedrock.invoke_model").usage == Usage(40, 60)
    assert read_call(counts, scope=scope, name="bedrock.converse").usage == Usage(100, 60)
    nova = {**counts, "llm.model_name": "us.amazon.nova-pro-v1:0"}
    assert read_call(nova, scope=scope, name="bedrock.invoke_model").usage == Usage(100, 60)


@pytest.mark.parametrize(
    ("attributes", "scope", "semantics", "expected"),
    [
        ({}, "", {}, False),
        ({}, "x", {"x": "exclusive"}, True),
        ({}, "opentelemetry.instrumentation.botocore", {}, True),
        ({"gen_ai.request.model": "claude-sonnet-4-5"}, "", {}, True),
        ({"gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "m"}, "", {}, True),
        ({"gen_ai.provider.name": "gcp.gemini", "gen_ai.request.model": "m"}, "", {}, False),
    ],
)
def test_who_may_leave_cached_tokens_out_is_known_without_any(
    read_call, attributes, scope, semantics, expected
) -> None:
    """It depends on who wrote the span and whose API answered, not on the counts."""
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    options = ReadOptions(cache_semantics=semantics)
    call = read_call({**usage, **attributes}, options, scope=scope)
    assert call.may_exclude_cache is expected


@pytest.mark.parametrize(
    "detail",
    [
        {"gen_ai.usage.cache_read.input_tokens": "5,000"},
        {"gen_ai.usage.cache_creation.input_tokens": "5k"},
        {"gen_ai.usage.reasoning.output_tokens": 1.5},
        {"gen_ai.usage.audio.input_tokens": "12 tokens"},
        {"gen_ai.usage.web_search_requests": "2.5"},
        {"mlflow.chat.tokenUsage": '{"cache_read_input_tokens": "5k"}'},
        {"gen_ai.usage.raw": '{"prompt_tokens_details": {"cached_tokens": "5,000"}}'},
        {"metadata.usage_object": '{"completion_tokens_details": {"reasoning_tokens": "5k"}}'},
    ],
)
def test_a_detail_that_cannot_be_read_is_doubt(read_call, detail) -> None:
    """Input and output are charged; what the detail would change is named."""
    tokens = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    call = read_call({**tokens, **detail})
    assert (call.usage, call.doubt) == (Usage(10, output=5), "unreadable_count")


def test_a_detail_that_another_name_yields_is_no_doubt(read_call) -> None:
    """As with input and output, the first name that can be read wins."""
    call = read_call(
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cache_read.input_tokens": "4k",
            "gen_ai.usage.cached_input_tokens": 4,
        }
    )
    assert (call.usage, call.doubt) == (Usage(6, 4, output=5), "")


@pytest.mark.parametrize(
    ("attributes", "tier"),
    [
        ({"gen_ai.usage.raw": '{"inference_geo": "us", "service_tier": "batch"}'}, "batch geo:us"),
        ({"metadata.usage_object": '{"inference_geo": "us"}'}, "geo:us"),
        ({"langfuse.observation.usage_details": '{"inference_geo": "us"}'}, "geo:us"),
        ({"anthropic.usage.inference_geo": "global"}, ""),
        ({"anthropic.usage.inference_geo": "Anywhere else"}, ""),
        ({"llm.invocation_parameters": '{"inference_geo": "us"}'}, "geo:us"),
        ({"server.address": "us-east5-aiplatform.googleapis.com"}, "geo:us-east5"),
        ({"server.address": "aiplatform.eu.rep.googleapis.com:443"}, "geo:eu"),
        ({"server.address": "aiplatform.googleapis.com"}, ""),
        ({"server.address": "eu.api.openai.com"}, "geo:eu"),
        ({"server.address": "api.openai.com"}, ""),
    ],
)
def test_where_a_call_was_served_stands_beside_its_tier(read_call, attributes, tier) -> None:
    """In usage objects, in attributes, in what was asked, and in hosts of one region."""
    tokens = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    assert read_call({**tokens, **attributes}).tier == tier


@pytest.mark.parametrize(
    ("attributes", "usage", "doubt"),
    [
        ({}, Usage(10, image_output=90), "split_assumed"),
        ({"gen_ai.output.type": "image"}, Usage(10, image_output=90), ""),
        ({"gen_ai.output.type": "text"}, Usage(10, output=90), ""),
        (
            {"gen_ai.usage.reasoning.output_tokens": 40},
            Usage(10, reasoning=40, image_output=50),
            "split_assumed",
        ),
        ({"gen_ai.usage.output_image_tokens": 70}, Usage(10, output=20, image_output=70), ""),
        ({"gen_ai.usage.output_image_tokens": 0}, Usage(10, output=90), ""),
        (
            {"metadata.usage_object": '{"completion_tokens_details": {"text_tokens": 30}}'},
            Usage(10, output=30, image_output=60),
            "",
        ),
    ],
)
def test_a_chat_with_a_model_for_images_answers_with_images(
    read_call, attributes, usage, doubt
) -> None:
    """Where nothing breaks its output down; that it is assumed is named."""
    model = {"gen_ai.request.model": "gemini-2.5-flash-image-preview"}
    tokens = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 90}
    call = read_call({**model, **tokens, **attributes})
    assert (call.kind, call.usage, call.doubt) == ("llm", usage, doubt)


@pytest.mark.parametrize(
    ("attributes", "doubt"),
    [
        ({"gen_ai.usage.input_tokens": 10}, "output_missing"),
        ({"gen_ai.usage.output_tokens": 10}, "input_missing"),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 0}, ""),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.total_tokens": 10}, ""),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.operation.name": "image"}, "output_missing"),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.operation.name": "stt"}, "output_missing"),
        (
            {
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.operation.name": "tts",
                "gen_ai.usage.characters": 40,
            },
            "",
        ),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.operation.name": "embeddings"}, ""),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.operation.name": "rerank"}, ""),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.operation.name": "moderation"}, ""),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.request.model": "text-embedding-3-small"}, ""),
    ],
)
def test_a_side_of_which_nothing_is_known_is_doubt(read_call, attributes, doubt) -> None:
    """Unless the call has no such side, the total shows it, or other units stand for it."""
    assert read_call(attributes).doubt == doubt
