"""Open-ended usage maps: what each of their counts is, by the words of its name.

Providers and frameworks add counts faster than any list of names can follow. A name is made of
few words, though: a side, a modality, cached or not, a lifetime, a service tier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from processor.core.semconv.dialects.words import (
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
    REST,
    STANDARD_TIERS,
    THINGS,
    TIERS,
    TOKEN,
    TOTAL,
    UNCACHED,
    VERTEX_MODALITIES,
    WRITTEN,
)
from processor.core.semconv.values import bound, read_count

_DEPTH_MAX = 4
_ENTRIES_MAX = 128
"""Counts that are read of one map; no provider comes near it."""
_NAME_MAX = 96
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*|[A-Z]")

SIDES = frozenset({"input", "output"})
_OF_SIDE = (
    (
        "input",
        frozenset({
            "audio_input", "cache_read", "cache_write", "cache_write_1h", "cache_write_5m",
            "image_input", "other", "other_input", "text_input", "tool_use", "video_input",
        }),
    ),
    (
        "output",
        frozenset({
            "audio_output", "citations", "image_output", "other_output", "reasoning",
            "text_output", "video_output",
        }),
    ),
)  # fmt: skip
"""A side that has any of these is reported, even if nothing is left for it."""


class Meaning(NamedTuple):
    """What a count is: a field of `counts.Counts`, and what distinguishes it from its like."""

    field: str
    variant: tuple[str, ...] = ()
    """Modality and tier; ``()`` for the whole."""
    part_of_cached: str = ""
    """The field that also has it: of which modality the cached tokens are."""
    tier: str = ""


class UsageMap(NamedTuple):
    """The counts of one map."""

    counts: Mapping[str, int]
    """By the fields of `counts.Counts`."""
    is_exclusive: bool = False
    """Each count leaves out what another one has."""
    unknown: tuple[str, ...] = ()
    """Names of counts of which no more than their side is known."""
    tier: str = ""
    """The service tier that names of counts tell."""
    unreadable: frozenset[str] = frozenset()
    """``input`` or ``output``, where something stands there that is no number of tokens."""


NO_MAP = UsageMap({})


def read_map(tree: object, *, side: str = "", may_be_exclusive: bool = False) -> UsageMap:
    """Read the counts of a parsed usage map.

    `side` is what all of its counts belong to, if that is known; `may_be_exclusive` says that
    counts called just ``input`` and ``output`` leave out what has a count of its own, unless
    their details are nested, as providers have them.
    """
    if not isinstance(tree, Mapping):
        return NO_MAP
    given = (side, "tokens") if side else ()
    entries = [
        (meaning, count, name)
        for words, name, count in _flatten(tree, given, "", 0)
        if (meaning := classify(words, is_loose=may_be_exclusive)) is not None
    ][:_ENTRIES_MAX]
    fields = {meaning.field for meaning, _, _ in entries}
    is_exclusive = (
        may_be_exclusive
        and (not SIDES.isdisjoint(tree) or (SIDES.isdisjoint(fields) and fields != {"total"}))
        and not any(
            isinstance(value, Mapping) and "details" in str(key) for key, value in tree.items()
        )
    )
    counts = _add_up(entries, is_exclusive=is_exclusive)
    unreadable = _unreadable(tree, is_loose=may_be_exclusive) - fields
    if is_exclusive:
        for base, of_side in _OF_SIDE:
            if base not in unreadable and not of_side.isdisjoint(fields):
                counts.setdefault(base, 0)
    used = [(meaning, name) for meaning, count, name in entries if count]
    return UsageMap(
        counts,
        is_exclusive,
        tuple(bound(name)[:_NAME_MAX] for meaning, name in used if meaning.field[:5] == "other"),
        next((meaning.tier for meaning, _ in used if meaning.tier), ""),
        unreadable,
    )


def _unreadable(tree: Mapping[object, object], *, is_loose: bool) -> frozenset[str]:
    """The sides of which the map holds a whole that nobody can read, such as ``"1,000"``."""
    return frozenset(
        meaning.field
        for key, value in tree.items()
        if isinstance(key, str)
        and isinstance(value, str | int | float)
        and value != ""
        and read_count(value) is None
        and (meaning := classify(split_words(key), is_loose=is_loose)) is not None
        and meaning.field in {"input", "output"}
    )


@lru_cache(maxsize=1024)
def classify(words: tuple[str, ...], *, is_loose: bool = False) -> Meaning | None:
    """Say what a count is whose name consists of these words; None when it counts no tokens.

    `is_loose`: names need not say that they count tokens.
    """
    found = frozenset(words)
    if found & NOT_TOKENS or not (is_loose or found & TOKEN):
        return None
    if found & THINGS and words[-1] not in TOKEN:
        return None
    if found & CACHED and found & NOT_CACHED:
        found = found - CACHED | UNCACHED
    side = "input" if found & INPUT else "output" if found & OUTPUT else ""
    if "modality" in found and words[-1] in VERTEX_MODALITIES:
        words = (*words[:-1], VERTEX_MODALITIES[words[-1]])
        found = frozenset(words)
    modality = next((MODALITIES[word] for word in words if word in MODALITIES), "")
    tier = next((word for word in words if word in TIERS), "")
    variant = tuple(filter(None, (modality, tier, "text" if "text" in found else "")))
    if found & (CACHED | EPHEMERAL):
        field = _cached_field(found)
        part = f"{modality}_cached" if modality in {"audio", "image"} else ""
        return Meaning(field, variant, part if field == "cache_read" else "", tier)
    marked = next((field for marks, field in MARKS if found & marks), "")
    if marked and not (marked == "tool_use" and side == "output"):
        return Meaning(marked, variant, tier=tier)
    field, variant = _plain_field(found, words, side, modality, variant)
    return Meaning(field, variant, tier=tier)


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
    known = INPUT | OUTPUT | NEUTRAL | TOTAL | STANDARD_TIERS
    if found - known:
        return (f"other_{side}" if side else "other"), words
    return side or "total", ()


_Entry = tuple[Meaning, int, str]


def _add_up(entries: list[_Entry], *, is_exclusive: bool) -> dict[str, int]:
    """The count of each field, from all that a map says about it.

    Of what excludes one another all is added up, but for the same number said twice; unless the
    total has it twice, too. Otherwise a part is in its whole, and the largest number stands.
    """
    total = next((count for meaning, count, _ in entries if meaning.field == "total"), None)
    whole = sum(count for meaning, count, _ in entries if meaning.field != "total")
    if is_exclusive and whole and whole == total:
        counts = _sums(entries)
        counts["cache_write"] = sum(counts.get(field, 0) for field in _WRITES)
        return counts
    counts = {}
    parts: dict[str, dict[tuple[str, ...], int]] = {}
    for meaning, count, _ in entries:
        for field in filter(None, (meaning.field, meaning.part_of_cached)):
            variants = parts.setdefault(field, {})
            known = variants.get(meaning.variant, 0)
            variants[meaning.variant] = _join(known, count, is_exclusive=is_exclusive)
    for field, variants in parts.items():
        general = variants.pop((), 0)
        counts[field] = _join(general, sum(variants.values()), is_exclusive=is_exclusive)
    lives = counts.get("cache_write_5m", 0) + counts.get("cache_write_1h", 0)
    if "cache_write" in counts and lives:
        counts["cache_write"] = _join(counts["cache_write"], lives, is_exclusive=is_exclusive)
    return counts


_WRITES = ("cache_write", "cache_write_5m", "cache_write_1h")


def _sums(entries: list[_Entry]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for meaning, count, _ in entries:
        if meaning.field == "total":
            counts["total"] = count
            continue
        for field in filter(None, (meaning.field, meaning.part_of_cached)):
            counts[field] = counts.get(field, 0) + count
    return counts


def _join(one: int, other: int, *, is_exclusive: bool) -> int:
    return one + other if is_exclusive and one != other else max(one, other)


def _flatten(
    tree: Mapping[object, object], words: tuple[str, ...], prefix: str, depth: int
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Every count in a map and in the maps within it, with all words that lead to it."""
    for key, value in tree.items():
        if not isinstance(key, str) or len(key) > _NAME_MAX:
            continue
        path = (*words, *split_words(key))
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            if depth < _DEPTH_MAX:
                yield from _flatten(value, path, name, depth + 1)
        elif isinstance(value, list):
            if depth < _DEPTH_MAX:
                yield from _flatten_list(value, path, name)
        else:
            count = read_count(value)
            if count is not None:
                yield path, name, count


def _flatten_list(
    items: list[object], words: tuple[str, ...], name: str
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Counts by modality or by lifetime; lists of anything else repeat what stands elsewhere."""
    for item in items[:_ENTRIES_MAX]:
        if not isinstance(item, Mapping):
            continue
        kind = item.get("modality", item.get("ttl"))
        if not isinstance(kind, str | int):
            continue
        kind = str(kind)[:_NAME_MAX]
        path = (*words, *(("creation",) if "ttl" in item else ()))
        path += split_words(VERTEX_MODALITIES.get(kind, kind))
        for key, value in item.items():
            count = read_count(value) if isinstance(key, str) else None
            if count is not None:
                yield (*path, *split_words(str(key))), f"{name}.{kind}", count


@lru_cache(maxsize=1024)
def split_words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: ``cacheReadInputTokens`` → cache, read, input, tokens."""
    return tuple(word.lower() for word in _WORD.findall(name))
