"""Responses that an application's or a gateway's cache gave, and reads of a prompt cache."""

from __future__ import annotations

import json

import pytest

from processor.core.semconv import ReadOptions, read

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 10,
}
PROMPT_CACHE = {"gen_ai.usage.cache_read.input_tokens": 60}


@pytest.fixture
def read_free(build_spans):
    def read_free(attributes):
        spans = build_spans({"attributes": {**CALL, **attributes}})
        (call,) = read(spans, 10_000, ReadOptions()).calls
        return call.free

    return read_free


@pytest.mark.parametrize(
    "mark",
    [
        {"litellm.cache_hit": True},
        {"litellm.cache_hit": "True"},
        {"metadata": '{"cache_hit": true}'},
        {"hidden_params": "{'cache_hit': True}"},
        {"gptcache": True},
        {"portkey.cache_status": "SEMANTIC HIT"},
        {"http.response.header.helicone-cache": ["HIT"]},
        {"langfuse.observation.metadata.cache_hit": "true"},
        {"langfuse.observation.metadata": '{"cache_hit": true}'},
        {"langsmith.metadata.usage_metadata": json.dumps({"input_tokens": 100, "total_cost": 0})},
    ],
)
def test_a_cache_of_responses_is_free_whatever_the_replayed_counts(read_free, mark) -> None:
    """Guarantees: what was answered again costs nothing, cached prompt tokens in it or not."""
    assert read_free(mark) == "response_cache"
    assert read_free({**mark, **PROMPT_CACHE}) == "response_cache"


@pytest.mark.parametrize(
    "mark",
    [{"llm.cache.hit": True}, {"cached": True}, {"cached": "true"}, {"gen_ai.cache.hit": True}],
)
def test_a_mark_that_may_mean_either_is_believed_without_a_prompt_cache(read_free, mark) -> None:
    """Guarantees: a read of a prompt cache is another thing, and is charged."""
    assert read_free(mark) == "response_cache"
    assert read_free({**mark, **PROMPT_CACHE}) == ""
    assert read_free({**mark, "llm.cache.tokens_saved": 60}) == ""
    assert read_free({**mark, "llm.cache.tokens_saved": 110}) == "response_cache"


@pytest.mark.parametrize(
    "attributes",
    [
        {"litellm.cache_hit": False},
        {"litellm.cache_hit": "False"},
        {"litellm.cache_hit": "None"},
        {"portkey.cache_status": "MISS"},
        {"llm.cache.hit": False},
        # Written by a processor like this one, which means a prompt cache by it.
        {"llm.cache.hit": True, "llm.cost.status": "exact"},
        {"cached": 1},
        {"langsmith.metadata.usage_metadata": '{"input_tokens": 100, "total_cost": 0.1}'},
        {},
    ],
)
def test_other_calls_are_charged(read_free, attributes) -> None:
    """Guarantees: nothing is free by mistake."""
    assert read_free(attributes) == ""
