"""From the entries of a usage map to one count for each field.

Names overlap: one number stands under two names, a whole beside its disjoint rest, a subtotal
beside its parts. What is said twice is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from processor.core.semconv.bucket_names import Meaning

Entry = tuple[Meaning, int, str]
"""What a count is, the count, and its whole name."""

PARTS_OF = {
    "input": (
        "audio_input", "cache_read", "cache_write", "cache_write_1h", "cache_write_5m",
        "image_input", "other", "other_input", "text_input", "tool_use", "video_input",
    ),
    "output": (
        "audio_output", "citations", "image_output", "other_output", "reasoning",
        "text_output", "video_output",
    ),
}  # fmt: skip
"""What each side consists of, beside what just has its name."""
_WRITES = ("cache_write", "cache_write_5m", "cache_write_1h")
_CACHED = ("cache_read", *_WRITES)
_LIVES = frozenset({"cache_write_1h", "cache_write_5m"})
"""They are in ``cache_write`` as well."""


class Sums(NamedTuple):
    """The counts of a map by the fields of `counts.Counts`."""

    counts: dict[str, int]
    contradict: bool = False
    """Whether two of its names say of the same thing what cannot both be."""


def add_up(entries: Sequence[Entry], *, is_exclusive: bool) -> Sums:
    """The count of each field, from all that a map says about it.

    Of what excludes one another all is added up, but for the same number said twice; unless the
    total has it twice, too. Otherwise a part is in its whole, and the largest number stands.
    """
    parts = [entry for entry in entries if not entry[0].is_subtotal]
    if is_exclusive and _is_all_in_total(parts):
        counts = _add_all(parts)
        counts["cache_write"] = sum(counts.get(field, 0) for field in _WRITES)
        return Sums(counts)
    named = _by_name(parts)
    whole = _by_name([entry for entry in entries if entry[0].is_subtotal and entry[1]])
    counts = {
        field: _join_variants(variants, is_exclusive=is_exclusive)
        for field, variants in named.items()
    }
    lives = counts.get("cache_write_5m", 0) + counts.get("cache_write_1h", 0)
    if "cache_write" in counts and lives:
        counts["cache_write"] = _join(counts["cache_write"], lives, is_exclusive=is_exclusive)
    contradict = _settle_synonyms(counts, named) if is_exclusive else False
    for field, variants in whole.items():
        count = max(max(each) for each in variants.values())
        if field not in PARTS_OF:
            contradict |= _add_subtotal(counts, field, count)
        elif not is_exclusive:
            counts[field] = max(count, counts.get(field, 0))
    if is_exclusive:
        for side in PARTS_OF:
            stated = {*named.get(side, {}).get((), ()), *whole.get(side, {}).get((), ())}
            contradict |= _settle_side(counts, side, stated, is_named=side in whole)
    return Sums(counts, contradict)


_Named = dict[str, dict[tuple[str, ...], list[int]]]
"""All that is said of each field and variant."""


def _by_name(entries: Sequence[Entry]) -> _Named:
    named: _Named = {}
    for meaning, count, _ in entries:
        for field in filter(None, (meaning.field, meaning.part_of_cached)):
            named.setdefault(field, {}).setdefault(meaning.variant, []).append(count)
    return named


def _is_all_in_total(entries: Sequence[Entry]) -> bool:
    """Whether the total is the sum of everything."""
    total = next((count for meaning, count, _ in entries if meaning.field == "total"), None)
    whole = sum(count for meaning, count, _ in entries if meaning.field != "total")
    return bool(whole) and whole == total


def _add_all(entries: Sequence[Entry]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for meaning, count, _ in entries:
        if meaning.field == "total":
            counts["total"] = count
            continue
        for field in filter(None, (meaning.field, meaning.part_of_cached)):
            counts[field] = counts.get(field, 0) + count
    return counts


def _join_variants(variants: dict[tuple[str, ...], list[int]], *, is_exclusive: bool) -> int:
    """One count of a field; names that mean the same are never added up."""
    general = max(variants.get((), [0]))
    special = sum(max(counts) for variant, counts in variants.items() if variant)
    return _join(general, special, is_exclusive=is_exclusive)


def _join(one: int, other: int, *, is_exclusive: bool) -> int:
    return one + other if is_exclusive and one != other else max(one, other)


def _settle_synonyms(counts: dict[str, int], named: _Named) -> bool:
    """Take the subtotal out of what two names say of one field; tell whether more differs.

    All cached tokens may stand beside those read and those written under a name that does not
    say that they are both. Input and output are settled with their parts.
    """
    contradict = False
    for field, variants in named.items():
        stated = set(variants.get((), ())) - {0}
        if field == "cache_read" and len(stated) > 1:
            written = counts.get("cache_write") or sum(counts.get(live, 0) for live in _LIVES)
            if max(stated) == min(stated) + written:
                counts[field] -= max(stated) - min(stated)
                stated = {min(stated)}
        is_split = any(len(set(each) - {0}) > 1 for variant, each in variants.items() if variant)
        contradict |= is_split or (len(stated) > 1 and field not in PARTS_OF)
    return contradict


def _add_subtotal(counts: dict[str, int], field: str, count: int) -> bool:
    """Add what is stated as a total of some kind and is not in its parts; tell if it is less.

    A total of cached tokens is of those read and those written.
    """
    present = [name for name in (_CACHED if field in _CACHED else (field,)) if counts.get(name)]
    known = sum(
        counts[name] for name in present if name not in _LIVES or "cache_write" not in counts
    )
    if count > known and field not in present:
        counts[field] = count - known
        return False
    return count != known


def _settle_side(counts: dict[str, int], side: str, stated: set[int], *, is_named: bool) -> bool:
    """What is left of a side beside its parts, where its whole is stated as well.

    `stated` are the numbers under names of the side alone; `is_named` says that one of these names
    says that it is the whole. Tells whether they contradict the parts.
    """
    if len(stated) < 2 and not is_named:
        return False
    rest, whole = min(stated), max(stated)
    parts = sum(
        counts.get(name, 0)
        for name in PARTS_OF[side]
        if name not in _LIVES or "cache_write" not in counts
    )
    left = whole - parts
    if len(stated) == 1:
        # A whole smaller than its parts is beside them, whatever its name.
        counts[side] = left if left >= 0 else whole
        return False
    counts[side] = max(left, rest)
    return len(stated) > 2 or (left != rest and (rest > 0 or parts > 0))
