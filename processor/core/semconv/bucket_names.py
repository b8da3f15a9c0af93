"""What a count in a usage map is, by the words of its name.

Providers and frameworks add counts faster than any list of names can follow. A name is made of
few words, though: a side, a modality, cached or not, a lifetime, a service tier.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from processor.core.semconv.dialects.words import (
    BILLED,
    CACHED,
    EPHEMERAL,
    FIVE_MINUTES,
    INPUT,
    MARKS,
    MODALITIES,
    NEUTRAL,
    NOT_CACHED,
    NOT_TOKENS,
    ONE_HOUR,
    OUTPUT,
    READ,
    REST,
    SECONDS,
    STANDARD_TIERS,
    THINGS,
    TIERS,
    TOKEN,
    TOTAL,
    UNCACHED,
    UNITS_BY_END,
    UNITS_BY_NAME,
    VERTEX_MODALITIES,
    WRITTEN,
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*|[A-Z]")


class Meaning(NamedTuple):
    """What a count is: a field of `counts.Counts`, and what distinguishes it from its like."""

    field: str
    variant: tuple[str, ...] = ()
    """Modality and tier; ``()`` for the whole."""
    part_of_cached: str = ""
    """The field that also has it: of which modality the cached tokens are."""
    tier: str = ""
    is_subtotal: bool = False
    """Whether its name says that it is a total of some kind: it repeats its parts."""


@lru_cache(maxsize=1024)
def classify(words: tuple[str, ...], *, is_loose: bool = False) -> Meaning | None:
    """Say what a count is whose name consists of these words; None when it counts no tokens.

    `is_loose`: names need not say that they count tokens.
    """
    found = frozenset(words)
    if found & NOT_TOKENS or not (is_loose or found & TOKEN):
        return None
    if (found & THINGS and words[-1] not in TOKEN) or _counts_things(words):
        return None
    if found & CACHED and found & NOT_CACHED:
        found = found - CACHED | UNCACHED
    side = "input" if found & INPUT else "output" if found & OUTPUT else ""
    if "modality" in found and words[-1] in VERTEX_MODALITIES:
        words = (*words[:-1], VERTEX_MODALITIES[words[-1]])
        found = frozenset(words)
    modality = next((MODALITIES[word] for word in words if word in MODALITIES), "")
    tier = next((word for word in words if word in TIERS), "")
    standard = next((word for word in words if word in STANDARD_TIERS), "")
    rest = next((word for word in words if word in REST), "")
    variant = tuple(filter(None, (modality, tier or standard, rest)))
    is_subtotal = not found.isdisjoint(TOTAL)
    if found & (CACHED | EPHEMERAL):
        field = _cached_field(found)
        part = f"{modality}_cached" if modality in {"audio", "image"} else ""
        part = part if field == "cache_read" else ""
        return Meaning(field, variant, part, tier, is_subtotal and not found & (READ | WRITTEN))
    marked = next((field for marks, field in MARKS if found & marks), "")
    if marked and not (marked == "tool_use" and side == "output"):
        return Meaning(marked, variant, "", tier, is_subtotal)
    if side and found & BILLED and not variant:
        return Meaning(f"billed_{side}", variant, "", tier, is_subtotal)
    field, variant = _plain_field(found, words, side, modality, variant)
    return Meaning(field, variant, "", tier, is_subtotal and field != "total")


class Unit(NamedTuple):
    """What is counted that is no token."""

    field: str
    in_seconds: bool = False


@lru_cache(maxsize=1024)
def classify_unit(words: tuple[str, ...], own: tuple[str, ...]) -> Unit | None:
    """Say what is counted under a name; None where that is not known, or is tokens.

    `words` are all that lead to the value, `own` those of its name alone.
    """
    if own in SECONDS:
        return Unit("duration_ms", in_seconds=True)
    field = UNITS_BY_NAME.get(own)
    if field == "images" and not INPUT.isdisjoint(words):
        field = None
    field = field or UNITS_BY_END.get(words[-3:]) or UNITS_BY_END.get(words[-2:])
    return Unit(field) if field else None


def _counts_things(words: tuple[str, ...]) -> bool:
    """Whether a name ends like ``message_count``."""
    return len(words) > 1 and words[-1] in {"count", "counts"} and f"{words[-2]}s" in THINGS


def _cached_field(found: frozenset[str]) -> str:
    if not found & (EPHEMERAL | WRITTEN | FIVE_MINUTES | ONE_HOUR):
        return "cache_read"
    lifetime = "_1h" if found & ONE_HOUR else "_5m" if found & FIVE_MINUTES else ""
    return f"cache_write{lifetime}"


def _plain_field(
    found: frozenset[str],
    words: tuple[str, ...],
    side: str,
    modality: str,
    variant: tuple[str, ...],
) -> tuple[str, tuple[str, ...]]:
    """The field and variant of what is neither cached nor otherwise marked."""
    if modality and side:
        return f"{modality}_{side}", variant[1:]
    if side and (found & REST or variant):
        return f"text_{side}", variant
    is_named = not found.isdisjoint(INPUT | OUTPUT | TOTAL | TOKEN)
    if found - INPUT - OUTPUT - NEUTRAL - TOTAL or not is_named:
        return (f"other_{side}" if side else "other"), words
    return side or "total", ()


@lru_cache(maxsize=1024)
def split_words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: ``cacheReadInputTokens`` → cache, read, input, tokens."""
    return tuple(word.lower() for word in _WORD.findall(name))
