"""The second half of a turn: budgets, and the plan with everything that is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from processor.budget.policy import Budget
from processor.budget.verdict import (
    State,
    StateKey,
    Watch,
    Window,
    crossings,
    is_reached,
    matches,
    spent_of,
    threshold_of,
)
from processor.decide.stamp import Draft, stamp_of
from processor.decide.turn import Change, Posted
from processor.model import Correction, Crossing, Plan, Posting, SpanRow, Totals
from processor.rollup import Movement, Node, Trace
from processor.rollup.node import Place
from processor.rollup.owner import AGENT_RUN, DIMENSIONS, resolve
from processor.rollup.totals import NOTHING, minus, plus
from processor.rollup.trace import is_of_logs
from processor.rollup.window import bucket_of

_Key = TypeVar("_Key")
_NS_PER_S = 1_000_000_000
_STORED = DIMENSIONS[:AGENT_RUN] + DIMENSIONS[AGENT_RUN + 1 :]
"""Scopes whose totals are kept in the ledger. A trace and its runs are summed from their spans."""


@dataclass(slots=True)
class _Turn:
    posted: Posted
    watches: Sequence[Watch]
    call_budgets: Sequence[Budget]
    states: Mapping[StateKey, State]
    now_s: int
    drafts: dict[int, Draft] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)

    def bearer(self, trace_id: bytes, cause: Node) -> Node:
        """The span that what `cause` brought about is written on.

        A cause that had waited is not in this batch; the span that called it in is.
        """
        return cause if cause.row >= 0 else self.posted.callers.get(trace_id, cause)

    def draft(self, node: Node) -> Draft:
        """What is to be written on a span of the batch."""
        return self.drafts.setdefault(node.row, Draft())

    def cross(self, trace_id: bytes, cause: Node, found: Crossing, trigger: str) -> None:
        """Note a crossing in the books and on the span that caused it."""
        bearer = self.bearer(trace_id, cause)
        span = f"{trace_id.hex()}:{bearer.span_id.hex()}"
        crossing = found._replace(span=span, trigger=trigger)
        self.plan.crossings.append(crossing)
        self.draft(bearer).crossings.append(crossing)


def needs(posted: Posted, watches: Sequence[Watch]) -> set[StateKey]:
    """Keys of the states that `judge` will ask for; notes in `posted` what changes in each."""
    posted.changes = [
        [change for watch in watches for change in _changes(watch, trace_id, movement)]
        for trace_id, movement in posted.movements
    ]
    keys = {change.key for changes in posted.changes for change in changes}
    _note_before(posted)
    for trace_id, node in (*posted.added, *posted.amended):
        if node.is_entry and (session := _session_of(posted, trace_id, node)):
            keys.add(("session", session, 0, 0))
    return keys


def _note_before(posted: Posted) -> None:
    """Totals of traces and runs before this turn: what they are now, less what has changed."""
    for (trace_id, _), changes in zip(posted.movements, posted.changes, strict=True):
        trace = posted.traces[trace_id]
        for change in changes:
            series, scope_id = change.key[:2]
            if series not in {"trace", "agent_run"}:
                continue
            now = trace.total if series == "trace" else trace.runs.get(scope_id, NOTHING)
            before = posted.before.get((series, scope_id), now)
            posted.before[series, scope_id] = minus(before, change.change)


def judge(
    posted: Posted,
    watches: Sequence[Watch],
    call_budgets: Sequence[Budget],
    states: Mapping[StateKey, State],
) -> Plan:
    """Ask the budgets, and lay down all that the turn writes. Changes `states` as it goes on."""
    turn = _Turn(posted, watches, call_budgets, states, posted.received_ns // _NS_PER_S)
    # What goes down goes first, so that no sum in between crosses a limit that the end does not
    # reach: a late child of a charged aggregate takes from one span what it brings on another.
    for changes in posted.changes:
        for change in changes:
            if _is_decrease(change.change):
                states[change.key].total = plus(states[change.key].total, change.change)
    for (trace_id, movement), changes in zip(posted.movements, posted.changes, strict=True):
        _follow(turn, trace_id, movement, changes)
        _judge_call(turn, trace_id, movement)
        _correct(turn, trace_id, movement)
    turn.plan.postings = dict(_postings(posted))
    turn.plan.repeats, turn.plan.conflicts = posted.repeats, posted.conflicts
    _stamp(turn)
    return turn.plan


def contributions(watch: Watch, trace_id: bytes, trace: Trace) -> Iterator[tuple[str, int, Totals]]:
    """What a trace adds to a filtered total, as (scope id, bucket, totals)."""
    for node in trace.nodes.values():
        if node.place is not None and node.posted != NOTHING:
            scope_id = _scope_id(watch, trace_id, node.place)
            if scope_id is not None:
                yield scope_id, bucket_of(node.time_ns), node.posted


def _scope_id(watch: Watch, trace_id: bytes, place: Place) -> str | None:
    """Which total of a watch a place counts for; None for none. A session's logs are no trace."""
    if watch.match:
        ids = dict(zip(DIMENSIONS, place, strict=True))
        if not matches(watch.match, ids):
            return None
    if watch.scope == "total":
        return ""
    if watch.scope == "trace":
        return None if is_of_logs(trace_id) else trace_id.hex()
    return place[DIMENSIONS.index(watch.scope)] or None


def _changes(watch: Watch, trace_id: bytes, movement: Movement) -> Iterator[Change]:
    """What a movement changes in a watch's totals: the old owner first, then the new one."""
    target = _scope_id(watch, trace_id, movement.target)
    source = None if movement.source is None else _scope_id(watch, trace_id, movement.source)
    time_s = bucket_of(movement.node.time_ns)
    if source == target:
        if target is not None and movement.after != movement.before:
            change = minus(movement.after, movement.before)
            yield Change(watch, watch.key(target, time_s), change)
        return
    if source is not None:
        change = minus(NOTHING, movement.before)
        yield Change(watch, watch.key(source, time_s), change)
    if target is not None:
        yield Change(watch, watch.key(target, time_s), movement.after)


def _is_decrease(change: Totals) -> bool:
    """True when nothing that a budget limits grows, and something shrinks."""
    cost, tokens = change.cost_nano_usd, change.tokens
    return cost <= 0 and tokens <= 0 and (cost < 0 or tokens < 0)


def _follow(turn: _Turn, trace_id: bytes, movement: Movement, changes: list[Change]) -> None:
    """Add a movement to the totals that are watched, and see what that crosses."""
    node, cause = movement.node, movement.cause
    is_call = cause is node and node.entry is not None
    trigger = "reprice" if turn.posted.is_repricing else "" if cause is node else "attribution"
    for watch, key, change in changes:
        if _is_decrease(change):
            continue
        state = turn.states[key]
        state.total = plus(state.total, change)
        _, scope_id, start_s, end_s = key
        window = Window(start_s, end_s, turn.now_s)
        for budget in watch.budgets:
            spent, limit = spent_of(budget, state.total), budget.limit_for(scope_id)
            if spent < threshold_of(limit, budget.shares[0]):
                continue  # The usual case, made cheap.
            for found in crossings(budget, scope_id, state, window):
                turn.cross(trace_id, cause, found, trigger)
            if is_call and spent >= limit:
                turn.draft(node).exceeded.add(budget.name)


def _judge_call(turn: _Turn, trace_id: bytes, movement: Movement) -> None:
    """Ask the budgets for single calls; aggregates never meet them."""
    node = movement.node
    is_new = node is movement.cause and not turn.posted.is_repricing
    if not turn.call_budgets or not is_new or not movement.after.calls:
        return
    if all(
        not is_reached(spent_of(budget, movement.after), budget.smallest_limit, budget.shares[0])
        for budget in turn.call_budgets
    ):
        return
    scope_id = f"{trace_id.hex()}:{node.span_id.hex()}"
    ids = dict(zip(DIMENSIONS, movement.target, strict=True))
    for budget in turn.call_budgets:
        if not matches(budget.match, ids):
            continue
        state = State(movement.after, set())
        for found in crossings(budget, scope_id, state, Window(0, 0, turn.now_s)):
            turn.cross(trace_id, node, found, "")
            if found.share >= 1.0:
                turn.draft(node).exceeded.add(budget.name)


def _correct(turn: _Turn, trace_id: bytes, movement: Movement) -> None:
    """Note an older charge that changed, in the books and on the span that changed it."""
    node, cause, is_repricing = movement.node, movement.cause, turn.posted.is_repricing
    if movement.source is None or node.entry is None or (cause is node and not is_repricing):
        return
    change = minus(movement.after, movement.before)
    if change == NOTHING:
        return
    bearer = turn.bearer(trace_id, cause)
    cause_id = b"" if is_repricing else bearer.span_id
    turn.plan.corrections.append(Correction(trace_id, node.span_id, cause_id, node.time_ns, change))
    if change.cost_nano_usd and not is_repricing:
        draft = turn.draft(bearer)
        draft.corrections.append((node.span_id, change.cost_nano_usd))
        shown = node.stamp.entry if node.stamp is not None else None
        if shown is not None and shown.is_leaf_charge:
            draft.retold_nano_usd += change.cost_nano_usd


def _postings(posted: Posted) -> Iterator[tuple[Posting, Totals]]:
    """Changes of the stored totals. Calls of one place and time are added up first."""
    places: dict[tuple[Place, int], Totals] = {}
    changes: dict[Posting, Totals] = {}
    for (_, movement), followed in zip(posted.movements, posted.changes, strict=True):
        bucket = bucket_of(movement.node.time_ns)
        if movement.source is not None and movement.before != NOTHING:
            _add(places, (_stored(movement.source), bucket), minus(NOTHING, movement.before))
        if movement.after != NOTHING:
            _add(places, (_stored(movement.target), bucket), movement.after)
        # Filtered totals; several windows of one filter share them.
        for posting, change in {
            (*item.key[:2], bucket): item.change for item in followed if item.watch.match
        }.items():
            _add(changes, posting, change)
    for (place, bucket), change in places.items():
        _add(changes, ("total", "", bucket), change)
        for scope, owner in zip(_STORED, place, strict=True):
            if owner is not None:
                _add(changes, (scope, owner, bucket), change)
    return ((posting, change) for posting, change in changes.items() if change != NOTHING)


def _stored(place: Place) -> Place:
    return place[:AGENT_RUN] + place[AGENT_RUN + 1 :]


def _add(sums: dict[_Key, Totals], key: _Key, change: Totals) -> None:
    known = sums.get(key)
    sums[key] = change if known is None else plus(known, change)


def _session_of(posted: Posted, trace_id: bytes, node: Node) -> str:
    trace = posted.traces[trace_id]
    place = node.place or resolve(trace, node)[0]
    return place[DIMENSIONS.index("session")] or ""


def _stamp(turn: _Turn) -> None:
    """Write the stamps of all spans of this turn, and the rows that keep them."""
    posted, plan = turn.posted, turn.plan
    amended = {id(node) for _, node in posted.amended}
    for trace_id, node in (*posted.added, *posted.amended):
        trace = posted.traces[trace_id]
        session = None
        if node.is_entry and (session_id := _session_of(posted, trace_id, node)):
            session = turn.states["session", session_id, 0, 0].total
        draft = turn.drafts.get(node.row, Draft()) if node.row >= 0 else Draft()
        is_amended = trace_id in posted.amendable
        if node.stamp is None or not posted.is_repricing:
            node.stamp = stamp_of(node, trace, draft, session, is_amended=is_amended)
        plan.rows.append(
            SpanRow(
                trace_id,
                node.span_id,
                node.parent_id,
                node.time_ns,
                node.is_agent,
                node.is_entry,
                node.own,
                node.ambient,
                node.service,
                node.entry,
                node.stamp,
                node.is_cut,
                id(node) in amended,
                node.is_echo,
            )
        )
    for row, node in posted.rows.items():
        if node.stamp is not None:
            plan.stamps[row] = node.stamp
    for _, node in (*posted.added, *posted.amended):
        node.row = -1
