"""From the counts that a span reports to quantities that do not overlap.

Two questions decide a bill: does the reported input contain the cached tokens, and does the
reported output contain the reasoning? Nothing on the span answers them outright, so evidence
is weighed in a fixed order, and the evidence that decided is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

from processor.core.model import CallKind, Usage
from processor.core.semconv.dialects.instrumentations import Family, Inclusion
from processor.core.semconv.values import COUNT_MAX

UNREADABLE = "unreadable tokens"
TOTAL_ONLY = "only a total"

INPUT_ONLY_KINDS = frozenset({"embedding", "rerank", "moderation"})
"""Calls without output, whose total is their input."""


@dataclass(slots=True)
class Counts:
    """What a span reports, as it reports it; None where it does not. See `dialects.tokens`."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    uncached: int | None = None
    raw_input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_cached: int | None = None
    image_input: int | None = None
    image_cached: int | None = None
    audio_output: int | None = None
    image_output: int | None = None
    extra_input: int | None = None
    extra_output: int | None = None
    web_searches: int | None = None
    citations: int | None = None
    searches: int | None = None
    characters: int | None = None
    duration_ms: int | None = None
    images: int | None = None
    pages: int | None = None

    @property
    def has_units(self) -> bool:
        """Whether anything was counted that is billed without tokens; a web search is not."""
        units = (self.searches, self.characters, self.duration_ms, self.images, self.pages)
        return any(units)


COUNT_FIELDS = tuple(field.name for field in fields(Counts))


class UsageRules(NamedTuple):
    """What is known about the emitter of a span, beside the numbers."""

    kind: CallKind = "llm"
    family: Family = "openai"
    cache: Inclusion | None = None
    """What the emitter's input is documented to mean; None when nobody says."""
    reasoning: Inclusion | None = None


@dataclass(slots=True)
class _Case:
    """The counts with their gaps filled, and all that bears on what they mean."""

    input: int
    output: int
    cached: int
    """Cached tokens, read and written."""
    reasoning: int
    counts: Counts
    rules: UsageRules
    operator: Inclusion | None
    are_buckets: bool


def normalise_usage(
    counts: Counts,
    rules: UsageRules,
    operator: Inclusion | None = None,
    *,
    are_buckets: bool = False,
) -> tuple[Usage | None, str]:
    """Work out disjoint quantities, and name the rules that were not the plain ones.

    `operator` is what the operator says about cached tokens in this emitter's input;
    `are_buckets` that the emitter's counts exclude one another already. The usage is None when
    the counts do not say what was used.
    """
    input_count, output_count, gap_rule = _fill(counts, rules)
    if input_count is None:
        return None, gap_rule
    read = counts.cache_read or 0
    write_1h = counts.cache_write_1h or 0
    write = max(counts.cache_write or 0, (counts.cache_write_5m or 0) + write_1h)
    reasoning = counts.reasoning or 0
    case = _Case(
        input_count, output_count, read + write, reasoning, counts, rules, operator, are_buckets
    )
    cache_is_apart, cache_rule = _decide_cache(case)
    input_whole = input_count + (case.cached if cache_is_apart else 0)
    output_whole, reasoning, reasoning_rule = _decide_reasoning(case, input_whole)
    text_input, audio_input, image_input = _divide_input(case, input_whole - case.cached)
    text_output, audio_output, image_output = _divide_output(case, output_whole - reasoning)
    usage = Usage(
        text_input + (counts.extra_input or 0),
        read,
        write - write_1h,
        write_1h,
        audio_input,
        image_input,
        text_output + (counts.extra_output or 0),
        reasoning,
        audio_output,
        image_output,
        web_searches=counts.web_searches or 0,
        citations=counts.citations or 0,
        searches=counts.searches or 0,
        characters=counts.characters or 0,
        duration_ms=counts.duration_ms or 0,
        images=counts.images or 0,
        pages=counts.pages or 0,
    )
    if sum(usage) > COUNT_MAX:
        return None, UNREADABLE
    fired = (gap_rule, cache_rule, _decide_lifetime(case), reasoning_rule)
    return usage, "; ".join(filter(None, fired))


def _fill(counts: Counts, rules: UsageRules) -> tuple[int | None, int, str]:
    """Input and output, where need be with the help of the total, and the rule that helped.

    Without an input the rule is the reason.
    """
    stated_input, stated_output, total = counts.input, counts.output, counts.total
    if stated_input is None and stated_output is None:
        if total is None:
            # What is billed by other units needs no tokens.
            return (0, 0, "") if counts.has_units else (None, 0, UNREADABLE)
        if rules.kind not in INPUT_ONLY_KINDS:
            return None, 0, TOTAL_ONLY
        return total, 0, ""
    input_count, output_count = stated_input or 0, stated_output or 0
    if stated_input is None and total is not None and total >= output_count:
        return total - output_count, output_count, "input from total"
    if stated_output is None and total is not None and total > input_count:
        return input_count, total - input_count, "output from total"
    return input_count, output_count, ""


def _decide_cache(case: _Case) -> tuple[bool, str]:
    """Whether cached tokens stand beside the input, and the rule that said so."""
    if case.cached == 0:
        return False, ""
    for rule, decide in _CACHE_EVIDENCE:
        is_apart = decide(case)
        if is_apart is not None:
            return is_apart, rule
    if case.rules.cache == "inclusive":
        return False, ""
    return False, "cache: assumed inside input"


def _decide_lifetime(case: _Case) -> str:
    """The rule, where the lifetime of what was written to a cache had to be assumed.

    An hour costs more than the five minutes that are Anthropic's default, so the true cost may
    be above what is written.
    """
    counts = case.counts
    is_stated = counts.cache_write_5m is not None or counts.cache_write_1h is not None
    if not counts.cache_write or is_stated or case.rules.family not in _LIFETIMES:
        return ""
    return "cache writes: assumed 5 minutes"


def _stated_by_operator(case: _Case) -> bool | None:
    """The operator decides, but nobody can take out of the input more than is in it."""
    if case.operator is None or (case.operator == "inclusive" and case.cached > case.input):
        return None
    return case.operator == "exclusive"


def _stated_uncached(case: _Case) -> bool | None:
    """The provider's own uncached input says it, where the span carries that too."""
    counts = case.counts
    if counts.uncached is not None:
        return counts.uncached == case.input
    if counts.raw_input in {case.input, case.input - case.cached}:
        return counts.raw_input == case.input
    return None


def _explained_by_total(case: _Case) -> bool | None:
    """The total is only explained by cached tokens beside the input.

    A total of input and output is no evidence: many emitters add it up themselves. Neither is
    one that reasoning beside the output explains as well, or thoughts that Gemini left out.
    """
    if case.rules.family == "google":
        return None
    beyond = (case.counts.total or 0) - case.input - case.output
    if beyond == case.cached:
        return True if case.cached != case.reasoning else None
    return True if beyond == case.cached + case.reasoning else None


_LIFETIMES = frozenset({"anthropic", "bedrock"})
"""Families that sell cache writes by how long they live."""

_CACHE_EVIDENCE: tuple[tuple[str, Callable[[_Case], bool | None]], ...] = (
    ("cache: operator", _stated_by_operator),
    ("cache: buckets", lambda case: case.are_buckets or None),
    ("cache: exceeds input", lambda case: case.cached > case.input or None),
    ("cache: witness", _stated_uncached),
    ("cache: total", _explained_by_total),
    ("cache: instrumentation", lambda case: case.rules.cache == "exclusive" or None),
)
"""In this order; the first that knows decides, and an emitter of which nothing is known follows
the convention, which includes cached tokens."""


def _decide_reasoning(case: _Case, input_whole: int) -> tuple[int, int, str]:
    """The whole output, the reasoning in it, and the rule that said so."""
    output, reasoning, total = case.output, case.reasoning, case.counts.total
    if case.counts.reasoning is None and case.rules.family == "google" and not case.are_buckets:
        gap = max((total or 0) - input_whole - output, 0)
        return output + gap, gap, "reasoning: from total" if gap else ""
    if reasoning == 0:
        return output, 0, ""
    for rule, is_apart in (
        ("reasoning: buckets", case.are_buckets),
        ("reasoning: exceeds output", reasoning > output),
        ("reasoning: total", total == input_whole + output + reasoning),
        ("reasoning: instrumentation", case.rules.reasoning == "exclusive"),
    ):
        if is_apart:
            return output + reasoning, reasoning, rule
    return output, reasoning, ""


def _divide_input(case: _Case, uncached: int) -> tuple[int, int, int]:
    """Uncached input as text, audio and image."""
    audio, image = case.counts.audio_input or 0, case.counts.image_input or 0
    if not (audio or image):
        return uncached, 0, 0
    audio = max(audio - (case.counts.audio_cached or 0), 0)
    image = max(image - (case.counts.image_cached or 0), 0)
    return _take_out(case, uncached, audio, image)


def _divide_output(case: _Case, visible: int) -> tuple[int, int, int]:
    """Output without reasoning as text, audio and image."""
    audio, image = case.counts.audio_output or 0, case.counts.image_output or 0
    return _take_out(case, visible, audio, image) if audio or image else (visible, 0, 0)


def _take_out(case: _Case, whole: int, audio: int, image: int) -> tuple[int, int, int]:
    """Take audio and image out of a whole that contains them; buckets never do.

    Where they do not fit, they overlap the cached part by an amount that is not reported: then all
    of it counts as text.
    """
    if case.are_buckets:
        return whole, audio, image
    if audio + image > whole:
        return whole, 0, 0
    return whole - audio - image, audio, image
