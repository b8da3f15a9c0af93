"""Open-ended usage maps: the counts of one, added up by what their names say they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from processor.core.semconv.bucket_names import Meaning, classify, split_words
from processor.core.semconv.dialects.words import VERTEX_MODALITIES
from processor.core.semconv.values import bound, read_count

_DEPTH_MAX = 4
_ENTRIES_MAX = 128
"""Counts that are read of one map; no provider comes near it."""
_NAME_MAX = 96

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
