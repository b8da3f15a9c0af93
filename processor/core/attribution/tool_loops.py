"""Calls that count the requests before them as well: each adds what the one before it does not.

Spring AI runs the tools that a model asks for itself, and asks the model again. It writes a span
for each request, all below one parent, and on each the tokens of all requests so far.

A span continues the one before it where it begins after that has ended and counts at least as much
input more as that one had of its own: a request of such a loop holds all that was asked before.
Which span continues which depends on the set of spans alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from processor.core.attribution.node import Node
from processor.core.attribution.reported import family_of
from processor.core.model import NO_USAGE, Usage

_LOOP_MAX = 1024
"""Calls below one parent that are looked at; what comes after these is charged as it is."""

_Key = tuple[bytes, str, str]


class ToolLoops:
    """The calls of one trace that may count others."""

    __slots__ = ("_loops",)

    def __init__(self) -> None:
        self._loops: dict[_Key, dict[Node, None]] = {}
        """By parent, instrumentation and model; in the order in which they came."""

    def update(self, arrived: Iterable[Node]) -> dict[Node, Node]:
        """Add calls, or look again at those that have changed.

        Returns each that continues another call than before, or one that has changed, with the
        call that caused it.
        """
        causes: dict[_Key, Node] = {}
        changed_nodes = set()
        for node in arrived:
            key = _key(node)
            if key is None:
                continue
            loop = self._loops.setdefault(key, {})
            if len(loop) < _LOOP_MAX:
                loop[node] = None
            causes.setdefault(key, node)
            changed_nodes.add(node)
        changed: dict[Node, Node] = {}
        for key, cause in causes.items():
            for node, previous in _continued(self._loops[key]):
                if node.previous is not previous or previous in changed_nodes:
                    node.previous = previous
                    changed[node] = cause
        return changed


def _key(node: Node) -> _Key | None:
    entry = node.entry
    if entry is None or not entry.is_cumulative:
        return None  # The usual case, made cheap.
    if not entry.start_ns or not node.parent_id:
        return None
    return node.parent_id, entry.scope, family_of(entry.model)


def _continued(loop: Iterable[Node]) -> list[tuple[Node, Node | None]]:
    """Each call of a loop, with the one that it continues."""
    found: list[tuple[Node, Node | None]] = []
    previous: Node | None = None
    before = NO_USAGE
    own_input = 0
    for node in sorted(loop, key=_began):
        usage = _usage(node)
        if usage is None:
            found.append((node, None))
            continue
        is_next = (
            previous is not None
            and _began(node)[0] >= previous.time_ns
            and usage.input_tokens - before.input_tokens >= own_input
            and usage.output_tokens > before.output_tokens
        )
        found.append((node, previous if is_next else None))
        own_input = usage.input_tokens - (before.input_tokens if is_next else 0)
        previous, before = node, usage
    return found


def _began(node: Node) -> tuple[int, bytes]:
    return (0 if node.entry is None else node.entry.start_ns), node.span_id


def _usage(node: Node) -> Usage | None:
    return None if node.entry is None else node.entry.usage
