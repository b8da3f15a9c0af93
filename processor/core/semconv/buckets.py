"""Open-ended usage maps: the counts of one, added up by what their names say they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from processor.core.semconv.bucket_names import classify, classify_unit, split_words
from processor.core.semconv.bucket_sums import PARTS_OF, Entry, add_up
from processor.core.semconv.dialects.words import OPENAI_CACHED, TEXTS, TIERS, VERTEX_MODALITIES
from processor.core.semconv.values import (
    bound,
    looks_like_count,
    read_count,
    read_seconds,
    read_text,
)

_DEPTH_MAX = 4
_ENTRIES_MAX = 256
"""Values that are looked at in one map; no provider comes near it."""
_NAME_MAX = 96

SIDES = PARTS_OF.keys()
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})
_Value = tuple[tuple[str, ...], tuple[str, ...], str, object]
"""All words that lead to a value, those of its own name, the whole name, and the value."""


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
    texts: Mapping[str, str] = _NO_TEXTS
    """What is said in words, by its name in `words.TEXTS`."""
    is_openai: bool = False
    """Whether cached tokens have the name that OpenAI's usage, and what imitates it, gives them."""


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
    beside = _Beside({}, {})
    unreadable: set[str] = set()
    for words, own, name, value in islice(_flatten(tree, given, "", 0), _ENTRIES_MAX):
        meaning = None if own in TEXTS else classify(words, is_loose=may_be_exclusive)
        if meaning is None:
            unreadable.update(beside.read(words, own, value))
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
    counts = {**counts, **beside.units}
    used = [(meaning, name) for meaning, count, name in entries if count]
    return UsageMap(
        counts,
        is_exclusive,
        tuple(bound(name)[:_NAME_MAX] for meaning, name in used if meaning.field[:5] == "other"),
        next((meaning.tier for meaning, _ in used if meaning.tier), ""),
        frozenset(unreadable - fields),
        sums.contradict,
        beside.texts,
        any(
            meaning.field == "cache_read" and name.endswith(OPENAI_CACHED) for meaning, name in used
        ),
    )


class _Beside(NamedTuple):
    """What stands in a map beside the counts of tokens."""

    units: dict[str, int]
    """By the fields of `counts.Counts`: one thing under two names is one."""
    texts: dict[str, str]

    def read(self, words: tuple[str, ...], own: tuple[str, ...], value: object) -> Iterator[str]:
        """Take a value, if it is of any use; yield the field that it would be if it could be."""
        name = TEXTS.get(own)
        if name is not None:
            text = read_text(value) if isinstance(value, str) else None
            if name == "speed":
                # Only the fast one has prices of its own, whatever the tier is called.
                if text in TIERS:
                    self.texts["service_tier"] = text
            elif text is not None:
                self.texts.setdefault(name, text)
            return
        unit = classify_unit(words, own)
        if unit is None:
            return
        count = read_seconds(value) if unit.in_seconds else read_count(value)
        if count is not None:
            self.units[unit.field] = max(count, self.units.get(unit.field, 0))
        elif looks_like_count(value):
            yield unit.field


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
) -> Iterator[_Value]:
    """Every value in a map and in the maps within it, with all words that lead to it."""
    for key, value in tree.items():
        if not isinstance(key, str) or len(key) > _NAME_MAX:
            continue
        own = split_words(key)
        path = (*words, *own)
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            if depth < _DEPTH_MAX:
                yield from _flatten(value, path, name, depth + 1)
        elif isinstance(value, list):
            if depth < _DEPTH_MAX:
                yield from _flatten_list(value, path, name)
        else:
            yield path, own, name, value


def _flatten_list(items: list[object], words: tuple[str, ...], name: str) -> Iterator[_Value]:
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
                own = split_words(key)
                yield (*path, *own), own, f"{name}.{kind}", value
