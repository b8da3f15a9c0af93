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
duplicates depends on the set of spans alone; only of more than `alike.ALIKE_MAX` spans that are
alike, those that come last are charged as they are.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from collections.abc import Set as AbstractSet

from processor.core.attribution.alike import AlikeCalls
from processor.core.attribution.interval_matching import split_apart
from processor.core.attribution.node import Node
from processor.core.attribution.reported import Reported, best_report, family_of
from processor.core.attribution.same_call import APART_MAX_NS, unite, unite_uncounted


class Duplicates:
    """The calls of one trace that may be reported twice."""

    __slots__ = ("_alike", "_calls", "_reports")

    def __init__(self) -> None:
        self._alike = AlikeCalls()
        self._reports: dict[Node, Reported] = {}
        """Calls of one report each, as far as they were needed."""
        self._calls: dict[Node, Reported] = {}
        """Calls with several reports that count, by the one that is charged."""

    def update(self, arrived: Iterable[Node]) -> dict[Node, Node]:
        """Add calls, or look again at those that have changed.

        Returns each that has become a duplicate, or is one no longer, with the one that caused it.
        """
        causes = self._alike.add(arrived)
        for node in causes:
            self._reports.pop(node, None)
        models: dict[str, Node] = {}
        if self._alike.has_several_writers:
            models = {_family(node): cause for node, cause in causes.items()}
        changed: dict[Node, Node] = {}
        seen: set[Node] = set()
        for node, cause in causes.items():
            if node in seen or node.entry is None or node.entry.usage is None:
                continue
            component = self._alike.component(node)
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
        alike: dict[object, list[Node]] = {}
        for node in nodes:
            alike.setdefault(self._alike.response_of(node), []).append(node)
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
        counted, uncounted, have_several_writers = self._alike.of_model(model)
        charged = set(uncounted)
        if uncounted and have_several_writers:
            known = [
                self._calls.get(node) or self._reported(node)
                for node in counted
                if not node.is_duplicate
            ]
            lasted_ns = _lasted((*counted, *uncounted))
            calls = unite_uncounted(known, list(map(self._reported, uncounted)))
            charged = {best_report(call.members, lasted_ns) for call in calls}
        return _set_duplicates(uncounted, charged)


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
    return {writer: sum(lengths) // len(lengths) for writer, lengths in found.items()}


def _family(node: Node) -> str:
    return "" if node.entry is None else family_of(node.entry.model)


def _ended(node: Node) -> tuple[int, bytes]:
    return node.time_ns, node.span_id
