"""Usage maps: which kind they are of, and what of them is read."""

from __future__ import annotations

import pytest

from processor.core.semconv.buckets import read_map


def test_names_need_a_token_word_where_a_map_may_hold_anything() -> None:
    """A provider's usage object has other numbers, too."""
    assert read_map({"input": 5, "prompt_tokens": 7, "queue_time": 3}).counts == {"input": 7}


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


@pytest.mark.parametrize(
    ("tree", "counts"),
    [
        ({"server_tool_use": {"web_search_requests": 2}}, {"web_searches": 2}),
        ({"server_tool_use.web_search_requests": "2"}, {"web_searches": 2}),
        ({"server_tool_use_web_search_requests": 2}, {"web_searches": 2}),
        ({"web_search_requests": 2, "server_tool_use": {"webSearchRequests": 2}},
         {"web_searches": 2}),
        ({"numSearchQueries": 3}, {"web_searches": 3}),
        ({"billed_units": {"search_units": 1}}, {"searches": 1}),
        ({"usage_info": {"pages_processed": 4}}, {"pages": 4}),
        ({"type": "duration", "seconds": 1.5}, {"duration_ms": 1500}),
        ({"outputImages": 2, "inputImages": 3}, {"images": 2}),
        ({"prompt_tokens_details": {"image_count": 3}}, {}),
        ({"server_tool_use": {"web_fetch_requests": 2}}, {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("may_be_exclusive", [False, True])
def test_what_is_no_token_is_found_in_every_map(tree, counts, may_be_exclusive) -> None:
    """Guarantees: a fee is not lost with the place or the spelling of its count."""
    assert read_map(tree, may_be_exclusive=may_be_exclusive).counts.items() >= counts.items()
    units = {"web_searches", "searches", "pages", "duration_ms", "images"}
    assert units & read_map(tree, may_be_exclusive=may_be_exclusive).counts.keys() == counts.keys()


def test_how_a_call_was_served_stands_in_words_among_its_counts() -> None:
    """Of speeds only the fast one is a tier."""
    tree = {"input_tokens": 1, "service_tier": "standard", "inference_geo": "us", "speed": "fast"}
    assert read_map(tree).texts == {"service_tier": "fast", "inference_geo": "us"}
    assert read_map({**tree, "speed": "standard"}).texts["service_tier"] == "standard"


def test_what_is_billed_is_told_from_what_was_counted() -> None:
    """Cohere reports both, and charges only one."""
    tree = {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 8}}
    counts = read_map(tree, may_be_exclusive=True).counts
    assert counts == {"billed_input": 1, "billed_output": 2, "input": 8}
