"""Two spans of one call, neither below the other: only one of them is charged.

Stacked instrumentations mostly nest, and then the remainder rule holds. Where they do not, two
things show that it was one call:

- the same response id, with the same token counts. An equal id alone proves nothing, since some
  frameworks repeat one id for a whole run. The span that ended first is charged.
- the same model and token counts, or the same response id, written by different instrumentations,
  the one while the other was under way. They need not share a parent: some frameworks keep a tree
  of their own beside the application's. The inner span is charged; each has one counterpart at
  most. Instrumentations that count a token more or less still mean one call.

Which spans are duplicates depends on the set of spans alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from processor.core.attribution.node import Node

_GROUP_MAX = 64
"""Calls alike, in one trace, that are compared with each other; more are charged as they are."""

_Key = tuple[str | bytes, int, int]


class Duplicates:
    """The calls of one trace that may be reported twice."""

    __slots__ = ("_by_likeness", "_by_response", "_repeats")

    def __init__(self) -> None:
        self._by_response: dict[_Key, list[Node]] = {}
        self._by_likeness: dict[_Key, list[Node]] = {}
        self._repeats: set[Node] = set()
        """Duplicates by response id."""

    def add(self, node: Node) -> list[Node]:
        """Add a call; returns the nodes that have become a duplicate, or are one no longer."""
        entry = node.entry
        if entry is None or entry.aggregate is not None or entry.usage is None or node.is_reference:
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
        for key in _likenesses(node):
            _join(self._by_likeness, key, node)
        return self._update(affected)

    def _update(self, affected: Iterable[Node]) -> list[Node]:
        """Match the affected calls again, and all that share a key with one of them."""
        outer: set[Node] = set()
        seen: dict[Node, None] = {}
        keys: set[_Key] = set()
        open_nodes = list(affected)
        while open_nodes:
            node = open_nodes.pop()
            if node in seen:
                continue
            seen[node] = None
            for key in set(_likenesses(node)) - keys:
                keys.add(key)
                group = self._by_likeness.get(key, [])
                if _is_of_one(group):
                    continue  # One instrumentation reports each call once.
                outer |= _matched([other for other in group if other not in self._repeats])
                open_nodes += group
        changed = []
        for node in seen:
            is_duplicate = node in outer or node in self._repeats
            if is_duplicate != node.is_duplicate:
                node.is_duplicate = is_duplicate
                changed.append(node)
        return changed


def _join(groups: dict[_Key, list[Node]], key: _Key, node: Node) -> list[Node]:
    group = groups.setdefault(key, [])
    if node not in group and len(group) < _GROUP_MAX:
        group.append(node)
    return group


def _likenesses(node: Node) -> list[_Key]:
    """The keys under which another instrumentation's span of the same call is found."""
    entry = node.entry
    if entry is None or entry.usage is None or not entry.start_ns:
        return []
    counts = (entry.usage.input_tokens, entry.usage.output_tokens)
    likenesses: list[_Key] = [(entry.model.encode(), *counts)]
    if entry.response_id:
        likenesses.append((entry.response_id, -1, -1))
    return likenesses


def _ended(node: Node) -> tuple[int, bytes]:
    return node.time_ns, node.span_id


def _matched(group: list[Node]) -> set[Node]:
    """The outer spans of all pairs, each pair of two instrumentations and one within the other."""
    if _is_of_one(group):
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


def _is_of_one(group: Iterable[Node]) -> bool:
    """Whether no two calls of a group were written by different instrumentations."""
    return len({node.entry.scope for node in group if node.entry is not None}) < 2


def _holds(long: Node, short: Node) -> bool:
    if long.entry is None or short.entry is None or long.entry.scope == short.entry.scope:
        return False
    return _start(long) <= _start(short) and short.time_ns <= long.time_ns


def _start(node: Node) -> int:
    return 0 if node.entry is None else node.entry.start_ns
