"""Ids of forgotten users, in spans of traces that were there: read as what replaced them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from processor.core.attribution import Node, Trace
from processor.core.model import Charge, Crossing, Intake, Mark, Owner, Unpriced

Renaming = Callable[[str], str | None]
"""What is read instead of a text; None where that is the text itself."""
RenamingOf = Callable[[bytes, int], Renaming | None]
"""By trace id and end of the span in nanoseconds; None for a trace in which nothing is renamed."""


def span_names(span: Node | Mark, text: str) -> bool:
    """Whether a span, in a working copy or as it came, says that text of its owner."""
    return any(
        text in owner or any(value == text for _, value in owner.own_dimensions)
        for owner in (span.own, span.inherited)
    )


def trace_names(trace: Trace, user: str) -> bool:
    """Whether a working copy says that user anywhere."""
    kept = trace.kept_owner
    if kept is not None and kept.user == user:
        return True
    return any(span_names(node, user) for node in trace.nodes.values())


def rename_owner(owner: Owner, renamed: Renaming) -> Owner:
    """An owner with what is read instead of its ids; the same one where nothing changes."""
    named: list[str | None] = [text and (renamed(text) or text) for text in owner[:-1]]
    own_ids = tuple((name, renamed(value) or value) for name, value in owner.own_dimensions)
    changed = Owner._make((*named, own_ids))
    return owner if changed == owner else changed


def rename_mark(mark: Mark, renamed: Renaming) -> Mark:
    """A mark with other owners; the same one where nothing changes."""
    own, inherited = rename_owner(mark.own, renamed), rename_owner(mark.inherited, renamed)
    if own is mark.own and inherited is mark.inherited:
        return mark
    return replace(mark, own=own, inherited=inherited)


def rename_intake(intake: Intake, renaming_of: RenamingOf) -> Intake:
    """A batch as it is posted."""
    renamings: list[Renaming] = []

    def mark_of(mark: Mark) -> Mark:
        renamed = renaming_of(intake.spans.trace_ids[mark.row], mark.time_ns)
        if renamed is None:
            return mark
        renamings.append(renamed)
        return rename_mark(mark, renamed)

    def charge_of(charge: Charge | Unpriced) -> Charge | Unpriced:
        mark = mark_of(charge.call.mark)
        if mark is charge.call.mark:
            return charge
        return replace(charge, call=replace(charge.call, mark=mark))

    def crossing_of(crossing: Crossing) -> Crossing:
        for renamed in renamings:
            if (other := renamed(crossing.scope_id)) is not None:
                return crossing._replace(scope_id=other)
        return crossing

    charges = [charge_of(charge) for charge in intake.charges]
    marks = [mark_of(mark) for mark in intake.marks]
    if not renamings:
        return intake
    crossed = [crossing_of(crossing) for crossing in intake.crossed]
    return replace(intake, charges=charges, marks=marks, crossed=crossed)
