"""One way in which the counts of a span can be meant: which of them are inside which."""

from __future__ import annotations

from dataclasses import dataclass, field

from processor.core.semconv.counts import Counts, UsageRules

CONTRADICT = "counts_contradict"
UNKNOWN_BUCKET = "unknown_bucket"
SPLIT_ASSUMED = "split_assumed"
UNREADABLE_COUNT = "unreadable_count"
INPUT_MISSING = "input_missing"
OUTPUT_MISSING = "output_missing"
SEARCHES_ASSUMED = "searches_assumed"

BY_EMITTER = "cache: instrumentation"
"""The rule where nothing but the emitter's convention decided about cached tokens."""

LIFETIMES = frozenset({"anthropic", "bedrock"})
"""Families that sell cache writes by how long they live; their own input leaves out the cache."""

INPUT_PARTS = (
    "other_input", "text_input", "audio_input", "image_input", "video_input", "tool_use", "other",
    "cache_write", "cache_read",
)  # fmt: skip
OUTPUT_PARTS = (
    "reasoning", "other_output", "text_output", "audio_output", "image_output", "video_output",
)  # fmt: skip
CACHE_PARTS = ("cache_write", "cache_read")
UNKNOWN_PARTS = ("other_input", "other_output", "other")
MODAL_INPUT = ("audio_input", "image_input", "video_input")
MODAL_OUTPUT = ("audio_output", "image_output", "video_output")


@dataclass(slots=True)
class Interpretation:
    """One way in which the counts can be meant."""

    counts: Counts
    rules: UsageRules
    are_buckets: bool
    parts: dict[str, int]
    """Counts that are inside their side's or beside it, but for zeros."""
    input: int
    output: int
    beside: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    """Parts whose place is certain: no total moves them."""
    gap_input: int = 0
    """Input that is only in the total."""
    gap_reasoning: int = 0
    """Reasoning that is only in the total."""
    cache_rule: str = ""
    reasoning_rule: str = ""
    other_rules: list[str] = field(default_factory=list)
    """Whatever else was not plain."""
    doubts: list[str] = field(default_factory=list)

    def whole_input(self, beside: frozenset[str] | None = None) -> int:
        """All input tokens, cached ones included."""
        beside = self.beside if beside is None else beside
        return self.input + self.gap_input + self._sum(INPUT_PARTS, beside)

    def whole_output(self, beside: frozenset[str] | None = None) -> int:
        """All output tokens, reasoning included."""
        beside = self.beside if beside is None else beside
        return self.output + self.gap_reasoning + self._sum(OUTPUT_PARTS, beside)

    def whole(self, beside: frozenset[str] | None = None) -> int:
        """All tokens."""
        return self.whole_input(beside) + self.whole_output(beside)

    def cached(self) -> int:
        """Tokens read from a cache or written to it."""
        return self.parts.get("cache_read", 0) + self.parts.get("cache_write", 0)

    def is_possible(self, beside: frozenset[str]) -> bool:
        """Whether no part is larger than what would contain it."""
        whole_input, whole_output = self.whole_input(beside), self.whole_output(beside)
        return (
            self.cached() <= whole_input
            and self._sum(MODAL_INPUT) <= whole_input
            and self.parts.get("reasoning", 0) <= whole_output
            and self._sum(MODAL_OUTPUT) <= whole_output
        )

    def _sum(self, names: tuple[str, ...], among: frozenset[str] | None = None) -> int:
        parts = self.parts
        return sum(
            parts[name] for name in names if name in parts and (among is None or name in among)
        )
