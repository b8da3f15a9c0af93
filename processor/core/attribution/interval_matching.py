"""Intervals that overlap or are near each other: pairing them, and parting those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Protocol, TypeVar


class Timed(Protocol):
    """Something that lasted from one moment to another."""

    start_ns: int
    end_ns: int
    order: bytes
    """Unlike that of any other, so that intervals alike have an order."""


_Timed = TypeVar("_Timed", bound=Timed)


def match_intervals(
    left: Sequence[_Timed], right: Sequence[_Timed], apart_ns: int
) -> list[tuple[_Timed, _Timed]]:
    """As many pairs as can be made of calls that overlap or are at most `apart_ns` apart.

    The one that ends first is paired with the one that ends first of those that are near it.
    Whatever else the latter could be paired with is near all others that the former could have
    taken, so no other choice makes more pairs.
    """
    if not left or not right:
        return []
    sides = {**dict.fromkeys(left, 0), **dict.fromkeys(right, 1)}
    started = [sorted(side, key=_by_start, reverse=True) for side in (left, right)]
    ending: tuple[list[tuple[int, bytes, _Timed]], ...] = ([], [])
    pairs: list[tuple[_Timed, _Timed]] = []
    taken: set[_Timed] = set()
    for call in sorted(sides, key=_by_end):
        if call in taken:
            continue
        other = 1 - sides[call]
        to_come, open_ones = started[other], ending[other]
        while to_come and to_come[-1].start_ns <= call.end_ns + apart_ns:
            next_one = to_come.pop()
            heappush(open_ones, (next_one.end_ns, next_one.order, next_one))
        while open_ones:
            found = heappop(open_ones)
            # One that ended before has found nobody who was near it.
            if found[2] not in taken and found[:2] > (call.end_ns, call.order):
                taken.update((call, found[2]))
                pairs.append((call, found[2]) if other else (found[2], call))
                break
    return pairs


def _by_start(call: Timed) -> tuple[int, bytes]:
    return call.start_ns, call.order


def _by_end(call: Timed) -> tuple[int, bytes]:
    return call.end_ns, call.order


def split_apart(calls: Iterable[_Timed], apart_ns: int) -> Iterator[list[_Timed]]:
    """Calls in groups; no two of different groups are within `apart_ns` of each other."""
    group: list[_Timed] = []
    end_ns = 0
    for call in sorted(calls, key=_by_start):
        if group and call.start_ns > end_ns + apart_ns:
            yield group
            group = []
        end_ns = max(end_ns, call.end_ns) if group else call.end_ns
        group.append(call)
    if group:
        yield group
