"""What a usage map says twice is counted once, and what cannot both be is told."""

from __future__ import annotations

import pytest

from processor.core.semconv.buckets import read_map


def test_buckets_that_say_the_same_number_twice_count_once() -> None:
    """LangChain's lifetimes and their sum; Gemini's cached content and its modalities."""
    tree = {"input": 227, "output": 103, "cache_creation_input_tokens": 416}
    lives = {"cache_creation_ephemeral_1h_input_tokens": 109, "input_cache_creation_5m": 307}
    assert read_map({**tree, **lives}, may_be_exclusive=True).counts["cache_write"] == 416
    assert read_map({**tree, "input_cache_creation_1h": 109}, may_be_exclusive=True).counts[
        "cache_write"
    ] == (416 + 109)


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
