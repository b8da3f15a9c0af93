"""From the entries of a usage map to one count for each field.

Names overlap: one number stands under two names, a whole beside its disjoint rest, a subtotal
beside its parts. What is said twice is counted once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from processor.core.semconv.bucket_names import Meaning
from processor.core.semconv.interpretation import INPUT_PARTS, OUTPUT_PARTS

Entry = tuple[Meaning, int, str]
"""What a count is, the count, and its whole name."""

_LIVES = ("cache_write_5m", "cache_write_1h")
"""They are in ``cache_write`` as well."""
_WRITES = ("cache_write", *_LIVES)
_CACHED = ("cache_read", *_WRITES)
PARTS_OF = {"input": (*INPUT_PARTS, *_LIVES), "output": (*OUTPUT_PARTS, "citations")}
"""What each side consists of, beside what just has its name."""

_Variants = dict[tuple[str, ...], list[int]]
"""All that is said of a field, by variant."""
_Named = dict[str, _Variants]
"""All that is said, by field."""


@dataclass(slots=True)
class Sums:
    """The counts of a map by the fields of `counts.Counts`, while its wholes are taken apart."""

    counts: dict[str, int]
    contradict: bool = False
    """Whether two of its names say of the same thing what cannot both be."""

    def take_out_subtotal(self, name: str, variants: _Variants) -> None:
        """Take the subtotal out of what two names say of one field.

        All cached tokens may stand beside those read and those written under a name that does not
        say that they are both. Whatever else differs contradicts; input and output are settled
        with their parts.
        """
        stated = set(variants.get((), ())) - {0}
        if name == "cache_read" and len(stated) > 1:
            subtotal, read = max(stated), min(stated)
            if subtotal == read + self._add(_WRITES):
                self.counts[name] -= subtotal - read
                stated = {read}
        is_split = any(len(set(each) - {0}) > 1 for variant, each in variants.items() if variant)
        self.contradict |= is_split or (len(stated) > 1 and name not in PARTS_OF)

    def add_subtotal(self, name: str, count: int) -> None:
        """Add what is stated as a total of some kind and is not in its parts.

        A total of cached tokens is of those read and those written. One that is less than its parts
        contradicts them, and so does one that is more where its own field has a count.
        """
        known = self._add(_CACHED if name in _CACHED else (name,))
        if count > known and not self.counts.get(name):
            self.counts[name] = count - known
        else:
            self.contradict |= count != known

    def take_out_parts(self, side: str, stated: Collection[int]) -> None:
        """Leave of a side what is beside its parts, where its whole is stated as well.

        `stated` are the numbers under names of the side alone.
        """
        rest, whole = min(stated), max(stated)
        parts = self._add(PARTS_OF[side])
        left = whole - parts
        if len(stated) == 1:
            # A whole smaller than its parts is beside them, whatever its name.
            self.counts[side] = left if left >= 0 else whole
            return
        self.counts[side] = max(left, rest)
        self.contradict |= len(stated) > 2 or (left != rest and (rest > 0 or parts > 0))

    def _add(self, names: Collection[str]) -> int:
        """The sum of some counts, in which no token is counted twice."""
        counts = self.counts
        has_writes = bool(counts.get("cache_write"))
        return sum(counts.get(name, 0) for name in names if not (has_writes and name in _LIVES))


def add_up(entries: Sequence[Entry], *, is_exclusive: bool) -> Sums:
    """The count of each field, from all that a map says about it.

    Of what excludes one another all is added up, but for the same number said twice; unless the
    total has it twice, too. Otherwise a part is in its whole, and the largest number stands.
    """
    parts = [entry for entry in entries if not entry[0].is_subtotal]
    if is_exclusive and _is_all_in_total(parts):
        counts = _add_all(parts)
        counts["cache_write"] = sum(counts.get(name, 0) for name in _WRITES)
        return Sums(counts)
    named = _by_name(parts)
    whole = _by_name([entry for entry in entries if entry[0].is_subtotal and entry[1]])
    counts = _join_names(named, is_exclusive=is_exclusive)
    sums = Sums(counts)
    if is_exclusive:
        for name, variants in named.items():
            sums.take_out_subtotal(name, variants)
    for name, variants in whole.items():
        count = max(max(each) for each in variants.values())
        if name not in PARTS_OF:
            sums.add_subtotal(name, count)
        elif not is_exclusive:
            counts[name] = max(count, counts.get(name, 0))
    if is_exclusive:
        for side in PARTS_OF:
            stated = {*named.get(side, {}).get((), ()), *whole.get(side, {}).get((), ())}
            if len(stated) > 1 or side in whole:
                sums.take_out_parts(side, stated)
    return sums


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


def _join_names(named: _Named, *, is_exclusive: bool) -> dict[str, int]:
    """One count of each field, wholes and subtotals left aside."""
    counts = {
        name: _join_variants(variants, is_exclusive=is_exclusive)
        for name, variants in named.items()
    }
    lives = sum(counts.get(life, 0) for life in _LIVES)
    if "cache_write" in counts and lives:
        counts["cache_write"] = _join(counts["cache_write"], lives, is_exclusive=is_exclusive)
    return counts


def _join_variants(variants: _Variants, *, is_exclusive: bool) -> int:
    """One count of a field; names that mean the same are never added up."""
    general = max(variants.get((), [0]))
    special = sum(max(counts) for variant, counts in variants.items() if variant)
    return _join(general, special, is_exclusive=is_exclusive)


def _join(one: int, other: int, *, is_exclusive: bool) -> int:
    return one + other if is_exclusive and one != other else max(one, other)
