"""The last stage of a turn: budgets, and the plan with everything that is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from processor.core.attribution import Movement, Node
from processor.core.attribution.owner import by_scope
from processor.core.attribution.share import NO_SUBTOTAL
from processor.core.budgets.policy import Budget
from processor.core.budgets.verdict import (
    State,
    StateKey,
    Window,
    crossings,
    matches,
    spent_of,
)
from processor.core.budgets.zones import ReportingZones
from processor.core.model import (
    NOTHING,
    NS_PER_S,
    Correction,
    Crossing,
    Plan,
    SpanRow,
    Stamp,
    TaskTitle,
)
from processor.core.posting.changes import (
    Change,
    Followed,
    decrease_of,
)
from processor.core.posting.crossed import TakenOver, is_equal
from processor.core.posting.full_trace import LEFT_OUT
from processor.core.posting.late import NOTHING_LATE
from processor.core.posting.spend import add_spend
from processor.core.posting.stamp import Draft, stamp_of, with_first
from processor.core.posting.sums import add_charges, add_up
from processor.core.posting.turn import Posted


@dataclass(slots=True)
class _Decision:
    posted: Posted
    call_budgets: Sequence[Budget]
    states: Mapping[StateKey, State]
    now_s: int
    homes: Mapping[Node, bytes]
    """The trace of each new span, where one of another trace may have changed something."""
    sessions: Mapping[Node, str]
    """See `Followed.sessions`."""
    drafts: dict[int, Draft] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)

    def carrier_span(self, trace_id: bytes, cause: Node) -> Node:
        """The span that what `cause` brought about is written on.

        A cause that had waited is not in this batch; the span for which it was taken is.
        """
        return cause if cause.row >= 0 else self.posted.first_new.get(trace_id, cause)

    def trace_of(self, trace_id: bytes, cause: Node) -> bytes:
        """The trace of what changed something in a trace: mostly the same one."""
        return self.homes.get(cause, trace_id)

    def draft(self, node: Node) -> Draft:
        """What is to be written on a span of the batch."""
        return self.drafts.setdefault(node.row, Draft())

    def cross(
        self,
        trace_id: bytes,
        cause: Node,
        found: Crossing,
        trigger: str,
        *,
        is_written: bool = False,
    ) -> None:
        """Note a crossing in the ledger and on the span that caused it, unless it is there."""
        carrier_span = self.carrier_span(trace_id, cause)
        span = f"{self.trace_of(trace_id, cause).hex()}:{carrier_span.span_id.hex()}"
        crossing = found._replace(span=span, trigger=trigger)
        self.plan.crossings.append(crossing)
        if not is_written:
            self.draft(carrier_span).crossings.append(crossing)


def decide(
    followed: Followed,
    call_budgets: Sequence[Budget],
    states: Mapping[StateKey, State],
    zones: ReportingZones,
    spend_by: tuple[str, ...] | None = None,
) -> Plan:
    """Check the budgets, and set out all that the turn writes.

    `states` has those of `followed.keys`, and is changed. `spend_by` are the dimensions that
    metrics tell apart; None where they show nothing.
    """
    posted = followed.posted
    new = (*posted.added, *posted.amended) if posted.restated else ()
    homes = {node: trace_id for trace_id, node in new}
    now_s = posted.received_ns // NS_PER_S
    decision = _Decision(posted, call_budgets, states, now_s, homes, followed.sessions)
    # What goes down comes first, so that no sum in between crosses a limit that the end does not
    # reach: a late child of a charged aggregate takes from one span what it brings on another.
    for changes in followed.changes:
        for change in changes:
            decrease = decrease_of(change.change)
            if decrease is not NOTHING and change.key is not None:
                states[change.key].total = states[change.key].total.plus(decrease)
    for taken in followed.crossed:
        _take_over(decision, taken)
    for (trace_id, movement), changes in zip(posted.movements, followed.changes, strict=True):
        _check_budgets(decision, trace_id, movement, changes)
        _check_call_budgets(decision, trace_id, movement)
        _correct(decision, trace_id, movement)
    if posted.late is not NOTHING_LATE:
        _add_late(decision, followed)
    add_up(decision.plan, followed, zones)
    if spend_by is not None:
        add_spend(decision.plan, posted, spend_by)
    decision.plan.repeats, decision.plan.conflicts = posted.repeats, posted.conflicts
    decision.plan.pending += posted.pending
    decision.plan.uncharged = {each: left.calls for each, left in posted.left_out.items()}
    decision.plan.unfollowed = sum(left.others for left in posted.left_out.values())
    _stamp(decision)
    add_charges(decision.plan, posted)
    _note_titles(decision)
    return decision.plan


def _add_late(decision: _Decision, followed: Followed) -> None:
    """Add what came too late to the totals that are watched: it costs nothing that is known."""
    late, plan = followed.posted.late, decision.plan
    for changes in followed.late:
        for change in changes:
            if change.key is not None:
                state = decision.states[change.key]
                state.total = state.total.plus(change.change)
    plan.late = late.calls
    plan.stamps.update(late.stamps)


def _take_over(decision: _Decision, taken: TakenOver) -> None:
    """Keep a crossing of which another processor has written the event."""
    state, state_now = decision.states[taken.key], decision.states.get(taken.key_now)
    crossing = taken.crossing
    mark = (crossing.budget, crossing.limit, crossing.unit, crossing.threshold)
    if state_now is not None and state_now is not state:
        state_now.crossed.add(mark)
    if mark not in state.crossed:
        state.crossed.add(mark)
        decision.plan.crossings.append(crossing)


def _check_budgets(
    decision: _Decision, trace_id: bytes, movement: Movement, changes: Sequence[Change]
) -> None:
    """Add a movement to the totals that are watched, and see what that crosses."""
    node, cause = movement.node, movement.cause
    is_call = cause is node and node.entry is not None
    trigger = decision.posted.change or ("" if cause is node else "attribution")
    for change in changes:
        decrease = decrease_of(change.change)
        if change.key is None or (decrease is not NOTHING and decrease is change.change):
            continue
        state = decision.states[change.key]
        total = state.total = state.total.plus(change.change.minus(decrease))
        for budget in change.watch.budgets:
            spent = spent_of(budget, total)
            if spent < budget.least_amount:
                continue  # Most movements reach no threshold.
            _, scope_id, start_s, end_s, _ = change.key
            for found in crossings(budget, scope_id, state, Window(start_s, end_s, decision.now_s)):
                decision.cross(trace_id, cause, found, trigger)
            if spent >= budget.limit_for(scope_id) and (is_call or trigger == "attribution"):
                # A call, or the span that says whose the calls below it are.
                decision.draft(decision.carrier_span(trace_id, cause)).exceeded.add(budget.name)


def _check_call_budgets(decision: _Decision, trace_id: bytes, movement: Movement) -> None:
    """Check the budgets for single calls; aggregates never meet them."""
    node = movement.node
    is_new = node is movement.cause and not decision.posted.change
    after = movement.after.totals
    if not decision.call_budgets or not is_new or not after.calls:
        return
    reached = [
        budget for budget in decision.call_budgets if spent_of(budget, after) >= budget.least_amount
    ]
    if not reached:
        return
    scope_id = f"{trace_id.hex()}:{node.span_id.hex()}"
    ids = by_scope(movement.target)
    for budget in reached:
        if not matches(budget.match, ids):
            continue
        state = State(after, set())
        for found in crossings(budget, scope_id, state, Window(0, 0, decision.now_s)):
            is_written = any(
                each.scope_id == scope_id and is_equal(budget, each, found.threshold)
                for each in decision.posted.crossed
            )
            decision.cross(trace_id, node, found, "", is_written=is_written)
            if found.threshold >= 1.0:
                decision.draft(node).exceeded.add(budget.name)


def _correct(decision: _Decision, trace_id: bytes, movement: Movement) -> None:
    """Note an older charge that changed, in the ledger and on the span that changed it."""
    node, cause, is_batch = movement.node, movement.cause, not decision.posted.change
    if movement.source is None or node.entry is None or (cause is node and is_batch):
        return
    change = movement.after.totals.minus(movement.before.totals)
    if change.is_zero:
        return
    carrier_span = decision.carrier_span(trace_id, cause)
    cause_id = carrier_span.span_id if is_batch else b""
    decision.plan.corrections.append(
        Correction(trace_id, node.span_id, cause_id, node.time_ns, change)
    )
    if change.cost_nano_usd and is_batch:
        draft = decision.draft(carrier_span)
        is_here = decision.trace_of(trace_id, cause) == trace_id
        corrected = node.span_id if is_here else trace_id + node.span_id
        draft.corrections.append((corrected, change.cost_nano_usd))
        shown = node.stamp.entry if node.stamp is not None else None
        # A leaf that was a duplicate shows nothing, and all that it is charged now is a change.
        is_leaf = node.entry.is_leaf_charge and node.below is NO_SUBTOTAL
        if is_leaf or (shown is not None and shown.is_leaf_charge):
            draft.leaf_corrections_nano_usd += change.cost_nano_usd


def _note_titles(decision: _Decision) -> None:
    """Note the titles of tasks. Only what names both says which title a task has."""
    titles = decision.plan.task_titles
    for row in decision.plan.rows:
        for said in (row.inherited, row.own):
            if said.task_title is not None and said.task is not None:
                title = TaskTitle(said.task_title, row.time_ns)
                known = titles.get(said.task)
                if known is None or title.is_later_than(known):
                    titles[said.task] = title


def _stamp(decision: _Decision) -> None:
    """Write the stamps of all spans of this turn, and the rows that keep them."""
    posted, plan = decision.posted, decision.plan
    for trace_id, node in (*posted.added, *posted.amended):
        # Only a span that is amended has a first stamp here.
        if node.stamp is None or not posted.change:
            node.stamp = with_first(_stamp_of(decision, trace_id, node), node.stamp)
    amended = [*posted.amended, *posted.restated]
    plan.rows += [_row(trace_id, node, is_amendment=False) for trace_id, node in posted.added]
    plan.rows += [_row(trace_id, node, is_amendment=True) for trace_id, node in amended]
    for row, node in posted.rows.items():
        # A call that came too late may link what is above and below it.
        if node.stamp is not None and row not in posted.late.stamps:
            plan.stamps[row] = node.stamp
    for row in posted.left_rows:
        plan.stamps[row] = LEFT_OUT
    for _, node in (*posted.added, *posted.amended):
        node.row = -1


def _stamp_of(decision: _Decision, trace_id: bytes, node: Node) -> Stamp:
    posted = decision.posted
    session = None
    if session_id := decision.sessions.get(node):
        session = decision.states["session", session_id, 0, 0, 0].total
    draft = decision.drafts.get(node.row) if node.row >= 0 else None
    is_amended = trace_id in posted.root_passed
    return stamp_of(node, posted.traces[trace_id], draft, session, is_amended=is_amended)


def _row(trace_id: bytes, node: Node, *, is_amendment: bool) -> SpanRow:
    return SpanRow(
        trace_id,
        node.span_id,
        node.parent_id,
        node.time_ns,
        node.is_agent,
        node.is_local_root,
        node.own,
        node.inherited,
        node.service,
        node.entry,
        node.stamp or Stamp(),
        node.is_cut,
        is_amendment,
        node.is_reference,
        node.is_tool,
        node.is_charged_elsewhere,
        node.is_excluded,
    )
