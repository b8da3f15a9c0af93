"""Open-ended usage maps: the counts of one, added up by what their names say they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from processor.core.semconv.bucket_names import classify, split_words
from processor.core.semconv.bucket_sums import PARTS_OF, Entry, add_up
from processor.core.semconv.dialects.words import VERTEX_MODALITIES
from processor.core.semconv.values import bound, looks_like_count, read_count

_DEPTH_MAX = 4
_ENTRIES_MAX = 256
"""Values that are looked at in one map; no provider comes near it."""
_NAME_MAX = 96

SIDES = frozenset({"input", "output"})


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
    """Fields of which something is stated that is no number of tokens."""
    contradict: bool = False
    """Whether two names say of the same thing what cannot both be."""


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
    entries: list[Entry] = []
    unreadable: set[str] = set()
    for words, name, value in islice(_flatten(tree, given, "", 0), _ENTRIES_MAX):
        meaning = classify(words, is_loose=may_be_exclusive)
        if meaning is None:
            continue
        count = read_count(value)
        if count is not None:
            entries.append((meaning, count, name))
        elif _is_unreadable(meaning.field, value):
            unreadable.add(meaning.field)
    fields = {meaning.field for meaning, _, _ in entries}
    is_exclusive = (
        may_be_exclusive
        and (not SIDES.isdisjoint(tree) or (SIDES.isdisjoint(fields) and fields != {"total"}))
        and not any(
            isinstance(value, Mapping) and "details" in str(key) for key, value in tree.items()
        )
    )
    sums = add_up(entries, is_exclusive=is_exclusive)
    counts = sums.counts
    if is_exclusive:
        counts = _sides_in_parts(counts, fields, unreadable) | counts
    used = [(meaning, name) for meaning, count, name in entries if count]
    return UsageMap(
        counts,
        is_exclusive,
        tuple(bound(name)[:_NAME_MAX] for meaning, name in used if meaning.field[:5] == "other"),
        next((meaning.tier for meaning, _ in used if meaning.tier), ""),
        frozenset(unreadable - fields),
        sums.contradict,
    )


def _sides_in_parts(
    counts: Mapping[str, int], fields: set[str], unreadable: set[str]
) -> dict[str, int]:
    """Zero for each side of which parts are there: it is reported.

    A count without a side reports the input only where an output shows that it may belong there.
    """
    found = {}
    for side, parts in PARTS_OF.items():
        present = fields.intersection(parts)
        if side not in unreadable and (present - {"other"} or (present and "output" in counts)):
            found[side] = 0
    return found


def _is_unreadable(field: str, value: object) -> bool:
    """Whether a count stands there that nobody can read, such as ``"1,000"`` or ``"5k"``."""
    if field in SIDES:
        return isinstance(value, str | int | float) and value != ""
    return looks_like_count(value)


def _flatten(
    tree: Mapping[object, object], words: tuple[str, ...], prefix: str, depth: int
) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """Every value in a map and in the maps within it, with all words that lead to it."""
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
            yield path, name, value


def _flatten_list(
    items: list[object], words: tuple[str, ...], name: str
) -> Iterator[tuple[tuple[str, ...], str, object]]:
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
            if isinstance(key, str) and key not in {"modality", "ttl"}:
                yield (*path, *split_words(key)), f"{name}.{kind}", value
