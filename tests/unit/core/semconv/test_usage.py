"""From reported counts to disjoint quantities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.model import Usage
from processor.core.semconv.counts import COUNT_FIELDS, Counts, UsageRules
from processor.core.semconv.dialects.tokens import COUNTS
from processor.core.semconv.usage import TOTAL_ONLY, UNREADABLE, normalise_usage, read_usual
from processor.core.semconv.values import COUNT_MAX

ASSUMED = "cache: assumed inside input"


def test_counts_and_their_table_have_one_order() -> None:
    """A slot's position means the same in the table and in the counts."""
    assert tuple(COUNTS) == COUNT_FIELDS


@pytest.mark.parametrize(
    ("counts", "rules", "usage", "rule"),
    [
        # Nothing cached: nothing to decide.
        (Counts(100, 10), UsageRules(), Usage(100, output=10), ""),
        # More is cached than was put in: it stands beside the input, decisively.
        (
            Counts(20, 150, 170, cache_read=2048),
            UsageRules(cache="inclusive"),
            Usage(20, 2048, output=150),
            "cache: exceeds input",
        ),
        # The AI SDK's own uncached count proves that its input includes the cached tokens ...
        (
            Counts(100, 10, uncached=40, cache_read=60),
            UsageRules(cache="exclusive"),
            Usage(40, 60, output=10),
            "cache: provider usage",
        ),
        # ... and the provider's raw input that it does not.
        (
            Counts(100, 10, raw_input=100, cache_read=60),
            UsageRules(cache="inclusive"),
            Usage(100, 60, output=10),
            "cache: provider usage",
        ),
        (
            Counts(100, 10, raw_input=40, cache_read=60),
            UsageRules(cache="exclusive"),
            Usage(40, 60, output=10),
            "cache: provider usage",
        ),
        # A raw input that fits neither reading shows nothing.
        (
            Counts(100, 10, raw_input=7, cache_read=60),
            UsageRules(),
            Usage(40, 60, output=10),
            ASSUMED,
        ),
        # The total adds up only with the cached tokens beside the input.
        (
            Counts(10, 20, 35, cache_read=2, cache_write=3),
            UsageRules(cache="inclusive"),
            Usage(10, 2, 3, output=20),
            "cache: total",
        ),
        # ... with reasoning beside the output as well.
        (
            Counts(100, 20, 185, cache_read=60, reasoning=5),
            UsageRules(),
            Usage(100, 60, output=20, reasoning=5),
            "cache: total; reasoning: total",
        ),
        # A total that is just input plus output is no evidence.
        (Counts(100, 10, 110, cache_read=60), UsageRules(), Usage(40, 60, output=10), ASSUMED),
        # Nor is one that as many reasoning tokens explain.
        (
            Counts(100, 20, 125, cache_read=5, reasoning=5),
            UsageRules(),
            Usage(95, 5, output=20, reasoning=5),
            f"{ASSUMED}; reasoning: total",
        ),
        # What the emitter is known to mean.
        (
            Counts(100, 10, cache_read=60),
            UsageRules(cache="exclusive"),
            Usage(100, 60, output=10),
            "cache: instrumentation",
        ),
        (
            Counts(100, 10, cache_read=60),
            UsageRules(cache="inclusive"),
            Usage(40, 60, output=10),
            "",
        ),
    ],
)
def test_cached_tokens_are_inside_or_beside_the_input_by_the_first_evidence(
    counts, rules, usage, rule
) -> None:
    """Each rule decides where the ones before it are silent, and is named."""
    assert normalise_usage(counts, rules)[:2] == (usage, rule)


def test_the_operator_decides_before_any_evidence() -> None:
    """A rule of the operator's own outranks the provider's own usage and the total."""
    counts = Counts(100, 10, 110, uncached=40, cache_read=60)
    assert normalise_usage(counts, UsageRules(), "exclusive")[:2] == (
        Usage(100, 60, output=10),
        "cache: operator",
    )


def test_not_even_the_operator_takes_more_from_the_input_than_is_in_it() -> None:
    """An impossible rule gives way, so that no quantity is negative."""
    counts = Counts(20, 10, cache_read=60)
    assert normalise_usage(counts, UsageRules(), "inclusive")[:2] == (
        Usage(20, 60, output=10),
        "cache: exceeds input",
    )


def test_buckets_are_left_as_they_are() -> None:
    """Mutually exclusive counts need no subtraction."""
    counts = Counts(179, 35, 309, cache_read=20, reasoning=64, audio_input=5, audio_output=6)
    usage, rule, _ = normalise_usage(counts, UsageRules(cache="inclusive"), are_buckets=True)
    assert usage == Usage(179, 20, audio_input=5, output=35, reasoning=64, audio_output=6)
    assert rule == "cache: buckets; reasoning: buckets"


@pytest.mark.parametrize(
    ("counts", "rules", "output", "reasoning", "rule"),
    [
        (Counts(10, 100, reasoning=60), UsageRules(), 40, 60, ""),
        (Counts(10, 100, reasoning=160), UsageRules(), 100, 160, "reasoning: exceeds output"),
        (Counts(10, 100, 170, reasoning=60), UsageRules(), 100, 60, "reasoning: total"),
        (
            Counts(10, 100, reasoning=60),
            UsageRules(reasoning="exclusive"),
            100,
            60,
            "reasoning: instrumentation",
        ),
        (Counts(50, 120, 970), UsageRules(family="google"), 120, 800, "reasoning: from total"),
        (Counts(50, 120, 970), UsageRules(), 120, 0, ""),
        (
            Counts(50, 120, 970, reasoning=0),
            UsageRules(family="google"),
            120,
            0,
            "tool use: from total",
        ),
        (Counts(50, 120, 170), UsageRules(family="google"), 120, 0, ""),
    ],
)
def test_reasoning_is_inside_or_beside_the_output(counts, rules, output, reasoning, rule) -> None:
    """Reasoning is never billed twice and never lost."""
    usage, found, _ = normalise_usage(counts, rules)
    assert usage is not None
    assert (usage.output, usage.reasoning, found) == (output, reasoning, rule)


def test_thoughts_that_equal_the_cached_tokens_move_no_cached_token() -> None:
    """A Gemini total is no evidence about its cache."""
    usage, *_ = normalise_usage(Counts(100, 10, 160, cache_read=50), UsageRules(family="google"))
    assert usage == Usage(50, 50, output=10, reasoning=50)


@pytest.mark.parametrize(
    ("counts", "write", "write_1h"),
    [
        (Counts(5000, 1, cache_write=2100, cache_write_1h=2000), 100, 2000),
        (Counts(5000, 1, cache_write_5m=89, cache_write_1h=2000), 89, 2000),
        (Counts(5000, 1, cache_write=100), 100, 0),
        (Counts(5000, 1, cache_write=10, cache_write_1h=2000), 0, 2000),
    ],
)
def test_cache_writes_are_distinguished_by_their_lifetime(counts, write, write_1h) -> None:
    """One-hour writes are a part of all writes; without a split all live five minutes."""
    usage, *_ = normalise_usage(counts, UsageRules())
    assert usage is not None
    assert (usage.cache_write, usage.cache_write_1h) == (write, write_1h)


def test_audio_and_image_are_taken_out_of_what_contains_them() -> None:
    """Audio and image that were not cached are no text."""
    counts = Counts(
        1000, 200, cache_read=300, audio_input=150, audio_cached=50, image_input=100,
        audio_output=80, reasoning=20,
    )  # fmt: skip
    usage, *_ = normalise_usage(counts, UsageRules(cache="inclusive"))
    assert usage == Usage(
        500, 250, audio_input=100, image_input=100, output=100, reasoning=20, audio_output=80,
        audio_cache_read=50,
    )  # fmt: skip


def test_images_that_are_partly_cached_fill_what_was_not() -> None:
    """Where an overlap is unknown, nothing is counted twice, and the assumption is named."""
    counts = Counts(2255, 20, cache_read=512, cache_write=1733, image_input=255)
    usage, _, doubt = normalise_usage(counts, UsageRules(cache="inclusive"))
    assert usage == Usage(0, 512, 1733, image_input=10, output=20)
    assert doubt == "split_assumed"


def test_extras_outside_the_totals_are_billed_too() -> None:
    """Compaction adds to input and output."""
    usage, *_ = normalise_usage(Counts(10, 5, extra_input=300, extra_output=40), UsageRules())
    assert usage == Usage(310, output=45)


@pytest.mark.parametrize(
    ("counts", "rules", "usage", "rule"),
    [
        (Counts(None, 10, 110), UsageRules(), Usage(100, output=10), "input from total"),
        (Counts(100, None, 110), UsageRules(), Usage(100, output=10), "output from total"),
        (Counts(8, None, 8), UsageRules("embedding"), Usage(8), ""),
        (Counts(None, None, 8), UsageRules("embedding"), Usage(8), ""),
        (Counts(None, None, 8), UsageRules(), None, TOTAL_ONLY),
        (Counts(None, 10), UsageRules(), Usage(0, output=10), ""),
        (Counts(COUNT_MAX, COUNT_MAX), UsageRules(), None, UNREADABLE),
    ],
)
def test_a_total_fills_a_gap_or_the_usage_is_unknown(counts, rules, usage, rule) -> None:
    """What follows from the total is filled in; a total alone cannot be priced."""
    assert normalise_usage(counts, rules)[:2] == (usage, rule)


@pytest.mark.parametrize(
    ("counts", "has_lifetimes", "rule"),
    [
        (Counts(100, 10, cache_write=60), True, "cache writes: assumed 5 minutes"),
        (Counts(100, 10, cache_write=60, cache_write_1h=60), True, ""),
        (Counts(100, 10, cache_write=60, cache_write_5m=60), True, ""),
        (Counts(100, 10, cache_read=60), True, ""),
        (Counts(100, 10, cache_write=60), False, ""),
    ],
)
def test_a_lifetime_that_is_not_reported_is_named(counts, has_lifetimes, rule) -> None:
    """An hour costs more than five minutes, so a bill can be explained only if it says so."""
    rules = UsageRules(cache="inclusive", has_lifetimes=has_lifetimes)
    assert normalise_usage(counts, rules)[1] == rule


@pytest.mark.parametrize(
    ("counts", "rules", "usage", "rule"),
    [
        # The output holds the total.
        (Counts(361, 414, 414), UsageRules(), Usage(361, output=53), "output: was the total"),
        # ... which the provider's own count confirms, and what is left was put in by tools.
        (
            Counts(361, 554, 554, raw_output=53, reasoning=100),
            UsageRules(family="google"),
            Usage(401, output=53, reasoning=100),
            "output: was the total",
        ),
        # Reasoning was added to an output that held it already.
        (
            Counts(10, 160, 110, reasoning=60),
            UsageRules(),
            Usage(10, output=40, reasoning=60),
            "reasoning: was counted twice",
        ),
        # Only what was written to a cache is inside the input.
        (
            Counts(1300, 100, 3400, cache_read=2000, cache_write=300, cache_write_5m=300),
            UsageRules(cache="exclusive"),
            Usage(1000, 2000, 300, output=100),
            "cache: exceeds input; cache writes: total",
        ),
        # A total that leaves out the cached tokens of an input that has them says nothing new.
        (
            Counts(100, 10, 50, cache_read=60),
            UsageRules(cache="inclusive"),
            Usage(40, 60, output=10),
            "",
        ),
        # Gemini: what is missing is no thoughts once these are known.
        (
            Counts(100, 10, 200, reasoning=5),
            UsageRules(family="google", reasoning="inclusive"),
            Usage(190, output=5, reasoning=5),
            "tool use: from total",
        ),
        (
            Counts(100, 10, 200),
            UsageRules(family="google", reasoning="inclusive"),
            Usage(190, output=10),
            "tool use: from total",
        ),
        (
            Counts(100, 10, 200, reasoning=5),
            UsageRules(family="google"),
            Usage(185, output=10, reasoning=5),
            "reasoning: total; tool use: from total",
        ),
    ],
)
def test_the_total_decides_what_the_counts_mean(counts, rules, usage, rule) -> None:
    """Where the parts as declared cannot make the total, the nearest reading that can is taken."""
    assert normalise_usage(counts, rules) == (usage, rule, "")


def test_a_total_that_nothing_makes_is_named() -> None:
    """Charged as reported, never in silence."""
    assert normalise_usage(Counts(100, 10, 777), UsageRules()) == (
        Usage(100, output=10),
        "",
        "counts_contradict",
    )


@pytest.mark.parametrize(
    ("kind", "usage"), [("llm", None), ("embedding", None), ("moderation", Usage())]
)
def test_zero_tokens_are_missing_usage(kind, usage) -> None:
    """No model answers without a token; moderation is free."""
    assert normalise_usage(Counts(0, 0, 0), UsageRules(kind))[0] == usage


@pytest.mark.parametrize(("total", "charged", "doubt"), [(None, 0, "unknown_bucket"), (115, 5, "")])
def test_an_unknown_count_inside_a_side_is_charged_if_the_total_requires_it(
    total, charged, doubt
) -> None:
    """What nobody knows is charged at its side's rate, or named."""
    counts = Counts(100, 10, total, other_input=5)
    usage, rule, found = normalise_usage(counts, UsageRules(), unknown=("foo_tokens",))
    assert usage == Usage(100 + charged, output=10)
    assert (rule, found) == ("buckets: foo_tokens" if charged else "", doubt)


@pytest.mark.parametrize("audio", [500, 1500])
def test_cached_audio_that_is_not_reported_is_assumed_within_what_is_possible(audio) -> None:
    """As much of it as fits was not cached, and the assumption is named."""
    counts = Counts(2000, 1, cache_read=1000, audio_input=audio)
    usage, _, doubt = normalise_usage(counts, UsageRules(cache="inclusive"))
    assert usage is not None
    assert (usage.audio_input, usage.audio_cache_read) == (min(audio, 1000), max(audio - 1000, 0))
    assert usage.input_tokens == 2000
    assert doubt == "split_assumed"


@given(st.lists(st.none() | st.integers(0, 9), min_size=6, max_size=6), st.sampled_from(
    [UsageRules(), UsageRules(cache="inclusive", family="anthropic"),
     UsageRules(cache="exclusive", reasoning="exclusive"), UsageRules(family="google")]
))  # fmt: skip
def test_usual_counts_read_as_all_others(values, rules) -> None:
    """The short way gives what the long one does."""
    names = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
    counts = Counts(**dict(zip(names, values, strict=True)))
    found = read_usual([getattr(counts, name) for name in COUNT_FIELDS], rules)
    assert found is None or found == normalise_usage(counts, rules)


@pytest.mark.parametrize(
    ("counts", "family", "usage", "doubt"),
    [
        # The modalities are the whole input, so what is cached is a part of them.
        (
            Counts(100, 10, text_input=30, audio_input=70, cache_read=60),
            "openai",
            Usage(0, 30, audio_input=40, output=10, audio_cache_read=30),
            "split_assumed",
        ),
        # All of the output is text, so the reasoning is; Gemini's thoughts are beside the text.
        (
            Counts(100, 10, text_output=10, reasoning=6),
            "openai",
            Usage(100, output=4, reasoning=6),
            "split_assumed",
        ),
        (
            Counts(100, 10, text_output=10, reasoning=6),
            "google",
            Usage(100, output=10, reasoning=6),
            "split_assumed",
        ),
        # Without a breakdown they stay beside, as declared; they may overlap.
        (
            Counts(100, 10, audio_input=50, cache_read=60),
            "openai",
            Usage(100, 60, audio_input=50, output=10),
            "split_assumed",
        ),
        # They fit together, or cannot be inside at all.
        (
            Counts(100, 10, audio_input=30, cache_read=60),
            "openai",
            Usage(100, 60, audio_input=30, output=10),
            "",
        ),
        (
            Counts(100, 10, audio_input=50, cache_read=600),
            "openai",
            Usage(100, 600, audio_input=50, output=10),
            "",
        ),
    ],
)
def test_buckets_of_two_kinds_that_do_not_fit_together_may_overlap(
    counts, family, usage, doubt
) -> None:
    """Cached tokens and modalities, reasoning and modalities, where there is no total."""
    found = normalise_usage(counts, UsageRules(family=family), are_buckets=True)
    assert (found.usage, found.doubt) == (usage, doubt)


def test_a_gap_of_gemini_that_equals_the_cached_tokens_is_doubt() -> None:
    """It may be thoughts, or cached tokens that somebody added to the total once more."""
    rules = UsageRules(family="google")
    found = normalise_usage(Counts(100, 10, 170, cache_read=60), rules)
    assert found.usage == Usage(40, 60, output=10, reasoning=60)
    assert found.doubt == "split_assumed"
    assert normalise_usage(Counts(100, 10, 171, cache_read=60), rules).doubt == ""
