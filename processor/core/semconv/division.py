"""From counts of which it is known what is inside what to quantities that do not overlap."""

from __future__ import annotations

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
    text, audio, image, video, audio_cached, image_cached = (
        _divide_input(meant, uncached, read)
        if not parts.keys().isdisjoint(MODAL_INPUT) or counts.audio_cached or counts.image_cached
        else (uncached, 0, 0, 0, 0, 0)
    )
    reasoning = parts.get("reasoning", 0) + meant.gap_reasoning
    text_output, modal_output = _divide_output(meant, meant.whole_output() - reasoning)
    return Usage(
        text + (counts.extra_input or 0),
        read - audio_cached - image_cached,
        write - write_1h,
        write_1h,
        audio,
        image,
        text_output + (counts.extra_output or 0),
        reasoning,
        modal_output[0],
        modal_output[1],
        web_searches=counts.web_searches or 0,
        audio_cache_read=audio_cached,
        image_cache_read=image_cached,
        video_input=video,
        video_output=modal_output[2],
        citations=counts.citations or 0,
        characters=counts.characters or 0,
        duration_ms=counts.duration_ms or 0,
        images=counts.images or 0,
        pages=counts.pages or 0,
        searches=counts.searches or 0,
    )


def _divide_input(
    meant: Interpretation, uncached: int, read: int
) -> tuple[int, int, int, int, int, int]:
    """Uncached text, audio, image and video, and cached audio and images.

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
    return left, audio, image, video, audio_cached, image_cached


def _divide_output(meant: Interpretation, visible: int) -> tuple[int, list[int]]:
    """Output without reasoning as text and as audio, image and video."""
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
    return visible, taken


def _divide_images(meant: Interpretation, visible: int) -> tuple[int, list[int]]:
    """Output of a model that makes images, which are not counted apart: all that is no text."""
    text = meant.counts.text_output
    if text is None and meant.rules.images == "assumed" and visible:
        meant.doubts.append(SPLIT_ASSUMED)
    text = min(text or 0, visible)
    return text, [0, visible - text, 0]
