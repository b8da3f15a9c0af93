"""What a turn changes in the totals that budgets follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple

from processor.core.attribution import Movement, Node, Trace
from processor.core.attribution.node import ScopeIds
from processor.core.attribution.owner import by_scope, id_in, resolve
from processor.core.attribution.trace import is_of_logs
from processor.core.budgets.verdict import StateKey, Watch
from processor.core.budgets.watches import Watches
from processor.core.budgets.window import bucket_of
from processor.core.model import NOTHING, NS_PER_S, Posting, Totals
from processor.core.posting.crossed import TakenOver, is_known, states_of
from processor.core.posting.turn import Posted


class _Place(NamedTuple):
    """A total that a call counts for."""

    watch: Watch
    total: tuple[str, str]
    key: StateKey | None


_Places = dict[int, _Place]
"""By the position of a watch."""


_OF_ONE_TRACE: Final = frozenset({"trace", "agent_run"})
"""Scopes whose totals are found from the spans of a trace."""


@dataclass(slots=True)
class Change:
    """What one movement changes in one total that budgets follow."""

    watch: Watch
    total: tuple[str, str]
    """Series and scope id."""
    key: StateKey | None
    """Of the state that it changes; None where a rolling window has left it behind."""
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
    sessions: Mapping[Node, str]
    """Of local roots that this turn brought; ``""`` where that is not known."""
    crossed: Sequence[TakenOver] = ()
    """What another processor has found that a budget here is equal to."""
    filling: Sequence[tuple[Posting, Totals]] = ()
    """Changes of totals that are being filled, and that no budget looks at yet."""
    late: Sequence[Sequence[Change]] = ()
    """For each movement of what came too late."""


class Filling(NamedTuple):
    """Totals that are being filled with what was charged before a budget followed them."""

    watches: Watches
    counted: Mapping[bytes, bytes]
    """Traces that are counted in them already, each up to a span in the order of their ids; the
    others will be, as they are then."""

    def changes(self, posted: Posted) -> Iterator[tuple[Posting, Totals]]:
        """What a posted batch changes in them."""
        states = _States(self.watches, posted.received_ns)
        for trace_id, movement in posted.movements:
            if movement.node.span_id <= self.counted.get(trace_id, b""):
                bucket = bucket_of(movement.node.time_ns)
                for change in states.changes(trace_id, movement):
                    yield (*change.total, bucket), change.change
        # It has no row, with which it could be met later.
        for trace_id, movement in posted.late.movements:
            for change in states.changes(trace_id, movement):
                yield (*change.total, bucket_of(movement.node.time_ns)), change.change


class _States:
    """The states that calls count for; those of one owner and time are looked for once."""

    def __init__(self, watches: Watches, now_ns: int) -> None:
        self._watches, self._now_s = watches, now_ns // NS_PER_S
        self._found: dict[tuple[bytes, ScopeIds, int], _Places] = {}

    def changes(self, trace_id: bytes, movement: Movement) -> list[Change]:
        """What a movement changes, watch by watch: the old owner first, then the new one."""
        bucket = bucket_of(movement.node.time_ns)
        before, after = movement.before.totals, movement.after.totals
        targets = self.places(trace_id, movement.target, bucket)
        if movement.source is None:
            return [Change(*target, after) for target in targets.values()]
        sources = self.places(trace_id, movement.source, bucket)
        changes: list[Change] = []
        for at in sorted(sources.keys() | targets.keys()):
            source, target = sources.get(at), targets.get(at)
            if source is not None and target is not None and source[1:] == target[1:]:
                if after != before:
                    changes.append(Change(*source, after.minus(before)))
                continue
            if source is not None:
                changes.append(Change(*source, NOTHING.minus(before)))
            if target is not None:
                changes.append(Change(*target, after))
        return changes

    def places(self, trace_id: bytes, ids: ScopeIds, bucket: int) -> _Places:
        """What a call of this owner and time counts for."""
        asked = trace_id, ids, bucket
        found = self._found.get(asked)
        if found is None:
            watches = self._watches
            found = self._found[asked] = {}
            first_at: dict[StateKey, int] = {}
            for at in watches.counting(by_scope(ids) if watches.have_filters else {}):
                watch = watches[at]
                scope_id = _scope_id(watch, trace_id, ids)
                if scope_id is None:
                    continue
                key, first = watch.key_now(scope_id, bucket, self._now_s), at
                if key is not None:
                    first = first_at.setdefault(key, at)
                if first != at:
                    # Windows of other calendars may be the same one, whose total counts once.
                    known = found[first].watch
                    watch = known._replace(budgets=known.budgets + watch.budgets)
                found[first] = _Place(watch, (watch.series, scope_id), key)
        return found


def follow(posted: Posted, watches: Watches, filling: Sequence[Filling] = ()) -> Followed:
    """Find what a posted batch changes in the totals of `watches`, and in those being filled."""
    states = _States(watches, posted.received_ns)
    changes = [states.changes(*moved) for moved in posted.movements]
    sessions = {
        node: _session_of(posted.traces[trace_id], node)
        for trace_id, node in (*posted.added, *posted.amended)
        if node.is_local_root
    }
    late = [
        [each for each in states.changes(*moved) if each.watch.scope not in _OF_ONE_TRACE]
        for moved in posted.late.movements
    ]
    keys = {each.key for some in (*changes, *late) for each in some if each.key is not None}
    keys.update(("session", session, 0, 0, 0) for session in sessions.values() if session)
    crossed = [
        each
        for each in states_of(posted.crossed, watches, posted.received_ns // NS_PER_S)
        if each.key in keys or is_known(each.key)
    ]
    keys.update(each.key for each in crossed)
    filled = [change for each in filling for change in each.changes(posted)]
    before = _before(posted, changes) if any(key[0] in _OF_ONE_TRACE for key in keys) else {}
    return Followed(posted, changes, before, keys, sessions, crossed, filled, late)


def _before(posted: Posted, changes: Sequence[Sequence[Change]]) -> dict[tuple[str, str], Totals]:
    """Totals of traces and runs before this turn: what they are now, less what has changed."""
    before: dict[tuple[str, str], Totals] = {}
    for (trace_id, _), some in zip(posted.movements, changes, strict=True):
        for change in some:
            series, scope_id = change.total
            if series not in _OF_ONE_TRACE:
                continue
            trace = posted.traces[trace_id]
            now = trace.total if series == "trace" else trace.runs.get(scope_id, NOTHING)
            known = before.get((series, scope_id), now)
            before[series, scope_id] = known.minus(change.change)
    return before


def contributions(
    watches: Watches, trace_id: bytes, nodes: Iterable[Node]
) -> Iterator[tuple[Posting, Totals]]:
    """What spans of a trace add to the totals of `watches`, of which no two have the same."""
    states = _States(watches, 0)
    for node in nodes:
        if node.scope_ids is not None and not node.posted.is_zero:
            bucket = bucket_of(node.time_ns)
            for place in states.places(trace_id, node.scope_ids, bucket).values():
                yield (*place.total, bucket), node.posted.totals


def _scope_id(watch: Watch, trace_id: bytes, ids: ScopeIds) -> str | None:
    """Which total of a watch a call counts for; None for none. A session's logs are no trace."""
    if watch.scope == "total":
        return ""
    if watch.scope == "trace":
        return None if is_of_logs(trace_id) else trace_id.hex()
    return id_in(ids, watch.scope) or None


def decrease_of(change: Totals) -> Totals:
    """The part of a change by which something that a budget limits shrinks.

    A charge that was adopted may bring tokens, and take back on the same span what another costs.
    """
    cost_nano_usd, tokens = change.cost_nano_usd, change.input_tokens + change.output_tokens
    if cost_nano_usd >= 0 and tokens >= 0:
        return NOTHING
    if cost_nano_usd <= 0 and tokens <= 0:
        return change
    return Totals(cost_nano_usd) if cost_nano_usd < 0 else NOTHING


def _session_of(trace: Trace, node: Node) -> str:
    ids = node.scope_ids or resolve(trace, node)[0]
    return ids.session
