"""Finding the calls of a trace that may be reports of one call, by what they have in common.

Each call stands in a group for each key that it has: its response id and counts, its model and the
forms of its counts, its model alone. A writer is an instrumentation, or the dialect where that has
no name. Most traces have one writer, and then nothing but response ids is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from processor.core.attribution.node import Node
from processor.core.attribution.reported import family_of, forms_of, has_counts, whole_of
from processor.core.model import Entry

ALIKE_MAX = 8192
"""Calls alike in one trace that are compared with each other: bounds what a batch can cost."""

_Key = tuple[str | int, ...]


class _Group:
    """Calls that have a key in common, and how many of them each writer wrote."""

    __slots__ = ("nodes", "writers")

    def __init__(self) -> None:
        self.nodes: dict[Node, str] = {}
        """Each with its writer as of when it was added."""
        self.writers: dict[str, int] = {}

    def add(self, node: Node, writer: str) -> bool:
        if node not in self.nodes and len(self.nodes) < ALIKE_MAX:
            self.nodes[node] = writer
            self.writers[writer] = self.writers.get(writer, 0) + 1
        return node in self.nodes

    def remove(self, node: Node) -> None:
        writer = self.nodes.pop(node)
        self.writers[writer] -= 1
        if not self.writers[writer]:
            del self.writers[writer]


class AlikeCalls:
    """The calls of one trace in groups of those that have a key in common."""

    __slots__ = (
        "_first", "_groups", "_keys", "_partly_indexed", "_writer", "has_several_writers",
    )  # fmt: skip

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}
        self._keys: dict[Node, list[_Key]] = {}
        """The groups that a call is in; none for one that nothing can be alike."""
        self._first: dict[int, Node] = {}
        """By response id, the first call that named it: as long as it alone does, it is in no
        group."""
        self._writer: str | None = None
        """The first that has written calls."""
        self.has_several_writers = False
        self._partly_indexed: dict[Node, None] = {}
        """Calls that are not under all their keys yet: while one writer alone has written
        calls, as is usual, nothing but their response ids could make two of them one."""

    def add(self, arrived: Iterable[Node]) -> dict[Node, Node]:
        """Put calls into their groups; returns the calls to look at, each with what caused it."""
        causes: dict[Node, Node] = {}
        for node in arrived:
            entry = node.entry
            if entry is None or entry.aggregate is not None or node.is_reference:
                continue
            if self._writer is None:
                self._writer = entry.scope
            self.has_several_writers |= self._writer != entry.scope
            for other in self._index(node, entry):
                causes.setdefault(other, node)
        if self.has_several_writers:
            for node in self._partly_indexed:
                if node.entry is not None:
                    self._index(node, node.entry)
            self._partly_indexed.clear()
            self._first.clear()
        return causes

    def _index(self, node: Node, entry: Entry) -> list[Node]:
        """Put a call into the groups of its keys, as far as they matter so far.

        Returns the calls to look at: itself, and those that it was alike before.
        """
        if self.has_several_writers:
            keys = _keys(entry)
        else:
            self._partly_indexed[node] = None
            first = self._first.setdefault(entry.response, node) if entry.response else node
            if first is node and node not in self._keys:
                return [node]
            if first.entry is not None and first not in self._keys:
                self._put(first, first.entry, _id_keys(first.entry))
            keys = _id_keys(entry)
        concerned = [node]
        for key in self._keys.pop(node, ()):
            group = self._groups[key]
            group.remove(node)
            if key not in keys:
                concerned += group.nodes
        self._put(node, entry, keys)
        return concerned

    def _put(self, node: Node, entry: Entry, keys: Iterable[_Key]) -> None:
        self._keys[node] = [key for key in keys if self._group(key).add(node, entry.scope)]

    def _group(self, key: _Key) -> _Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        return group

    def component(self, first: Node) -> list[Node]:
        """A call, and all with counts that may be one with it, or with one of these, and so on."""
        found = {first: None}
        keys: set[_Key] = set()
        waiting = [first]
        while waiting:
            for key in self._keys.get(waiting.pop(), ()):
                group = self._groups[key]
                if key in keys or not _may_match(key, group):
                    continue
                keys.add(key)
                new = [node for node in group.nodes if node not in found]
                found.update(dict.fromkeys(new))
                waiting += new
        return list(found)

    def response_of(self, node: Node) -> object:
        """What calls have in common that name one response and the same counts; else their id."""
        keys = self._keys.get(node)
        return keys[0] if keys and keys[0][0] == _RESPONSE_AND_COUNTS else node.span_id

    def of_model(self, model: str) -> tuple[list[Node], list[Node], bool]:
        """The calls of a model with counts, those without, and whether several wrote them."""
        uncounted = self._groups.get((_UNCOUNTED, model))
        group = self._groups.get((_MODEL, model))
        if uncounted is None or group is None:
            return [], [], False
        counted = [node for node in group.nodes if node not in uncounted.nodes]
        return counted, list(uncounted.nodes), len(group.writers) > 1


_RESPONSE_AND_COUNTS, _RESPONSE = "response and counts", "response"
_COUNTS, _MODEL, _UNCOUNTED = "counts", "model", "uncounted"
"""Kinds of keys. Under `_RESPONSE` are calls with one response id, whatever they count."""


def _id_keys(entry: Entry) -> list[_Key]:
    """By what another report of the same call can be found, whoever wrote it."""
    usage = entry.usage
    if not entry.response or usage is None or not has_counts(usage):
        return []
    return [(_RESPONSE_AND_COUNTS, entry.response, *whole_of(usage))]


def _keys(entry: Entry) -> list[_Key]:
    """By what other reports of the same call can be found; by response id and counts first."""
    keys, usage, model = _id_keys(entry), entry.usage, family_of(entry.model)
    if not entry.start_ns:
        return keys
    if usage is not None and has_counts(usage):
        if entry.response:
            keys.append((_RESPONSE, entry.response))
        forms = forms_of(usage, may_exclude=entry.may_exclude_cache)
        keys += [(_COUNTS, model, *form) for form in (*forms.whole, *forms.uncached)]
        keys.append((_MODEL, model))
    elif model:
        keys += [(_UNCOUNTED, model), (_MODEL, model)]
    return keys


def _may_match(key: _Key, group: _Group) -> bool:
    """Whether some calls of a group may be one, for what the key says."""
    if key[0] in (_MODEL, _UNCOUNTED):
        return False
    return len(group.nodes if key[0] == _RESPONSE_AND_COUNTS else group.writers) > 1
