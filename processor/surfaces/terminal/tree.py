"""A trace as a tree with what each span cost, from nothing but what stands on its spans. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from processor.core.model import Event
from processor.surfaces.terminal.branches import branches
from processor.surfaces.terminal.figures import dollars, duration, money, percent, tokens
from processor.surfaces.terminal.paint import Paint, left, plain, right, rule, shorten
from processor.surfaces.terminal.received import ReceivedSpan

_TOKENS, _COST, _TOTAL, _STATUS = 8, 10, 12, 9
_FIGURES: Final = 3 * _TOKENS + _COST + _TOTAL + 2 + _STATUS + 1
"""Cells of a line that are not the name."""

_SESSION = ("session.id", "gen_ai.conversation.id", "langfuse.session.id")
_USER = ("user.id", "cost.user_id", "enduser.id", "langfuse.user.id")
_ORG = ("organization.id", "cost.org_id", "tenant.id")

_STATUS_STYLES: Final = {
    "exact": "dim",
    "failed": "red",
    "unpriced": "yellow",
    "no usage": "yellow",
}
_LABELS: Final = {"usage_missing": "no usage"}
_UNTOLD = frozenset({"exact", "failed", "aggregate"})
"""Statuses whose reason needs no line of its own."""

_UNIQUE_SCOPES: Final = {"call": "this call", "trace": "this trace", "agent_run": "this run"}


class Line(NamedTuple):
    """One line under a span's name."""

    style: str
    text: str


def render_trace(spans: Sequence[ReceivedSpan], paint: Paint, width: int) -> list[str]:
    """The lines of one trace, each at most `width` cells wide."""
    drawn, hidden = branches(spans)
    room = width - _FIGURES
    lines = [_heading(spans, paint, width), paint("dim", _head(room))]
    for span, stem, below in drawn:
        name = shorten(plain(span.name), room - len(stem))
        lines.append(_span_line(span, stem, name, paint, room))
        for style, text in _notes(span):
            note = shorten(plain(text), width - len(below) - 4)
            lines.append(f" {paint('dim', below)}{paint(style, note)}")
    if hidden:
        lines.append(paint("dim", f" … and {hidden:,} more spans"))
    lines += [paint("dim", f" {shorten(text, width - 1)}") for text in _session_totals(spans)]
    return lines


def _head(room: int) -> str:
    counts = "".join(right(each, _TOKENS) for each in ("input", "cached", "output"))
    return f" {' ' * room}{counts}{right('cost USD', _COST)}{right('total USD', _TOTAL)}  status"


def _heading(spans: Sequence[ReceivedSpan], paint: Paint, width: int) -> str:
    ends = max(span.end_ns for span in spans) - min(span.start_ns for span in spans)
    parts = [f"trace {spans[0].trace_id[:8]}", duration(ends)]
    for label, keys in (("session", _SESSION), ("user", _USER), ("org", _ORG)):
        if found := _stated(spans, keys):
            parts.append(f"{label} {found}")
    return paint("bold", rule(plain(" · ".join(parts)), width))


def _stated(spans: Sequence[ReceivedSpan], keys: Sequence[str]) -> str:
    found = (span.text(key) for key in keys for span in spans)
    return next((text for text in found if text), "")


def _span_line(span: ReceivedSpan, stem: str, name: str, paint: Paint, room: int) -> str:
    cost, status, totals = span.number("llm.cost_usd"), span.text("llm.cost.status"), _totals(span)
    # The numbers of an aggregate without a cost of its own are those of the calls below.
    is_call = bool(status) and not (status == "aggregate" and cost is None)
    style = "red" if span.failed else "bold" if totals else "" if is_call else "dim"
    start = f" {paint('dim', stem)}{paint(style, left(name, room - len(stem)))}"
    counts, total, calls = totals or ("", "", "")
    figures = _tokens(span) if is_call else ""
    if not figures.strip():
        figures = paint("dim", right(f"{counts} tokens" if counts else "", 3 * _TOKENS))
    label = _LABELS.get(status, plain(status)) if is_call else calls
    tone = _STATUS_STYLES.get(label, "") if is_call else "dim"
    shown = right(_cost(cost, status) if is_call else "", _COST)
    figures += paint(tone if cost is None else "", shown)
    figures += paint("bold", right(total, _TOTAL))
    return f"{start}{figures}  {paint(tone, shorten(label, _STATUS))}".rstrip()


def _cost(cost: float | None, status: str) -> str:
    """A cost that is not known is never a zero; that of a call that failed early is none."""
    if cost is not None:
        return money(cost)
    return "none" if status == "failed" else "unknown"


def _tokens(span: ReceivedSpan) -> str:
    keys = ("llm.tokens.input", "llm.cache.tokens_saved", "llm.tokens.output")
    return "".join(right(tokens(span.number(key)), _TOKENS) for key in keys)


def _totals(span: ReceivedSpan) -> tuple[str, str, str] | None:
    """Tokens, cost and calls of everything below an agent or a root."""
    for of in ("trace", "agent"):
        cost = span.number(f"{of}.total_cost_usd")
        if cost is not None:
            least = "≥ " if span.attributes.get(f"{of}.cost_at_least") else ""
            calls = span.number(f"{of}.llm_calls") or 0
            count = tokens(span.number(f"{of}.total_tokens"))
            return count, f"{least}{money(cost)}", _counted(calls, "call")
    return None


def _notes(span: ReceivedSpan) -> Iterator[Line]:
    """Why a span cost what it did, and what it set off."""
    status, reason = span.text("llm.cost.status"), span.text("llm.cost.reason")
    if span.failed and span.message:
        yield Line("red", f"failed: {span.message}")
    if status == "aggregate" and span.number("llm.cost_usd") is None:
        yield Line("dim", "repeats the tokens of its calls, which are counted once")
    model = span.text("llm.cost.model")
    as_model = model if model and model not in span.name and status != "aggregate" else ""
    if status == "usage_missing" or (status not in _UNTOLD and reason):
        style = "yellow" if span.number("llm.cost_usd") is None else "dim"
        after = f", model {as_model}" if as_model else ""
        yield Line(style, f"{status} ({reason or 'no usage reported'}){after}")
    elif as_model:
        yield Line("dim", f"model {as_model}")
    yield from _cache_notes(span)
    correction = span.number("llm.cost.correction_usd")
    if correction is not None:
        yield Line("dim", f"corrects earlier charges by {dollars(correction)}")
    yield from _budget_notes(span)


def _cache_notes(span: ReceivedSpan) -> Iterator[Line]:
    written = span.number("llm.cost.cache_write_usd")
    if written:
        yield Line("dim", f"{dollars(written)} of it for writing to the cache")
    saved = span.number("llm.cache.cost_saved_usd")
    if saved:
        yield Line("dim", f"the cache saved {dollars(saved)}")


def _budget_notes(span: ReceivedSpan) -> Iterator[Line]:
    over = set(filter(None, span.text("llm.budget.exceeded").split(",")))
    for event in span.events:
        if event.name == "llm.budget.exceeded":
            over.discard(str(event.attributes.get("budget.name")))
            yield Line("bold red", f"■ budget {_crossing(event)}")
        elif event.name == "llm.budget.warning":
            yield Line("yellow", f"▲ budget {_crossing(event)}")
    for name in sorted(over):
        yield Line("red", f"■ budget {name} stays exceeded")


def _crossing(event: Event) -> str:
    """What a budget event says: ``per-user-daily: user bob at 81 %, $0.2013 of $0.25``."""
    says = event.attributes
    scope, scope_id = str(says.get("budget.scope", "")), str(says.get("budget.scope_id", ""))
    whose = _UNIQUE_SCOPES.get(scope) or f"{scope} {scope_id}".strip()
    unit = "usd" if "budget.limit_usd" in says else "tokens"
    spent, limit = (says.get(f"budget.{what}_{unit}") for what in ("spent", "limit"))
    least = "at least " if says.get("budget.at_least") else ""
    exceeded = " exceeded" if event.name == "llm.budget.exceeded" else ""
    at = f"{whose} at {least}{percent(says.get('budget.ratio'))}"
    of = (
        f"{dollars(spent)} of {dollars(limit)}"
        if unit == "usd"
        else f"{spent!s} of {limit!s} tokens"
    )
    return f"{says.get('budget.name')!s}{exceeded}: {at}, {of}"


def _session_totals(spans: Sequence[ReceivedSpan]) -> Iterator[str]:
    """What the latest root says of its session."""
    roots = [span for span in spans if span.number("session.total_cost_usd") is not None]
    if not roots:
        return
    root = max(roots, key=lambda span: span.end_ns)
    least = "at least " if root.attributes.get("session.cost_at_least") else ""
    runs = _counted(root.number("session.agent_runs") or 0, "agent run")
    count = tokens(root.number("session.total_tokens")) or "no"
    cost = dollars(root.number("session.total_cost_usd"))
    name = shorten(plain(_stated([root], _SESSION)), 40)
    yield f"session {name}, so far: {runs}, {count} tokens, {least}{cost}"


def _counted(count: float, what: str) -> str:
    return f"{count:,.0f} {what}{'' if count == 1 else 's'}"
