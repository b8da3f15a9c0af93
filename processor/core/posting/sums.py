"""What a turn changes in all that is kept of charges: their rows, totals, sums by dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TypeVar

from processor.core.attribution import Movement, Node
from processor.core.attribution.node import EXCLUDED, ScopeIds
from processor.core.attribution.owner import AGENT_RUN
from processor.core.budgets.window import bucket_of
from processor.core.budgets.zones import ReportingZones
from processor.core.model import (
    NO_SUMS,
    NOTHING,
    ChargeRow,
    DimensionSet,
    Plan,
    Sums,
    Totals,
    TraceSummary,
)
from processor.core.posting.changes import Followed
from processor.core.posting.turn import Posted

_Key = TypeVar("_Key")
_Owners = dict[tuple[object, ...], tuple[ScopeIds, int, Sums]]
"""By the ids and the bucket, these again and what is added to them."""


def add_up(plan: Plan, followed: Followed, zones: ReportingZones) -> None:
    """Set out in `plan` what the movements of a turn change in every kind of sum."""
    owners: _Owners = {}
    posted = followed.posted
    moved = zip(posted.movements, followed.changes, strict=True)
    late = zip(posted.late.movements, followed.late, strict=True)
    for (_, movement), changes in chain(moved, late):
        bucket = bucket_of(movement.node.time_ns)
        if movement.source is not None and not movement.before.is_zero:
            _add_to_owner(owners, movement.source, bucket, NO_SUMS.minus(movement.before))
        if not movement.after.is_zero:
            _add_to_owner(owners, movement.target, bucket, movement.after)
        # Several windows of one filter share its totals.
        for posting, change in {
            (*item.total, bucket): item.change for item in changes if item.watch.has_own_totals
        }.items():
            _add_totals(plan.postings, posting, change)
    for posting, change in followed.filling:
        _add_totals(plan.postings, posting, change)
    starts = dict[int, tuple[int, int]]()
    for ids, bucket, sums in owners.values():
        if bucket not in starts:
            starts[bucket] = zones.cell_of(bucket)[0], zones.day_of(bucket)[0]
        _add_to_totals(plan, ids, bucket, sums.totals)
        _add_to_cells(plan, ids, starts[bucket], sums)
    _drop_zeros(plan.postings)
    _drop_zeros(plan.hours)
    _drop_zeros(plan.days)
    _drop_zeros(plan.user_days)


def _add_to_owner(owners: _Owners, ids: ScopeIds, bucket: int, change: Sums) -> None:
    """Add up the charges of one owner and bucket, whatever agent run they are of."""
    key = (*ids[:AGENT_RUN], *ids[AGENT_RUN + 1 :], bucket)
    known = owners.get(key)
    owners[key] = ids, bucket, change if known is None else known[2].plus(change)


def _add_to_totals(plan: Plan, ids: ScopeIds, bucket: int, change: Totals) -> None:
    """Of users, organisations and everything by quarter hour, of sessions and tasks for all time.

    Totals by other dimensions are in the cells, and kept apart only where budgets follow them.
    """
    postings = plan.postings
    _add_totals(postings, ("total", "", bucket), change)
    _add_totals(postings, ("user", ids.user, bucket), change)
    _add_totals(postings, ("org", ids.org, bucket), change)
    _add_totals(postings, ("session", ids.session, 0), change)
    _add_totals(postings, ("task", ids.task, 0), change)


def _add_to_cells(plan: Plan, ids: ScopeIds, starts_s: tuple[int, int], change: Sums) -> None:
    """`starts_s` are those of the hour and the day."""
    dimensions = dimensions_of(ids)
    hour_s, day_s = starts_s
    _add_sums(plan.hours, (hour_s, dimensions), change)
    _add_sums(plan.days, (day_s, dimensions), change)
    _add_sums(plan.user_days, (day_s, ids.user, dimensions), change)


def dimensions_of(ids: ScopeIds) -> DimensionSet:
    """The dimensions that sums are kept by, of what a charge belongs to."""
    return DimensionSet(
        ids.provider or "",
        ids.model or "",
        ids.service,
        ids.agent,
        ids.org,
        ids.feature,
        ids.task_type,
        ids.purpose,
        ids.kind,
        ids.status,
        ids.own_dimensions,
    )


def add_charges(plan: Plan, posted: Posted) -> None:
    """Set out in `plan` what each span is charged that moved, or that has a new row.

    The rows of the plan are those of `posted`, in its order.
    """
    written = (*posted.added, *posted.amended, *posted.restated)
    rows = {id(node): row for row, (_, node) in enumerate(written)}
    moved = {id(movement.node): (trace_id, movement) for trace_id, movement in posted.movements}
    for trace_id, movement in moved.values():
        if not (movement.before.is_zero and movement.after.is_zero) or _is_listed(movement):
            plan.charges.append(_charge(trace_id, movement.node, rows))
    for trace_id, node in (*posted.amended, *posted.restated):
        is_listed = not node.is_counted and not node.is_reference
        if id(node) not in moved and (is_listed or not node.posted.is_zero):
            plan.charges.append(_charge(trace_id, node, rows))
    plan.traces += _summaries(posted)


def _is_listed(movement: Movement) -> bool:
    """Whether it is of something excluded, which has a row though it adds nothing; or that was."""
    was_excluded = movement.source is not None and movement.source.status == EXCLUDED
    return was_excluded or not movement.node.is_counted


def _charge(trace_id: bytes, node: Node, rows: dict[int, int]) -> ChargeRow:
    ids = node.scope_ids
    if ids is None:
        raise ValueError("a span that is charged belongs to somebody")
    return ChargeRow(
        trace_id,
        node.span_id,
        rows.get(id(node), -1),
        node.row_id,
        node.time_ns,
        dimensions_of(ids),
        ids.user,
        ids.session,
        ids.task,
        node.posted,
        node.entry,
    )


def _summaries(posted: Posted) -> Iterator[TraceSummary]:
    for trace_id in dict.fromkeys(trace_id for trace_id, _ in posted.movements):
        trace = posted.traces[trace_id]
        yield TraceSummary(trace_id, trace.start_ns, trace.end_ns, trace.owner(), trace.total)


def _drop_zeros(sums: dict[_Key, Totals] | dict[_Key, Sums]) -> None:
    """Drop what comes to nothing; there is little of it, so nothing else is touched."""
    for key in [key for key, change in sums.items() if change.is_zero]:
        del sums[key]


def _add_totals(sums: dict[_Key, Totals], key: _Key, change: Totals) -> None:
    sums[key] = sums.get(key, NOTHING).plus(change)


def _add_sums(sums: dict[_Key, Sums], key: _Key, change: Sums) -> None:
    known = sums.get(key)
    sums[key] = change if known is None else known.plus(change)
