"""From counts of which it is known what is inside what to quantities that do not overlap."""

from __future__ import annotations

from typing import NamedTuple

from processor.core.model import Usage
from processor.core.semconv.interpretation import (
    CONTRADICT,
    MODAL_INPUT,
    MODAL_OUTPUT,
    SPLIT_ASSUMED,
    Interpretation,
)


def divide(meant: Interpretation) -> Usage:
    """The quantities of an interpretation; they are disjoint, and nothing is lost or added."""
    counts, parts = meant.counts, meant.parts
    read, write = parts.get("cache_read", 0), parts.get("cache_write", 0)
    write_1h = counts.cache_write_1h or 0
    uncached = meant.whole_input() - read - write
    has_modes = not parts.keys().isdisjoint(MODAL_INPUT)
    if has_modes or counts.audio_cached or counts.image_cached:
        prompt = _divide_input(meant, uncached, read)
    else:
        prompt = _Input(uncached)
    reasoning = parts.get("reasoning", 0) + meant.gap_reasoning
    answer = _divide_output(meant, meant.whole_output() - reasoning)
    return Usage(
        input=prompt.text + (counts.extra_input or 0),
        cache_read=read - prompt.audio_cached - prompt.image_cached,
        cache_write=write - write_1h,
        cache_write_1h=write_1h,
        audio_input=prompt.audio,
        image_input=prompt.image,
        output=answer.text + (counts.extra_output or 0),
        reasoning=reasoning,
        audio_output=answer.audio,
        image_output=answer.image,
        web_searches=counts.web_searches or 0,
        audio_cache_read=prompt.audio_cached,
        image_cache_read=prompt.image_cached,
        video_input=prompt.video,
        video_output=answer.video,
        citations=counts.citations or 0,
        characters=counts.characters or 0,
        duration_ms=counts.duration_ms or 0,
        images=counts.images or 0,
        pages=counts.pages or 0,
        searches=counts.searches or 0,
    )


class _Input(NamedTuple):
    """Uncached input by what it is made of, and what of that was read from a cache."""

    text: int
    audio: int = 0
    image: int = 0
    video: int = 0
    audio_cached: int = 0
    image_cached: int = 0


def _divide_input(meant: Interpretation, uncached: int, read: int) -> _Input:
    """The kinds of uncached tokens, and the cached ones that have a price of their own.

    Where it is not reported how much of a modality was cached, as much as fits was not: that is
    within what is possible, and named as an assumption.
    """
    left, left_read = uncached, read
    found: list[tuple[int, int]] = []
    for name, known in (
        ("audio", meant.counts.audio_cached),
        ("image", meant.counts.image_cached),
        ("video", None),
    ):
        count = meant.parts.get(f"{name}_input", 0)
        may_be_cached = f"{name}_input" not in meant.beside and "cache_read" not in meant.beside
        cached = min(known or 0, left_read)
        fresh = max(count - cached, 0) if may_be_cached else count
        taken = min(fresh, left)
        if known is None and may_be_cached and count and read and (name == "audio" or fresh > left):
            meant.doubts.append(SPLIT_ASSUMED)
        elif fresh > left:
            meant.doubts.append(CONTRADICT)
        if name == "audio" and may_be_cached:  # Its cached tokens have a price of their own.
            cached += min(fresh - taken, left_read - cached)
        left, left_read = left - taken, left_read - cached
        found.append((taken, cached))
    (audio, audio_cached), (image, image_cached), (video, _) = found
    return _Input(left, audio, image, video, audio_cached, image_cached)


class _Output(NamedTuple):
    """Output without reasoning, by what it is made of."""

    text: int
    audio: int
    image: int
    video: int


def _divide_output(meant: Interpretation, visible: int) -> _Output:
    is_split = any(getattr(meant.counts, name) is not None for name in MODAL_OUTPUT)
    if meant.rules.images and not is_split:
        return _divide_images(meant, visible)
    taken = []
    for name in MODAL_OUTPUT:
        count = meant.parts.get(name, 0)
        fits = min(count, visible)
        if fits < count:
            meant.doubts.append(CONTRADICT)
        visible -= fits
        taken.append(fits)
    return _Output(visible, *taken)


def _divide_images(meant: Interpretation, visible: int) -> _Output:
    """Output of a model that makes images, which are not counted apart: all that is no text."""
    text = meant.counts.text_output
    if text is None and meant.rules.images == "assumed" and visible:
        meant.doubts.append(SPLIT_ASSUMED)
    text = min(text or 0, visible)
    return _Output(text, 0, visible - text, 0)
