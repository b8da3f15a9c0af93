"""Usage maps by the words of their names."""

from __future__ import annotations

import pytest

from processor.core.semconv.bucket_names import classify, split_words
from processor.core.semconv.buckets import read_map


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("input", "input"),
        ("promptTokenCount", "input"),
        ("candidates_token_count", "output"),
        ("totalTokens", "total"),
        ("cacheReadInputTokens", "cache_read"),
        ("prompt_tokens_details.cached_tokens", "cache_read"),
        ("cached_modality_TEXT", "cache_read"),
        ("input_tokens_details.cache_write_tokens", "cache_write"),
        ("input_ephemeral_5m_input_tokens", "cache_write_5m"),
        ("cache_creation_input_tokens_above_1hr", "cache_write_1h"),
        ("prompt_cache_miss_tokens", "text_input"),
        ("noCacheTokens", "text_input"),
        ("output_flex_reasoning", "reasoning"),
        ("thoughtsTokenCount", "reasoning"),
        ("tool_use_prompt_token_count", "tool_use"),
        ("input_flex", "text_input"),
        ("output_text", "text_output"),
        ("output_accepted_prediction_tokens", "text_output"),
        ("input_audio", "audio_input"),
        ("output_modality_IMAGE", "image_output"),
        ("input_modality_3", "video_input"),
        ("input_modality_MediaModality.VIDEO", "video_input"),
        ("citation_tokens", "citations"),
        ("input_whatever", "other_input"),
        ("output_whatever", "other_output"),
        ("whatever", "other"),
        ("input_cost", None),
        ("prompt_time", None),
        ("tokens_per_second", None),
        ("web_search_requests", None),
        ("inputImages", None),
        ("max_output_tokens", None),
        ("tool_call_count", None),
        ("message_count", None),
        ("retries", None),
        ("elapsed", None),
        ("count", "other"),
    ],
)
def test_a_name_says_what_it_counts(name, field) -> None:
    """Names in every spelling; what is no number of tokens is left out."""
    meaning = classify(split_words(name), is_loose=True)
    assert (meaning and meaning.field) == field


def test_names_need_a_token_word_where_a_map_may_hold_anything() -> None:
    """A provider's usage object has other numbers, too."""
    assert read_map({"input": 5, "prompt_tokens": 7, "queue_time": 3}).counts == {"input": 7}


def test_buckets_that_say_the_same_number_twice_count_once() -> None:
    """LangChain's lifetimes and their sum; Gemini's cached content and its modalities."""
    tree = {"input": 227, "output": 103, "cache_creation_input_tokens": 416}
    lives = {"cache_creation_ephemeral_1h_input_tokens": 109, "input_cache_creation_5m": 307}
    assert read_map({**tree, **lives}, may_be_exclusive=True).counts["cache_write"] == 416
    assert read_map({**tree, "input_cache_creation_1h": 109}, may_be_exclusive=True).counts[
        "cache_write"
    ] == (416 + 109)


def test_details_of_an_inclusive_map_are_parts_of_one_another() -> None:
    """The same count in two places, and a whole beside its parts, is one count."""
    tree = {
        "prompt_tokens": 1000,
        "cache_read_input_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 800},
        "cacheTokensDetails": [
            {"modality": "TEXT", "tokenCount": 500},
            {"modality": "AUDIO", "tokenCount": 300},
        ],
    }
    found = read_map(tree)
    assert not found.is_exclusive
    assert found.counts == {"input": 1000, "cache_read": 800, "audio_cached": 300}


def test_a_name_tells_the_service_tier() -> None:
    """Only of what was used."""
    assert read_map({"input_priority": 0, "input_flex": 5}, may_be_exclusive=True).tier == "flex"
    assert read_map({"input": 5}, may_be_exclusive=True).tier == ""


def test_nested_details_are_inside_whatever_the_sides_are_called() -> None:
    """Providers nest what their counts contain."""
    tree = {"input": 2600, "output": 3, "input_tokens_details": {"cached_tokens": 2000}}
    assert not read_map(tree, may_be_exclusive=True).is_exclusive


def test_lists_of_iterations_are_not_read() -> None:
    """They repeat what the counts beside them have."""
    tree = {"input_tokens": 7, "iterations": [{"input_tokens": 3}, {"input_tokens": 4}]}
    assert read_map(tree).counts == {"input": 7}


WHOLE_AND_REST = {"input": 400, "output": 60, "input_cached_tokens": 600, "output_reasoning": 40}


@pytest.mark.parametrize(
    "said_again",
    [
        {},
        {"prompt_tokens": 1000, "completion_tokens": 100},
        {"total_input_tokens": 1000, "total_output_tokens": 100},
        {"prompt_tokens": 400, "completion_tokens": 60},
        {"total_cache_tokens": 600, "total_reasoning_tokens": 40},
        {"cached_tokens": 600, "thoughts": 40},
    ],
)
def test_wholes_and_subtotals_are_not_added_to_their_parts(said_again) -> None:
    """A side under its other names, and totals of some kind, repeat what is there."""
    found = read_map({**WHOLE_AND_REST, **said_again}, may_be_exclusive=True)
    assert not found.contradict
    counts = found.counts
    assert (counts["input"], counts["cache_read"]) == (400, 600)
    assert (counts["output"], counts["reasoning"]) == (60, 40)


@pytest.mark.parametrize(
    ("said_again", "field", "count"),
    [
        ({"prompt_tokens": 1100}, "input", 500),
        ({"prompt_tokens": 700}, "input", 400),
        ({"cached_tokens": 500}, "cache_read", 600),
        ({"total_cache_tokens": 500}, "cache_read", 600),
        ({"thoughts": 50}, "reasoning", 50),
    ],
)
def test_names_of_one_thing_that_differ_are_told(said_again, field, count) -> None:
    """The larger number stands, and that they contradict is told."""
    found = read_map({**WHOLE_AND_REST, **said_again}, may_be_exclusive=True)
    assert found.contradict
    assert found.counts[field] == count


def test_a_whole_alone_has_its_parts_inside() -> None:
    """A name that says total means all of the side, unless its parts are more."""
    tree = {"total_input_tokens": 1000, "input_cached_tokens": 600, "output": 5}
    assert read_map(tree, may_be_exclusive=True).counts["input"] == 400
    tree["total_input_tokens"] = 100
    assert read_map(tree, may_be_exclusive=True).counts["input"] == 100


def test_a_total_of_cached_tokens_yields_those_read() -> None:
    """Where only those written are counted apart, in a map of either kind."""
    tree = {"input": 1000, "input_tokens": 1000, "cache_creation_tokens": 200}
    for may_be_exclusive in (False, True):
        found = read_map({**tree, "total_cache_tokens": 800}, may_be_exclusive=may_be_exclusive)
        assert (found.counts["cache_read"], found.counts["cache_write"]) == (600, 200)


@pytest.mark.parametrize("value", ["5,000", "5k", "1.5", 2.5, "12 tokens", 10**13])
@pytest.mark.parametrize("name", ["input_cached_tokens", "reasoning_tokens", "foo_tokens"])
@pytest.mark.parametrize("may_be_exclusive", [False, True])
def test_counts_that_cannot_be_read_are_told(value, name, may_be_exclusive) -> None:
    """Of every field of every kind of map."""
    tree = {"input_tokens": 10, "output_tokens": 5, name: value}
    assert read_map(tree, may_be_exclusive=may_be_exclusive).unreadable


@pytest.mark.parametrize("value", ["", "None", "null", "n/a", -1, float("nan"), None, True, "us"])
def test_what_says_that_there_is_no_count_is_none(value) -> None:
    """Sentinels and texts are no counts, and nothing is missing for them."""
    tree = {"input": 10, "output": 5, "input_cached_tokens": value, "foo": value}
    assert not read_map(tree, may_be_exclusive=True).unreadable
