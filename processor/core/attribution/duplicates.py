"""Spans that report a call which another span reports as well: only one of them is charged.

Stacked instrumentations mostly nest, and then the remainder rule holds. Where they do not, or where
the outer one knows more, these are known to be of one call:

- spans with the same response id and the same token counts, whoever wrote them and when. An equal
  id alone proves nothing, since some frameworks repeat one id for a whole run.
- spans of different instrumentations with the same model and counts that fit; see `same_call`. They
  need not share a parent: some frameworks keep a tree of their own beside the application's.
- a span without counts, and a span of the same model by another instrumentation that lasted as it
  did, or began just after it under the same parent.

What the reports of a call say together is kept: the one that is priced and knows of caches is
charged, whichever is the inner one, and one without counts adds no unknown cost. Which spans are
duplicates depends on the set of spans alone; only of more than `_ALIKE_MAX` spans that are alike,
those that come last are charged as they are.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from collections.abc import Set as AbstractSet

from processor.core.attribution.interval_matching import split_apart
from processor.core.attribution.node import Node
from processor.core.attribution.reported import (
    Reported,
    best_report,
    family_of,
    forms_of,
    has_counts,
    whole_of,
)
from processor.core.attribution.same_call import APART_MAX_NS, unite, unite_uncounted
from processor.core.model import Entry

_ALIKE_MAX = 8192
"""Calls alike in one trace that are compared with each other: bounds what a batch can cost."""

_Key = tuple[str | int, ...]


class _Group:
    """Calls that have a key in common, and how many of them each instrumentation wrote."""

    __slots__ = ("nodes", "scopes")

    def __init__(self) -> None:
        self.nodes: dict[Node, str] = {}
        """Each with its scope as of when it was added."""
        self.scopes: dict[str, int] = {}

    def add(self, node: Node, scope: str) -> bool:
        if node not in self.nodes and len(self.nodes) < _ALIKE_MAX:
            self.nodes[node] = scope
            self.scopes[scope] = self.scopes.get(scope, 0) + 1
        return node in self.nodes

    def remove(self, node: Node) -> None:
        scope = self.nodes.pop(node)
        self.scopes[scope] -= 1
        if not self.scopes[scope]:
            del self.scopes[scope]


class Duplicates:
    """The calls of one trace that may be reported twice."""

    __slots__ = ("_calls", "_groups", "_keys", "_reports", "_scopes", "_unmatched")

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}
        self._keys: dict[Node, list[_Key]] = {}
        """The groups that a call is in."""
        self._reports: dict[Node, Reported] = {}
        """Calls of one report each, as far as they were needed."""
        self._scopes: set[str] = set()
        self._unmatched: dict[Node, None] = {}
        """Calls that are not under all their keys yet: while one instrumentation alone has written
        calls, as is usual, nothing but their response ids could make two of them one."""
        self._calls: dict[Node, Reported] = {}
        """Calls with several reports that count, by the one that is charged."""

    def update(self, arrived: Iterable[Node]) -> dict[Node, Node]:
        """Add calls, or look again at those that have changed.

        Returns each that has become a duplicate, or is one no longer, with the one that caused it.
        """
        causes = self._add(arrived)
        models: dict[str, Node] = {}
        if len(self._scopes) > 1:
            models = {_family(node): cause for node, cause in causes.items()}
        changed: dict[Node, Node] = {}
        seen: set[Node] = set()
        for node, cause in causes.items():
            if node in seen or node.entry is None or node.entry.usage is None:
                continue
            component = self._component(node)
            seen.update(component)
            if len(component) == 1 and not node.is_duplicate and node not in self._calls:
                continue  # Most calls have one report.
            for other in self._decide(component, causes):
                changed[other] = cause
                if models:
                    models.setdefault(_family(other), cause)
        for model, cause in models.items():
            for other in self._decide_uncounted(model):
                changed[other] = cause
        return changed

    def _add(self, arrived: Iterable[Node]) -> dict[Node, Node]:
        """Put calls into their groups; returns the calls to look at, each with what caused it."""
        causes: dict[Node, Node] = {}
        for node in arrived:
            entry = node.entry
            if entry is None or entry.aggregate is not None or node.is_reference:
                continue
            self._scopes.add(entry.scope)
            for other in self._index(node, entry):
                causes.setdefault(other, node)
        if len(self._scopes) > 1:
            for node in self._unmatched:
                if node.entry is not None:
                    self._index(node, node.entry)
            self._unmatched.clear()
        return causes

    def _index(self, node: Node, entry: Entry) -> list[Node]:
        """Put a call into the groups of its keys, as far as they matter so far.

        Returns the calls to look at: itself, and those that it was alike before.
        """
        if len(self._scopes) > 1:
            keys = _keys(entry)
        else:
            keys = _id_keys(entry)
            self._unmatched[node] = None
        self._reports.pop(node, None)
        concerned = [node]
        for key in self._keys.pop(node, ()):
            group = self._groups[key]
            group.remove(node)
            if key not in keys:
                concerned += group.nodes
        self._keys[node] = [key for key in keys if self._group(key).add(node, entry.scope)]
        return concerned

    def _group(self, key: _Key) -> _Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        return group

    def _component(self, first: Node) -> list[Node]:
        """A call, and all with counts that may be one with it, or with one of these, and so on."""
        found = {first: None}
        keys: set[_Key] = set()
        waiting = [first]
        while waiting:
            for key in self._keys[waiting.pop()]:
                group = self._groups[key]
                if key in keys or not _may_match(key, group):
                    continue
                keys.add(key)
                new = [node for node in group.nodes if node not in found]
                found.update(dict.fromkeys(new))
                waiting += new
        return list(found)

    def _decide(self, component: list[Node], concerned: Container[Node]) -> list[Node]:
        """Find the calls of a component; returns the nodes that are charged otherwise now.

        Calls that no chain of calls near each other links to a concerned one stay as they are.
        """
        calls = self._repeated(component)
        lasted_ns = _lasted(component)
        nodes: list[Node] = []
        charged: set[Node] = set()
        for some in split_apart(calls, APART_MAX_NS):
            members = [node for call in some for node in call.members]
            if not any(node in concerned for node in members):
                continue
            for node in members:
                self._calls.pop(node, None)
            nodes += members
            for call in unite(some) if len(some) > 1 else some:
                best = best_report(call.members, lasted_ns)
                charged.add(best)
                if len(call.members) > 1:
                    self._calls[best] = call
        return _set_duplicates(nodes, charged)

    def _repeated(self, nodes: Iterable[Node]) -> list[Reported]:
        """Calls, those with one response id and the same counts together."""
        alike: dict[_Key, list[Node]] = {}
        for node in nodes:
            first = self._keys[node][0]
            alike.setdefault(first if first[0] == _ID else (node.span_id.hex(),), []).append(node)
        calls = []
        for some in alike.values():
            some.sort(key=_ended)
            call = self._reported(some[0])
            for node in some[1:]:
                call = call.repeated(self._reported(node))
            calls.append(call)
        return calls

    def _reported(self, node: Node) -> Reported:
        found = self._reports.get(node)
        if found is None:
            found = self._reports[node] = Reported(node)
        return found

    def _decide_uncounted(self, model: str) -> list[Node]:
        """Match the calls of a model that have no counts with those that have, and each other."""
        uncounted = self._groups.get((_UNCOUNTED, model))
        group = self._groups.get((_MODEL, model))
        if uncounted is None or group is None or not uncounted.nodes:
            return []
        nodes, charged = list(uncounted.nodes), set(uncounted.nodes)
        if len(group.scopes) > 1:
            counted = [
                self._calls.get(node) or self._reported(node)
                for node in group.nodes
                if node not in uncounted.nodes and not node.is_duplicate
            ]
            lasted_ns = _lasted(group.nodes)
            calls = unite_uncounted(counted, list(map(self._reported, nodes)))
            charged = {best_report(call.members, lasted_ns) for call in calls}
        return _set_duplicates(nodes, charged)


_COUNTS, _ID, _RUN, _MODEL, _UNCOUNTED = "counts", "id and counts", "id", "model", "uncounted"
"""Kinds of keys. Under `_RUN` are calls with one response id, whatever they count."""


def _id_keys(entry: Entry) -> list[_Key]:
    """By what another report of the same call can be found, whoever wrote it."""
    usage = entry.usage
    if not entry.response_id or usage is None or not has_counts(usage):
        return []
    return [(_ID, entry.response_id, *whole_of(usage))]


def _keys(entry: Entry) -> list[_Key]:
    """By what other reports of the same call can be found; by response id and counts first."""
    keys, usage, model = _id_keys(entry), entry.usage, family_of(entry.model)
    if not entry.start_ns:
        return keys
    if usage is not None and has_counts(usage):
        if entry.response_id:
            keys.append((_RUN, entry.response_id))
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
    return len(group.nodes if key[0] == _ID else group.scopes) > 1


def _set_duplicates(nodes: Iterable[Node], charged: AbstractSet[Node]) -> list[Node]:
    """Note which of some nodes are charged; returns those for which that has changed."""
    changed = [node for node in nodes if node.is_duplicate == (node in charged)]
    for node in changed:
        node.is_duplicate = node not in charged
    return changed


def _lasted(nodes: Iterable[Node]) -> dict[str, int]:
    """How long the reports of each instrumentation lasted on average, in nanoseconds."""
    found: dict[str, list[int]] = {}
    for node in nodes:
        if node.entry is not None and node.entry.start_ns:
            found.setdefault(node.entry.scope, []).append(node.time_ns - node.entry.start_ns)
    return {scope: sum(lengths) // len(lengths) for scope, lengths in found.items()}


def _family(node: Node) -> str:
    return "" if node.entry is None else family_of(node.entry.model)


def _ended(node: Node) -> tuple[int, bytes]:
    return node.time_ns, node.span_id
