"""The shape of a trace: the parent of each span, and the lines that show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from processor.surfaces.terminal.received import ReceivedSpan

_ROWS_MAX = 150
_STEM_CELLS_MAX = 27
"""Nine levels; what is deeper is drawn as if it were at that level."""


class Branch(NamedTuple):
    """One span and its place in the drawing."""

    span: ReceivedSpan
    stem: str
    """What stands before its name."""
    below: str
    """What stands before the lines that belong to it, under its name."""


def branches(spans: Sequence[ReceivedSpan]) -> tuple[list[Branch], int]:
    """The spans of one trace, depth first and by start time, and how many are left out.

    A span whose parent is not there counts as a root; spans that are each other's ancestors
    have no root and are left out.
    """
    known = {span.span_id for span in spans}
    children: dict[str, list[ReceivedSpan]] = {}
    for span in sorted(spans, key=lambda span: (span.start_ns, span.end_ns, span.span_id)):
        parent = span.parent_id if span.parent_id in known else ""
        children.setdefault(parent, []).append(span)
    drawn: list[Branch] = []
    stack = [(span, "", "") for span in reversed(children.get("", ()))]
    while stack and len(drawn) < _ROWS_MAX:
        span, stem, prefix = stack.pop()
        inner = children.get(span.span_id, [])
        drawn.append(Branch(span, _cut(stem), _cut(prefix + ("│  " if inner else ""))))
        for place, child in enumerate(reversed(inner)):
            is_last = place == 0
            mark, gap = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            stack.append((child, prefix + mark, prefix + gap))
    return drawn, len(spans) - len(drawn)


def _cut(stem: str) -> str:
    return stem if len(stem) <= _STEM_CELLS_MAX else "… " + stem[2 - _STEM_CELLS_MAX :]
