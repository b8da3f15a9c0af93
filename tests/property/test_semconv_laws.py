"""What holds for any span that anybody may send."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.core.semconv import WANTED, ReadOptions, read
from processor.core.semconv.buckets import read_map
from processor.core.semconv.counts import COUNT_FIELDS, Counts, UsageRules
from processor.core.semconv.usage import normalise_usage
from processor.core.semconv.values import (
    COUNT_MAX,
    parse_literal,
    read_count,
    read_nano_usd,
    read_text,
)

_COUNT = st.none() | st.integers(0, 2000) | st.integers(0, COUNT_MAX)
_COUNTS = st.builds(Counts, *[_COUNT] * len(COUNT_FIELDS))
_RULES = st.builds(
    UsageRules,
    st.sampled_from(["llm", "embedding"]),
    st.sampled_from(["anthropic", "bedrock", "google", "openai"]),
    st.sampled_from([None, "inclusive", "exclusive"]),
    st.sampled_from([None, "exclusive"]),
)
_OPERATOR = st.sampled_from([None, "inclusive", "exclusive"])
_SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["chat", "LLM", "AGENT", "gpt-4o", '{"input": 5}', "{'a': 1}", "invoke_agent"]
    )
    | st.binary(max_size=5)
)
_VALUE = st.recursive(
    _SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
_ATTRIBUTES = st.dictionaries(st.sampled_from(sorted(WANTED.keys)), _VALUE, max_size=12)
_FIXTURES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "golden" / "dialect-fixtures.jsonl")
    .read_text("utf-8")
    .splitlines()
]


@given(_COUNTS, _RULES, _OPERATOR, st.booleans())
def test_quantities_are_never_negative_and_fit_the_ledger(counts, rules, operator, are_buckets):
    """Whatever is reported, no quantity is negative and their sum stays within 64 bits."""
    usage, *_ = normalise_usage(counts, rules, operator, are_buckets=are_buckets)
    if usage is not None:
        assert min(usage) >= 0
        assert sum(usage) <= COUNT_MAX


@given(_COUNTS, _RULES, _OPERATOR)
def test_no_reported_token_is_lost_or_counted_twice(counts, rules, operator):
    """Input is what was reported, with cached tokens inside it or beside it; output likewise."""
    counts = replace(counts, total=None, extra_input=None, extra_output=None)
    usage, *_ = normalise_usage(counts, rules, operator)
    if usage is None:
        return
    given_tokens, made = counts.input or 0, counts.output or 0
    cached = usage.cached_tokens + usage.cache_write + usage.cache_write_1h
    assert usage.input_tokens in {given_tokens, given_tokens + cached}
    made_tokens = usage.output_tokens - usage.citations
    assert made_tokens in {made, made + usage.reasoning}


_PART = st.integers(0, 5000)
_PARTS = st.fixed_dictionaries({}, optional={
    "cache_read": _PART, "cache_write": _PART, "reasoning": _PART, "image_output": _PART,
    "audio_output": _PART, "other_input": _PART, "other_output": _PART,
})  # fmt: skip
_INPUT_PARTS = {"cache_read", "cache_write", "other_input"}


@given(_PART, _PART, _PARTS, st.sets(st.sampled_from(sorted(COUNT_FIELDS))), st.booleans())
def test_a_total_that_an_interpretation_makes_is_charged(given_in, made, parts, apart, buckets):
    """Whatever is inside or beside its side: the tokens charged are those of the total.

    But where the total is just input and output, which emitters add up themselves.
    """
    beside = {name for name in parts if name in apart}
    inside = {name: count for name, count in parts.items() if name not in beside}
    whole_in = given_in + sum(parts[name] for name in beside & _INPUT_PARTS)
    whole_out = made + sum(parts[name] for name in beside - _INPUT_PARTS)
    total = whole_in + whole_out
    cached = parts.get("cache_read", 0) + parts.get("cache_write", 0)
    modal = parts.get("image_output", 0) + parts.get("audio_output", 0)
    is_possible = cached <= whole_in and max(parts.get("reasoning", 0), modal) <= whole_out
    if not is_possible or (total == given_in + made and any(parts.values())) or not total:
        return
    counts = Counts(given_in, made, total, **parts)
    usage, _, doubt = normalise_usage(counts, UsageRules(), are_buckets=buckets)
    assert usage is not None
    assert usage.input_tokens + usage.output_tokens == total
    assert "counts_contradict" not in doubt.split(",") or sum(inside.values()) > 0


_SIDE = st.sampled_from(["input", "output"])
_WORDS = st.lists(
    st.sampled_from([
        "cache", "read", "write", "creation", "5m", "1h", "audio", "image", "video", "text",
        "reasoning", "flex", "priority", "modality", "tokens", "foo", "bar", "tool", "accepted",
    ]),
    max_size=3,
)  # fmt: skip


@given(st.dictionaries(st.tuples(_SIDE, _WORDS.map("_".join)), _PART, max_size=8))
def test_no_bucket_of_an_exclusive_map_vanishes(buckets):
    """A map whose total is the sum of its counts is charged for exactly that many tokens."""
    tree = {f"{side}_{words}".strip("_"): count for (side, words), count in buckets.items()}
    total = sum(tree.values())
    if not total:
        return
    tree["total"] = total
    tree.setdefault("input", 0)
    tree.setdefault("output", 0)
    found = read_map(tree, may_be_exclusive=True)
    counts = Counts(**found.counts)
    usage, _, doubt = normalise_usage(counts, UsageRules(), are_buckets=found.is_exclusive)
    assert usage is not None
    assert usage.input_tokens + usage.output_tokens == total
    # No prompt is empty, whatever the total says.
    assert doubt == ("" if usage.input_tokens else "input_missing")


@given(st.recursive(_SCALAR, lambda inner: st.lists(inner) | st.dictionaries(
    st.text(max_size=3) | st.sampled_from(["input", "total", "modality", "tokens", "cached"]), inner
), max_leaves=10), st.booleans())  # fmt: skip
def test_no_usage_map_breaks_the_reading(tree, may_be_exclusive):
    """Whatever stands where a usage map should: it is read or ignored."""
    found = read_map(tree, side="input", may_be_exclusive=may_be_exclusive)
    assert all(count >= 0 for count in found.counts.values())
    assert found.counts.keys() <= set(COUNT_FIELDS)


@given(st.lists(_ATTRIBUTES, max_size=4), st.none() | st.text(max_size=5))
@settings(max_examples=300)
def test_no_value_of_any_attribute_breaks_the_reading(build_spans, attributes, salt):
    """Any value under any wanted key is read or ignored; no span is found twice."""
    spans = build_spans(*({"attributes": each, "resource": each} for each in attributes))
    reading = read(spans, 10_000, ReadOptions(user_hash_salt=salt))
    rows = [call.mark.row for call in reading.calls] + [mark.row for mark in reading.marks]
    assert len(rows) == len(set(rows))
    for call in reading.calls:
        assert call.usage is None or min(call.usage) >= 0
        assert call.reported_nano_usd is None or call.reported_nano_usd >= 0
        texts = (
            *call.models,
            call.provider,
            call.tier,
            call.response_id,
            *filter(None, call.mark.own),
        )
        assert all(0 <= len(text) <= 256 for text in texts)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_attributes_does_not_matter(build_spans, seed):
    """A span's meaning is that of its attributes as a set."""
    for row in _FIXTURES:
        items = list(row["attributes"].items())
        random.Random(seed).shuffle(items)
        shuffled = {**row, "attributes": dict(items)}
        assert read(build_spans(row), 10_000, ReadOptions()) == (
            read(build_spans(shuffled), 10_000, ReadOptions())
        )


def test_what_was_read_before_does_not_matter(build_spans):
    """Spans read alone, together, or again read the same."""
    together = read(build_spans(*_FIXTURES), 10_000, ReadOptions())
    alone = [read(build_spans(row), 10_000, ReadOptions()) for row in _FIXTURES]
    calls = [replace(call, mark=replace(call.mark, row=0)) for call in together.calls]
    assert calls == [call for reading in alone for call in reading.calls]
    assert read(build_spans(*_FIXTURES), 10_000, ReadOptions()) == together


@given(st.text() | st.floats() | st.integers())
def test_values_are_read_or_refused_but_never_raise(value):
    """No text and no number upsets a reader."""
    count, amount, text = read_count(value), read_nano_usd(value), read_text(value)
    assert count is None or 0 <= count <= COUNT_MAX
    assert amount is None or amount >= 0
    assert text is None or 0 < len(text) <= 256


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**9), 10**9)
        | st.text("ab'\" None()", max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text("ab'c ", max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    ).filter(lambda value: isinstance(value, list | dict))
)
def test_printed_python_data_reads_as_what_was_printed(value):
    """A dict's printed form reads back as the dict."""
    assert parse_literal(repr(value)) == value


@given(_PART, _PART, _PART, _PART, _PART, st.sets(st.sampled_from(["whole", "name", "cached"])))
def test_what_repeats_the_parts_of_a_map_changes_nothing(
    rest, cached, written, made, thought, said
):
    """Wholes of sides and subtotals, under any name, are not charged beside their parts."""
    tree = {
        "input": rest,
        "input_cache_read": cached,
        "input_cache_creation": written,
        "output": made,
        "output_reasoning": thought,
    }
    repeated: dict[str, int] = {}
    if "whole" in said:
        repeated["total_input_tokens"] = rest + cached + written
        repeated["total_output_tokens"] = made + thought
    if "name" in said:
        repeated["prompt_tokens"] = rest + cached + written
        repeated["completion_tokens"] = made + thought
    if "cached" in said:
        repeated["total_cache_tokens"] = cached + written
    found = read_map({**tree, **repeated}, may_be_exclusive=True)
    fields = ("input", "cache_read", "cache_write", "output", "reasoning")
    assert tuple(found.counts.get(field, 0) for field in fields) == tuple(tree.values())
    assert not found.contradict
