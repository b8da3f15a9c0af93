"""Two spans of one call that do not hang from each other: only one of them is charged.

Stacked instrumentations mostly nest, and then the remainder rule holds. Where they do not, two
things tell that it was one call:

- the same response id, with the same token counts. An equal id alone proves nothing, since some
  frameworks repeat one id for a whole run. The span that ended first is charged.
- the same parent and the same token counts, written by different instrumentations, the one while
  the other was under way. The inner span is charged; each has one counterpart at most.

Which spans are twins depends on the set of spans alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processor.rollup.trace import Node

_GROUP_MAX = 64
"""Calls alike that are compared with each other; nobody makes more of them under one parent."""

_Key = tuple[str | bytes, int, int]


class Twins:
    """The calls of one trace that may be told twice."""

    __slots__ = ("_by_parent", "_by_response", "_repeats")

    def __init__(self) -> None:
        self._by_response: dict[_Key, list[Node]] = {}
        self._by_parent: dict[_Key, list[Node]] = {}
        self._repeats: set[Node] = set()
        """Twins by response id."""

    def add(self, node: Node) -> list[Node]:
        """Take a call in; returns the nodes that have become a twin, or are one no longer."""
        entry = node.entry
        if entry is None or entry.aggregate is not None or entry.usage is None:
            return []
        counts = (entry.usage.input_tokens, entry.usage.output_tokens)
        if counts == (0, 0):
            return []
        affected = {node: None}
        if entry.response_id:
            group = _join(self._by_response, (entry.response_id, *counts), node)
            first = min(group, key=_ended)
            for other in group:
                if (other is not first) != (other in self._repeats):
                    self._repeats ^= {other}
                    affected[other] = None
        if node.parent_id and entry.start_ns:
            _join(self._by_parent, (node.parent_id, *counts), node)
        outer: set[Node] = set()
        for parent_id in {other.parent_id for other in affected}:
            group = self._by_parent.get((parent_id, *counts), [])
            outer |= _matched([other for other in group if other not in self._repeats])
            affected.update(dict.fromkeys(group))
        changed = []
        for other in affected:
            is_twin = other in outer or other in self._repeats
            if is_twin != other.is_twin:
                other.is_twin = is_twin
                changed.append(other)
        return changed


def _join(groups: dict[_Key, list[Node]], key: _Key, node: Node) -> list[Node]:
    group = groups.setdefault(key, [])
    if node not in group and len(group) < _GROUP_MAX:
        group.append(node)
    return group


def _ended(node: Node) -> tuple[int, bytes]:
    return node.time_ns, node.span_id


def _matched(group: list[Node]) -> set[Node]:
    """The outer spans of all pairs, each pair of two instrumentations and one within the other."""
    if len(group) < 2:
        return set()
    outer: set[Node] = set()
    inner: set[Node] = set()
    by_length = sorted(group, key=lambda node: (node.time_ns - _start(node), node.span_id))
    for long in reversed(by_length):
        for short in by_length:
            if short is long or short in inner or short in outer or long in inner:
                continue
            if _holds(long, short):
                outer.add(long)
                inner.add(short)
                break
    return outer


def _holds(long: Node, short: Node) -> bool:
    if long.entry is None or short.entry is None or long.entry.scope == short.entry.scope:
        return False
    return _start(long) <= _start(short) and short.time_ns <= long.time_ns


def _start(node: Node) -> int:
    return 0 if node.entry is None else node.entry.start_ns
