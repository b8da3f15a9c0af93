"""What a turn changes in the totals that budgets follow."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from processor.core.attribution import Movement, Node, Trace
from processor.core.attribution.node import ScopeIds
from processor.core.attribution.owner import by_scope, id_in, resolve
from processor.core.attribution.trace import is_of_logs
from processor.core.budgets.verdict import StateKey, Watch, matches
from processor.core.budgets.window import bucket_of
from processor.core.model import NOTHING, Crossing, Posting, Totals
from processor.core.posting.crossed import is_known, states_of
from processor.core.posting.turn import Posted


@dataclass(slots=True)
class Change:
    """What one movement changes in one total that budgets follow."""

    watch: Watch
    key: StateKey
    change: Totals


@dataclass(frozen=True, slots=True)
class Followed:
    """A posted batch, and what it changes in the totals that budgets follow."""

    posted: Posted
    changes: Sequence[Sequence[Change]]
    """For each movement."""
    before: Mapping[tuple[str, str], Totals]
    """Totals before this turn of the traces and agent runs that budgets follow, by series and
    scope id: these are not stored."""
    keys: AbstractSet[StateKey]
    """Of the states that the decision needs."""
    crossed: Sequence[tuple[StateKey, Crossing]] = ()
    """What another processor has found that a budget here is equal to."""
    filling: Sequence[tuple[Posting, Totals]] = ()
    """Changes of totals that are being filled, and that no budget looks at yet."""


class Filling(NamedTuple):
    """Totals that are being filled with what was charged before a budget followed them."""

    watch: Watch
    counted: Container[bytes]
    """Traces that are counted in them already; the others will be, as they are then."""

    def changes(self, posted: Posted) -> Iterator[tuple[Posting, Totals]]:
        """What a posted batch changes in them."""
        for trace_id, movement in posted.movements:
            if trace_id in self.counted:
                bucket = bucket_of(movement.node.time_ns)
                for change in _changes(self.watch, trace_id, movement):
                    yield (*change.key[:2], bucket), change.change


def follow(posted: Posted, watches: Sequence[Watch], filling: Sequence[Filling] = ()) -> Followed:
    """Find what a posted batch changes in the totals of `watches`, and in those being filled."""
    changes = [
        [change for watch in watches for change in _changes(watch, trace_id, movement)]
        for trace_id, movement in posted.movements
    ]
    keys = {change.key for some in changes for change in some}
    for trace_id, node in (*posted.added, *posted.amended):
        if node.is_local_root and (session := session_of(posted, trace_id, node)):
            keys.add(("session", session, 0, 0))
    crossed = [
        (key, crossing)
        for key, crossing in states_of(posted.crossed, watches)
        if key in keys or is_known(key)
    ]
    keys.update(key for key, _ in crossed)
    filled = [change for each in filling for change in each.changes(posted)]
    return Followed(posted, changes, _before(posted, changes), keys, crossed, filled)


def _before(posted: Posted, changes: Sequence[Sequence[Change]]) -> dict[tuple[str, str], Totals]:
    """Totals of traces and runs before this turn: what they are now, less what has changed."""
    before: dict[tuple[str, str], Totals] = {}
    for (trace_id, _), some in zip(posted.movements, changes, strict=True):
        trace = posted.traces[trace_id]
        for change in some:
            series, scope_id = change.key[:2]
            if series not in {"trace", "agent_run"}:
                continue
            now = trace.total if series == "trace" else trace.runs.get(scope_id, NOTHING)
            known = before.get((series, scope_id), now)
            before[series, scope_id] = known.minus(change.change)
    return before


def contributions(watch: Watch, trace_id: bytes, trace: Trace) -> Iterator[tuple[str, int, Totals]]:
    """What a trace adds to a filtered total, as (scope id, bucket, totals)."""
    for node in trace.nodes.values():
        if node.scope_ids is not None and not node.posted.is_zero:
            scope_id = _scope_id(watch, trace_id, node.scope_ids)
            if scope_id is not None:
                yield scope_id, bucket_of(node.time_ns), node.posted.totals


def _scope_id(watch: Watch, trace_id: bytes, ids: ScopeIds) -> str | None:
    """Which total of a watch a call counts for; None for none. A session's logs are no trace."""
    if watch.match and not matches(watch.match, by_scope(ids)):
        return None
    if watch.scope == "total":
        return ""
    if watch.scope == "trace":
        return None if is_of_logs(trace_id) else trace_id.hex()
    return id_in(ids, watch.scope) or None


def _changes(watch: Watch, trace_id: bytes, movement: Movement) -> Iterator[Change]:
    """What a movement changes in a watch's totals: the old owner first, then the new one."""
    target = _scope_id(watch, trace_id, movement.target)
    source = None if movement.source is None else _scope_id(watch, trace_id, movement.source)
    if source is None and target is None:
        return
    time_s = bucket_of(movement.node.time_ns)
    before, after = movement.before.totals, movement.after.totals
    if source == target:
        if target is not None and after != before:
            yield Change(watch, watch.key(target, time_s), after.minus(before))
        return
    if source is not None:
        yield Change(watch, watch.key(source, time_s), NOTHING.minus(before))
    if target is not None:
        yield Change(watch, watch.key(target, time_s), after)


def decrease_of(change: Totals) -> Totals:
    """The part of a change by which something that a budget limits shrinks.

    A charge that was adopted may bring tokens, and take back on the same span what another costs.
    """
    if is_decrease(change):
        return change
    cost_nano_usd = change.cost_nano_usd
    return Totals(cost_nano_usd) if cost_nano_usd < 0 else NOTHING


def is_decrease(change: Totals) -> bool:
    """True when nothing that a budget limits grows, and something shrinks."""
    cost, tokens = change.cost_nano_usd, change.tokens
    return cost <= 0 and tokens <= 0 and (cost < 0 or tokens < 0)


def session_of(posted: Posted, trace_id: bytes, node: Node) -> str:
    """The session that a span of this turn belongs to; ``""`` when that is not known."""
    trace = posted.traces[trace_id]
    ids = node.scope_ids or resolve(trace, node)[0]
    return ids.session
