"""The counts that spans report, and what is known beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from processor.core.model import CallKind
from processor.core.semconv.dialects.instrumentations import Family, Inclusion


@dataclass(slots=True)
class Counts:
    """What a span reports, as it reports it; None where it does not. See `dialects.tokens`."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    uncached: int | None = None
    raw_input: int | None = None
    raw_output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    text_input: int | None = None
    audio_input: int | None = None
    audio_cached: int | None = None
    image_input: int | None = None
    image_cached: int | None = None
    video_input: int | None = None
    text_output: int | None = None
    audio_output: int | None = None
    image_output: int | None = None
    video_output: int | None = None
    tool_use: int | None = None
    """What tools put into a Gemini prompt."""
    other_input: int | None = None
    """Counts of which nothing but their side is known."""
    other_output: int | None = None
    other: int | None = None
    extra_input: int | None = None
    extra_output: int | None = None
    billed_input: int | None = None
    """What Cohere charges, which counts its models' tokens apart."""
    billed_output: int | None = None
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

    @property
    def are_billed(self) -> bool:
        """Whether input and output are what the provider says that it charges."""
        return self.billed_input is not None or self.billed_output is not None


COUNT_FIELDS = tuple(field.name for field in fields(Counts))


class UsageRules(NamedTuple):
    """What is known about the emitter of a span, beside the numbers."""

    kind: CallKind = "llm"
    family: Family = "openai"
    cache: Inclusion | None = None
    """What the emitter's input is documented to mean; None when nobody says."""
    reasoning: Inclusion | None = None
    """``inclusive``: reasoning that the emitter knows of is in the output, or reported."""
    has_output: bool = True
    """Whether such a call has an output that is counted; embeddings have none."""
    images: Literal["", "stated", "assumed"] = ""
    """Whether the output of what is called as a chat is images where nothing is said of its kind:
    as the span states, or because the model is made for them."""
    has_lifetimes: bool = False
    """Whether what is written to the cache costs more if it is to live longer."""
    adds_total: bool = False
    """Whether the emitter adds input and output up itself, so that the total shows nothing."""
    is_certain: bool = True
    """Whether `cache` is known of all versions of the emitter."""
