"""Calls one by one, and traces and runs as trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from processor.core.errors import InvalidQuestionError, NotFoundError
from processor.core.model import NO_PARTS, NOTHING, NS_PER_S, SPAN_ID_BYTES, Calendar, Totals
from processor.core.ports import LedgerView
from processor.core.questions import CallsQuestion, TraceRow, TraceSpan, TracesQuestion
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import (
    CallsPage,
    Group,
    TraceReport,
    TracesPage,
    TreeSpan,
    as_of,
)
from processor.surfaces.queries.cursors import read_cursor, write_cursor
from processor.surfaces.queries.partial import deleted_reason, late_reason, partial_reasons
from processor.surfaces.queries.requests import CallsRequest, TracesRequest

SPANS_MAX: Final = 10_000
"""Of a trace that are shown."""
TRACE_OWNERS: Final = ("session", "user", "task", "agent", "org", "service")
"""What a trace may belong to as a whole."""
_BEFORE_SPAN_ID: Final = b"\1"
_POSITION_BOUNDS: Final = (2**63, 2**63, 2 ** (8 * SPAN_ID_BYTES + 1))
"""Of the numbers in a cursor of calls: the end, the trace's number, and the span id."""


def check_calls(
    request: CallsRequest, calendar: Calendar, own: Sequence[str], now_ns: int
) -> CallsQuestion:
    """Check a request. Raises InvalidQuestionError."""
    time = checks.check_range(request.time, calendar, now_ns // NS_PER_S)
    filters = checks.check_filters(request.filters, own)
    limit = checks.check_limit(request.limit, checks.CALLS_MAX)
    before = None
    if request.cursor:
        end_ns, trace, number = read_cursor(request.cursor, filters, _POSITION_BOUNDS)
        before = end_ns, trace, _span_id_of(number)
    return CallsQuestion(time.start_s, time.end_s, filters, before, limit)


def calls_page(view: LedgerView, question: CallsQuestion, now_ns: int) -> CallsPage:
    """Some calls, newest first."""
    calls = view.calls(question)
    cursor = ""
    if len(calls) == question.limit:
        last = calls[-1]
        position = last.end_ns, last.trace, _number_of(last.span_id)
        cursor = write_cursor(position, question.filters)
    partial = partial_reasons(view, question.filters, (question.start_s, question.end_s))
    partial += deleted_reason(view, question.start_s)
    partial += late_reason(view, question.start_s, question.end_s)
    return CallsPage(calls, cursor, partial, as_of(view.freshness(), now_ns))


def _number_of(span_id: bytes) -> int:
    """A span id as a number, of any length."""
    return int.from_bytes(_BEFORE_SPAN_ID + span_id)


def _span_id_of(number: int) -> bytes:
    return abs(number).to_bytes(1 + SPAN_ID_BYTES).lstrip(b"\0")[len(_BEFORE_SPAN_ID) :]


def check_traces(request: TracesRequest) -> TracesQuestion:
    """Check a request. Raises InvalidQuestionError."""
    limit = checks.check_limit(request.limit, checks.CALLS_MAX)
    owner = (request.dimension, request.value) if request.dimension else None
    if owner is not None and request.dimension not in TRACE_OWNERS:
        raise checks.unknown_word("dimension", request.dimension, TRACE_OWNERS)
    before = read_cursor(request.cursor, owner)[0] if request.cursor else None
    return TracesQuestion(owner, before, limit)


def traces_page(view: LedgerView, question: TracesQuestion, now_ns: int) -> TracesPage:
    """Some traces, the last that began to be charged first."""
    found = view.traces(question)
    more = ""
    if len(found) == question.limit:
        more = write_cursor((found[-1].id,), question.owner)
    titles = view.task_titles(sorted({each.task for each in found if each.task}))
    return TracesPage(found, titles, more, as_of(view.freshness(), now_ns))


def whole_trace(view: LedgerView, ids: tuple[bytes, bytes], now_ns: int) -> TracesPage:
    """One trace without its spans. Raises InvalidQuestionError, NotFoundError."""
    trace = _charged_trace(view, *ids)
    titles = view.task_titles([trace.task]) if trace.task else {}
    return TracesPage([trace], titles, "", as_of(view.freshness(), now_ns))


def _charged_trace(view: LedgerView, least: bytes, greatest: bytes) -> TraceRow:
    """The only trace with an id between these, which begin alike and go on with 0 and f."""
    found = view.traces_between(least, greatest, 2)
    pairs = zip(least.hex(), greatest.hex(), strict=True)
    begins = "".join(digit for digit, other in pairs if digit == other)
    if not found:
        which = begins if least == greatest else f"that begins with {begins}"
        raise NotFoundError(f"nothing was charged in a trace {which}")
    if len(found) > 1:
        what = f"several traces begin with {begins}"
        raise InvalidQuestionError("trace", what, "write more of its id")
    return found[0]


def check_run_id(text: str) -> tuple[bytes, bytes]:
    """Trace id and span id of a run, ``trace id:span id``. Raises InvalidQuestionError."""
    return checks.check_span("run", text, "of the agent's span")


def trace_report(
    view: LedgerView,
    ids: tuple[bytes, bytes],
    now_ns: int,
    run: bytes = b"",
    limit: int = SPANS_MAX,
) -> TraceReport:
    """A trace as a tree of up to `limit` spans, or the part of it below one span.

    `ids` are the least and the greatest id that it may have. Raises InvalidQuestionError where
    several traces do, NotFoundError.
    """
    trace = _charged_trace(view, *ids)
    spans = view.spans(trace, limit + 1, run)
    is_cut = len(spans) > limit
    tree, missing = build_tree(spans[:limit], run)
    totals = trace.totals
    partial = () if is_cut or run else _reasons_of_trace(view, trace, tree)
    if run:
        if not tree:
            if trace.end_ns // NS_PER_S < view.calls_kept_from_s:
                raise NotFoundError(
                    f"{deleted_reason(view, 0)[0]}, {trace.trace_id.hex()} is older"
                )
            raise NotFoundError(
                f"trace {trace.trace_id.hex()} has no agent with the id {run.hex()}"
            )
        totals, missing = view.run(trace, run), ()
    title = view.task_titles([trace.task]).get(trace.task, "") if trace.task else ""
    moment = as_of(view.freshness(), now_ns)
    return TraceReport(
        trace, title, totals, tree, missing, _by_model(tree), is_cut, partial, moment
    )


def _reasons_of_trace(
    view: LedgerView, trace: TraceRow, tree: Sequence[TreeSpan]
) -> tuple[str, ...]:
    """Why some of its calls are not in its tree."""
    if not tree:
        return deleted_reason(view, trace.end_ns // NS_PER_S)
    shown = NOTHING
    for each in tree:
        if not each.depth:
            shown = shown.plus(each.subtotal)
    return () if shown == trace.totals else deleted_reason(view, trace.start_ns // NS_PER_S)


def build_tree(
    spans: Sequence[TraceSpan], top: bytes = b""
) -> tuple[list[TreeSpan], tuple[bytes, ...]]:
    """Each span before those below it, and the parents that are not among them.

    The parent of the span `top` is not looked for.
    """
    known = {span.span_id for span in spans}
    children = defaultdict[bytes, list[TraceSpan]](list)
    roots = []
    missing = dict[bytes, None]()
    for span in sorted(spans, key=lambda span: (span.start_ns or span.end_ns, span.span_id)):
        if span.is_cut or span.parent_id not in known:
            roots.append(span)
            if span.parent_id and not span.is_cut and span.span_id != top:
                missing[span.parent_id] = None
        else:
            children[span.parent_id].append(span)
    order: list[tuple[TraceSpan, int]] = []
    waiting = [(span, 0) for span in reversed(roots)]
    while waiting:
        span, depth = waiting.pop()
        order.append((span, depth))
        waiting += [(child, depth + 1) for child in reversed(children[span.span_id])]
    subtotals: dict[bytes, Totals] = {}
    for span, _ in reversed(order):
        total = NOTHING if span.charge is None else span.charge.totals
        for child in children[span.span_id]:
            total = total.plus(subtotals[child.span_id])
        subtotals[span.span_id] = total
    tree = [
        TreeSpan(span, depth, subtotals[span.span_id], not depth and span.parent_id in missing)
        for span, depth in order
    ]
    return tree, tuple(missing)


def _by_model(tree: Sequence[TreeSpan]) -> list[Group]:
    sums: dict[tuple[str, ...], Totals] = {}
    for each in tree:
        charge = each.span.charge
        if charge is not None and charge.dimensions.kind != "agent":
            key = charge.dimensions.provider, charge.dimensions.model
            sums[key] = sums.get(key, NOTHING).plus(charge.totals)
    groups = [Group(values, "", totals, NO_PARTS, ()) for values, totals in sums.items()]
    return sorted(groups, key=lambda group: (-group.totals.cost_nano_usd, group.values))
