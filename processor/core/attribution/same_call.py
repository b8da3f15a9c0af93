"""Which of some calls are reports of one call: by different instrumentations, at the same time.

Two reports of one call

- were written by different instrumentations (or dialects, where these have no names), and do not
  name different responses;
- overlap, wherever they stand; or one begins within a second after the other has ended, as streams
  are reported, and they have the same parent, or one is the other's. Calls elsewhere in the tree
  that follow each other are two;
- have equal output, and input that is equal as well, or would be if the cached tokens that one of
  them names were not in it. That is possible only where one of them may leave them out, as the
  APIs of some providers do and some instrumentations.

Each report belongs to one call, and a call has at most one report of each instrumentation. Those
next to each other in the tree are paired first, then the others, each time as many as can be, so
that calls that are alike are counted right: k calls with two reports each are k calls, whichever
came first. Which ones belong together is a function of the set of reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from processor.core.attribution.interval_matching import match_intervals
from processor.core.attribution.reported import Reported

APART_MAX_NS = 10**9
"""Between the end of one report and the start of another one of the same call."""

_Keys = Callable[[Reported], Iterable[Any]]
"""Keys of a call; of one kind, they can be sorted."""
_Paired = tuple[Reported, Reported]
_Match = Callable[[list[Reported], list[Reported]], list[_Paired]]
"""Pairs of calls that are alike; may take them from its lists."""


def unite(calls: Sequence[Reported]) -> list[Reported]:
    """Bring the reports of each call together, by their counts; by time, where it is known."""
    found = [call for call in calls if call.is_timed]
    writers = frozenset[str]().union(*(call.writers for call in found))
    before = len(found) + 1
    while len(found) < before:
        before, found = len(found), _unite(found, _pair_counted)
        if len(writers) < 3:
            break
        # Two reports that do not fit each other may both fit a third one: look again.
    return [call for call in calls if not call.is_timed] + found


def unite_uncounted(counted: Iterable[Reported], uncounted: Sequence[Reported]) -> list[Reported]:
    """Give reports without counts to the calls that they are of; returns all calls.

    A report of a failure belongs to another one of a failure.
    """
    failed = [call for call in uncounted if call.has_failed]
    others = [call for call in uncounted if not call.has_failed]
    return _unite(others, _pair_uncounted, counted) + _unite(failed, _pair_uncounted)


def have_fitting_counts(call: Reported, other: Reported) -> bool:
    """Whether what two reports count may be of one call."""
    return any(not set(keys(call)).isdisjoint(other_keys(other)) for keys, other_keys in _COUNTS)


def _unite(
    calls: Iterable[Reported],
    pair: Callable[[list[Reported], list[Reported]], list[_Paired]],
    known: Iterable[Reported] = (),
) -> list[Reported]:
    """Unite calls of different instrumentations, one instrumentation after the other."""
    found = dict.fromkeys(known)
    by_writers: dict[frozenset[str], list[Reported]] = {}
    for call in calls:
        by_writers.setdefault(call.writers, []).append(call)
    for writers in sorted(by_writers, key=sorted):
        others = [call for call in found if call.writers.isdisjoint(writers)]
        some = by_writers[writers]
        found.update(dict.fromkeys(some))
        for call, other in pair(others, some) if others else ():
            del found[call], found[other]
            found[call.plus(other)] = None
    return list(found)


def _pair_counted(left: list[Reported], right: list[Reported]) -> list[_Paired]:
    """Pairs with one response id, then pairs that fit by what they count."""
    pairs: list[_Paired] = []
    some, others = _by_id(left), _by_id(right)
    if some[0] and others[0]:
        for keys in _COUNTS:
            near = _neighbours_first(APART_MAX_NS, APART_MAX_NS)
            pairs += _pair(some[0], others[0], _with_ids(*keys), near)
        pairs += _pair(some[0], others[0], (_ids, _ids), _neighbours_first(0, 0))
    for at, other in _COMPATIBLE:
        for keys in _COUNTS:
            pairs += _pair(some[at], others[other], keys, _neighbours_first(APART_MAX_NS, 0))
    return pairs


def _pair_uncounted(left: list[Reported], right: list[Reported]) -> list[_Paired]:
    """Pairs with one response id, then pairs of one parent, then pairs that overlap."""
    some, others = _by_id(left), _by_id(right)
    near = _neighbours_first(APART_MAX_NS, APART_MAX_NS)
    pairs = _pair(some[0], others[0], (_ids, _ids), near)
    for at, other in _COMPATIBLE:
        near = _neighbours_first(APART_MAX_NS, 0)
        pairs += _pair(some[at], others[other], (_anything, _anything), near)
    return pairs


_COMPATIBLE = ((0, 1), (1, 0), (1, 1))
"""Which of the lists of `_by_id` go together: different response ids always mean two calls."""


def _by_id(calls: list[Reported]) -> tuple[list[Reported], list[Reported]]:
    """Calls with a response id, and those without."""
    return [call for call in calls if call.ids], [call for call in calls if not call.ids]


def _pair(
    left: list[Reported], right: list[Reported], keys: tuple[_Keys, _Keys], match: _Match
) -> list[_Paired]:
    """Pairs that `match` makes of those that share a key. Takes the paired ones from both lists."""
    if not left or not right:
        return []
    buckets: dict[Any, tuple[list[Reported], list[Reported]]] = {}
    for call in left:
        for key in keys[0](call):
            buckets.setdefault(key, ([], []))[0].append(call)
    for call in right:
        for key in keys[1](call):
            if key in buckets:
                buckets[key][1].append(call)
    pairs: list[_Paired] = []
    taken: set[Reported] = set()
    # In the order of the keys, so that it does not matter in which one the calls came.
    for key in sorted(key for key, bucket in buckets.items() if bucket[1]):
        some, others = ([each for each in side if each not in taken] for side in buckets[key])
        found = match(some, others)
        pairs += found
        taken.update(*found)
    if taken:
        left[:] = [call for call in left if call not in taken]
        right[:] = [call for call in right if call not in taken]
    return pairs


def _neighbours_first(apart_ns: int, elsewhere_ns: int) -> _Match:
    """Match calls near each other, those that are next to each other in the tree first.

    Were a parent paired with the child of another one, it could be explained by its own child.
    Neighbours may be `apart_ns` from each other, others `elsewhere_ns`.
    """

    def match_neighbours(left: list[Reported], right: list[Reported]) -> list[_Paired]:
        return match_intervals(left, right, apart_ns)

    def match(left: list[Reported], right: list[Reported]) -> list[_Paired]:
        if len(left) == len(right) == 1:
            is_near = _are_neighbours(left[0], right[0])
            return match_intervals(left, right, apart_ns if is_near else elsewhere_ns)
        pairs: list[_Paired] = []
        for keys in _RELATIONS:
            pairs += _pair(left, right, keys, match_neighbours)
        return pairs + match_intervals(left, right, elsewhere_ns)

    return match


def _are_neighbours(call: Reported, other: Reported) -> bool:
    return any(not set(some(call)).isdisjoint(others(other)) for some, others in _RELATIONS)


def _ids(call: Reported) -> Iterable[Any]:
    return call.ids


def _same(call: Reported) -> Iterable[Any]:
    """All counts as they were read, and as another one's may be that leaves out cached tokens."""
    for forms in call.forms:
        yield forms.stated, call.details, False
        if forms.may_exclude:
            yield forms.stated, call.details, True


def _possible(call: Reported) -> Iterable[Any]:
    """What another report may have as its counts: the same details, or fewer of them.

    Cached tokens are missing in it only where this report or that one may leave them out.
    """
    read, written = call.details
    details = dict.fromkeys(((0, 0), (read, 0), (0, written), (read, written)))
    for forms in call.forms:
        for each in details:
            yield from ((form, each, False) for form in forms.whole)
            yield from ((form, each, not forms.may_exclude) for form in forms.uncached)


_COUNTS: Sequence[tuple[_Keys, _Keys]] = (
    (_same, _same), (_same, _possible), (_possible, _same),
)  # fmt: skip


def _with_ids(keys: _Keys, other_keys: _Keys) -> tuple[_Keys, _Keys]:
    return (
        lambda call: [(one, key) for one in call.ids for key in keys(call)],
        lambda call: [(one, key) for one in call.ids for key in other_keys(call)],
    )


def _parents(call: Reported) -> Iterable[Any]:
    return {node.parent_id for node in call.members if node.parent_id}


def _selves(call: Reported) -> Iterable[Any]:
    return [node.span_id for node in call.members]


def _anything(_call: Reported) -> Iterable[Any]:
    return (b"",)


_RELATIONS: Sequence[tuple[_Keys, _Keys]] = (
    (_selves, _parents), (_parents, _selves), (_parents, _parents),
)  # fmt: skip
"""One is the parent of the other, or both have the same one."""
