"""Which of some calls are reports of one call: by different instrumentations, at the same time.

Two reports of one call

- were written by different instrumentations, and do not name different responses;
- overlap, or one begins within a second after the other has ended, as streams are reported;
- have equal output, and input that is equal as well, or would be if the cached tokens that one of
  them names were inside its input, or beside it.

Each report belongs to one call, and a call has at most one report of each instrumentation. Of all
ways to pair them one with the most pairs is taken, so that calls that are alike are counted
right: k calls with two reports each are k calls, whichever came first. Which ones belong together
is a function of the set of reports.
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


def unite(calls: Sequence[Reported]) -> list[Reported]:
    """Bring the reports of each call together, by their counts; by time, where it is known."""
    found = [call for call in calls if call.is_timed]
    instrumentations = frozenset[str]().union(*(call.scopes for call in found))
    before = len(found) + 1
    while len(found) < before:
        before, found = len(found), _unite(found, _pair_counted)
        if len(instrumentations) < 3:
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


def _unite(
    calls: Iterable[Reported],
    pair: Callable[[list[Reported], list[Reported]], list[_Paired]],
    known: Iterable[Reported] = (),
) -> list[Reported]:
    """Unite calls of different instrumentations, one instrumentation after the other."""
    found = dict.fromkeys(known)
    by_scopes: dict[frozenset[str], list[Reported]] = {}
    for call in calls:
        by_scopes.setdefault(call.scopes, []).append(call)
    for scopes in sorted(by_scopes, key=sorted):
        others = [call for call in found if call.scopes.isdisjoint(scopes)]
        some = by_scopes[scopes]
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
            pairs += _pair(some[0], others[0], _with_ids(*keys))
        pairs += _pair(some[0], others[0], (_ids, _ids), 0)
    for at, other in _COMPATIBLE:
        for keys in _COUNTS:
            pairs += _pair(some[at], others[other], keys)
    return pairs


def _pair_uncounted(left: list[Reported], right: list[Reported]) -> list[_Paired]:
    """Pairs with one response id, then pairs of one parent, then pairs that overlap."""
    some, others = _by_id(left), _by_id(right)
    pairs = _pair(some[0], others[0], (_ids, _ids))
    for at, other in _COMPATIBLE:
        for keys in _PLACES:
            pairs += _pair(some[at], others[other], keys)
        pairs += _pair(some[at], others[other], (_anything, _anything), 0)
    return pairs


_COMPATIBLE = ((0, 1), (1, 0), (1, 1))
"""Which of the lists of `_by_id` go together: different response ids always mean two calls."""


def _by_id(calls: list[Reported]) -> tuple[list[Reported], list[Reported]]:
    """Calls with a response id, and those without."""
    return [call for call in calls if call.ids], [call for call in calls if not call.ids]


def _pair(
    left: list[Reported],
    right: list[Reported],
    keys: tuple[_Keys, _Keys],
    apart_ns: int = APART_MAX_NS,
    *,
    is_placed: bool = False,
) -> list[_Paired]:
    """Pairs that share a key and are near in time. Takes the paired ones from both lists.

    With `is_placed` the keys say where in the tree they are.
    """
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
        if is_placed or (len(some) == 1 and len(others) == 1):
            found = match_intervals(some, others, apart_ns)
        else:
            found = _pair_alike(some, others, apart_ns)
        pairs += found
        taken.update(*found)
    if taken:
        left[:] = [call for call in left if call not in taken]
        right[:] = [call for call in right if call not in taken]
    return pairs


def _pair_alike(left: list[Reported], right: list[Reported], apart_ns: int) -> list[_Paired]:
    """Pairs of calls that are alike, those that are next to each other in the tree first.

    Were a parent paired with the child of another one, it could be explained by its own child.
    """
    pairs: list[_Paired] = []
    for keys in _PLACES:
        pairs += _pair(left, right, keys, apart_ns, is_placed=True)
    return pairs + match_intervals(left, right, apart_ns)


def _ids(call: Reported) -> Iterable[Any]:
    return call.ids


def _same(call: Reported) -> Iterable[Any]:
    """All counts as they were read."""
    return [(forms[0], call.details) for forms in call.forms]


def _possible(call: Reported) -> Iterable[Any]:
    """What another report may have as its counts: the same details, or fewer of them."""
    read, written = call.details
    details = dict.fromkeys(((0, 0), (read, 0), (0, written), (read, written)))
    return dict.fromkeys((form, each) for forms in call.forms for form in forms for each in details)


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


_PLACES: Sequence[tuple[_Keys, _Keys]] = (
    (_selves, _parents), (_parents, _selves), (_parents, _parents),
)  # fmt: skip
"""One is the parent of the other, or both have the same one."""
