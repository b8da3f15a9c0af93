"""What a report says of a call, and which report of several is charged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from processor.core.attribution import Node
from processor.core.attribution.reported import (
    Reported,
    best_report,
    family_of,
    forms_of,
    has_counts,
)
from processor.core.model import Entry, Usage
from processor.core.money import Amount


@pytest.mark.parametrize("part", ["@20240101", "-20240101", "@2024-01-01", "@1", ":1", "-v1"])
@pytest.mark.timeout(10)
def test_a_name_of_many_suffixes_takes_no_time(part):
    """Guarantees: what a sender may name costs no more for being made of what is looked for."""
    name = f"m{part * (500 // len(part))}"
    assert family_of(f"{name}x") == f"{name}x"
    assert family_of(name) == "m"


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("azure/gpt-4o", "gpt-4o"),
        ("gpt-4.1", "gpt-4.1"),
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("regional.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("US.Anthropic.Claude-Sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("mistral-large-latest", "mistral-large"),
        ("accounts/fireworks/models/llama-v3p1-8b-instruct", "llama-v3p1-8b-instruct"),
        ("", ""),
    ],
)
def test_a_family_is_the_name_without_what_reports_differ_in(model, family):
    assert family_of(model) == family


def test_a_name_of_any_length_is_read_in_no_time():
    assert family_of("-v1" * 100_000 + "x")


@pytest.mark.parametrize(
    ("usage", "whole", "uncached"),
    [
        (Usage(input=10, output=5), {(10, 5)}, set()),
        (Usage(input=10, cache_read=4), {(14, 0)}, {(10, 0)}),
        (Usage(input=10, cache_read=4, cache_write_1h=3), {(17, 0)}, {(13, 0), (14, 0), (10, 0)}),
        (Usage(input=10, output=5, reasoning=3), {(10, 8), (10, 5)}, set()),
        (Usage(input=1, cache_read=4, reasoning=3), {(5, 3), (5, 0)}, {(1, 3), (1, 0)}),
        (Usage(images=2), {(0, 0, 2, 0, 0)}, set()),
    ],
)
def test_forms_are_the_counts_as_they_would_be_with_details_read_otherwise(usage, whole, uncached):
    forms = forms_of(usage, may_exclude=True)
    assert (set(forms.whole), set(forms.uncached)) == (whole, uncached)
    assert forms.stated[:2] == (usage.input_tokens, usage.output_tokens)


def test_a_request_alone_is_no_count():
    assert not has_counts(Usage())
    assert has_counts(Usage(web_searches=1))
    assert has_counts(Usage(characters=1))


def node(span_id, scope="x", **changes):
    entry = Entry(
        "exact", "", "openai", "gpt-4o", "svc", "v1", Usage(input=10), Amount(10), None,
        scope=scope, start_ns=1,
    )  # fmt: skip
    return Node(span_id, b"p", 5, entry=replace(entry, **changes))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"amount": None}),
        ({}, {"usage": None}),
        ({"usage": Usage(input=5, cache_read=5)}, {"usage": Usage(input=10, audio_input=2)}),
        ({"usage": Usage(input=10, output=2, reasoning=1)}, {"usage": Usage(input=10, output=3)}),
        ({}, {"doubt": "split_assumed"}),
        ({"scope": "inner"}, {"scope": "an outer one"}),
    ],
)
def test_the_report_that_says_more_is_charged(better, worse):
    lasted_ns = {"inner": 3, "an outer one": 4}
    for ids in ((b"a", b"b"), (b"b", b"a")):
        good, bad = node(ids[0], **better), node(ids[1], **worse)
        assert best_report([bad, good], lasted_ns) is good
        assert best_report([good, bad], lasted_ns) is good


def test_a_call_lasts_from_its_first_report_to_the_end_of_its_last():
    first, second = node(b"a"), node(b"b", start_ns=3, scope="y", response=1)
    second.time_ns = 9
    calls = [Reported(each) for each in (first, second)]
    both = calls[0].plus(calls[1])
    assert (both.start_ns, both.end_ns, both.order) == (1, 9, b"a")
    assert (both.members, both.writers, both.ids) == ((first, second), {"x", "y"}, {1})
    repeated = calls[0].repeated(calls[1])
    assert (repeated.start_ns, repeated.end_ns, len(repeated.members)) == (1, 5, 2)
