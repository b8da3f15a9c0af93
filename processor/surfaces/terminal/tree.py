"""A trace as a tree with what each span cost, from nothing but what stands on its spans. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from processor.core.amounts import UNKNOWN, fine_usd, marked, short_usd
from processor.surfaces.terminal.branches import Branch, branches
from processor.surfaces.terminal.figures import counted, duration, tokens
from processor.surfaces.terminal.notes import notes
from processor.surfaces.terminal.paint import (
    Paint,
    abridge,
    cells,
    left,
    plain,
    right,
    rule,
    shorten,
    wrap,
)
from processor.surfaces.terminal.received import ReceivedSpan

_NS_PER_MS: Final = 10**6
_TIME, _TOKENS, _COST, _TOTAL, _STATUS = 9, 8, 10, 12, 9

_SESSION = ("session.id", "gen_ai.conversation.id", "langfuse.session.id")
_USER = ("user.id", "cost.user_id", "enduser.id", "langfuse.user.id")
_TASK = ("cost.task_title", "task.title", "cost.task_id", "cost.task", "task.id")
_ORG = ("organization.id", "cost.org_id", "tenant.id")

_STATUS_STYLES: Final = {
    "exact": "dim",
    "failed": "red",
    "unpriced": "orange",
    "no usage": "orange",
}
_LABELS: Final = {"usage_missing": "no usage"}


class _Layout(NamedTuple):
    """Which columns there are, and how wide the first one is: that of names."""

    width: int
    room: int
    has_time: bool
    has_cached: bool
    is_wide: bool
    """Whether totals and statuses have columns of their own. Else the cost of an agent or a root
    is that of everything below it, and a status that matters is said under the name."""

    @property
    def counts(self) -> int:
        """Cells of all columns of tokens together."""
        return (3 if self.has_cached else 2) * _TOKENS


class _Totals(NamedTuple):
    """What is known of everything below an agent or a root, as it is shown."""

    tokens: str
    cost_usd: str
    calls: str


def render_trace(spans: Sequence[ReceivedSpan], paint: Paint, width: int) -> list[str]:
    """The lines of one trace, each at most `width` cells wide.

    From 112 cells on with the duration of each span, from 100 on with a column for totals, and
    below 72 without the one of cached tokens. A name that does not fit beside its figures stands
    on a line of its own above them.
    """
    layout = _layout(width)
    drawn, hidden = branches(spans)
    lines = [*_heading(spans, paint, width), paint("dim", _head(layout))]
    for branch in drawn:
        lines += _span_lines(branch, paint, layout)
        for style, text in notes(branch.span, has_status_column=layout.is_wide):
            room = width - 1 - cells(branch.below)
            below = f" {paint('dim', branch.below)}"
            lines += [f"{below}{paint(style, line)}" for line in wrap(plain(text), room, hang=2)]
    if hidden:
        lines.append(paint("dim", f" … and {hidden:,} more spans"))
    for text in _session_totals(spans):
        lines += [paint("dim", f" {line}") for line in wrap(text, width - 1)]
    return lines


def _layout(width: int) -> _Layout:
    has_time, is_wide, has_cached = width >= 112, width >= 100, width >= 72
    counts = (3 if has_cached else 2) * _TOKENS
    costs = _COST + _TOTAL + 2 + _STATUS if is_wide else _TOTAL
    room = width - 1 - has_time * _TIME - counts - costs
    return _Layout(width, room, has_time, has_cached, is_wide)


def _head(layout: _Layout) -> str:
    titles = ["input", "cached", "output"] if layout.has_cached else ["input", "output"]
    counts = "".join(right(each, _TOKENS) for each in titles)
    time = right("time", _TIME) if layout.has_time else ""
    cost = right("cost USD", _COST if layout.is_wide else _TOTAL)
    total = f"{right('total USD', _TOTAL)}  status" if layout.is_wide else ""
    return f" {' ' * layout.room}{time}{counts}{cost}{total}"


def _heading(spans: Sequence[ReceivedSpan], paint: Paint, width: int) -> Iterator[str]:
    ends = max(span.end_ns for span in spans) - min(span.start_ns for span in spans)
    title = f"trace {spans[0].trace_id[:8]} · {duration(ends / _NS_PER_MS)}"
    owners = " · ".join(
        f"{label} {found}"
        for label, keys in (
            ("session", _SESSION),
            ("user", _USER),
            ("org", _ORG),
            ("task", _TASK),
        )
        if (found := plain(_stated(spans, keys)))
    )
    whole = f"{title} · {owners}" if owners else title
    if cells(whole) <= width - 5:
        yield paint("bold", rule(whole, width))
        return
    yield paint("bold", rule(title, width))
    yield from (paint("bold", f" {line}") for line in wrap(owners, width - 1))


def _stated(spans: Sequence[ReceivedSpan], keys: Sequence[str]) -> str:
    found = (span.text(key) for key in keys for span in spans)
    return next((text for text in found if text), "")


def _span_lines(branch: Branch, paint: Paint, layout: _Layout) -> Iterator[str]:
    """A span's name and figures, on one line or on two."""
    span, stem, below = branch
    status, totals = span.text("llm.cost.status"), _totals(span)
    # The numbers of an aggregate without a cost of its own are those of the calls below.
    is_call = bool(status) and not (status == "aggregate" and span.number("llm.cost_usd") is None)
    style = "red" if span.failed else "bold" if totals else "" if is_call else "dim"
    name = abridge(plain(span.name), layout.width - 1 - len(stem))
    figures = _figures(span, totals, paint, layout, is_call=is_call)
    if figures.strip() and cells(name) > layout.room - len(stem):
        yield f" {paint('dim', stem)}{paint(style, name)}"
        stem, name = below, ""
    room = max(layout.room, len(stem) + cells(name))
    yield f" {paint('dim', stem)}{paint(style, left(name, room - len(stem)))}{figures}".rstrip()


def _figures(
    span: ReceivedSpan, totals: _Totals | None, paint: Paint, layout: _Layout, *, is_call: bool
) -> str:
    """Everything right of the name; ``""`` for a span that has no figures."""
    status = span.text("llm.cost.status")
    cost = _cost(span.amount("llm.cost_usd"), status) if is_call else ""
    label = _LABELS.get(status, plain(status)) if is_call else ""
    tone = _STATUS_STYLES.get(label, "") if is_call else "dim"
    cost_tone = tone if span.number("llm.cost_usd") is None else ""
    time = ""
    if layout.has_time:
        time = paint("dim", right(duration((span.end_ns - span.start_ns) / _NS_PER_MS), _TIME))
    if not is_call and totals is None:
        return time
    counts = _tokens(span, layout) if is_call else ""
    if not counts.strip():
        counts = paint("dim", right(_counted_tokens(totals, layout), layout.counts))
    if layout.is_wide:
        calls = totals.calls if totals and not label else label
        if cells(calls) > _STATUS:
            calls = shorten(calls.partition(" ")[0], _STATUS)
        total = paint("bold", right(totals.cost_usd if totals else "", _TOTAL))
        return f"{time}{counts}{paint(cost_tone, right(cost, _COST))}{total}  {paint(tone, calls)}"
    if totals and (not is_call or status == "aggregate"):
        return f"{time}{counts}{paint('bold', right(totals.cost_usd, _TOTAL))}"
    return f"{time}{counts}{paint(cost_tone, right(cost, _TOTAL))}"


def _cost(cost: Decimal | None, status: str) -> str:
    """A cost that is not known is never a zero; that of a call that failed early is none."""
    if cost is not None:
        return fine_usd(cost)
    return "none" if status == "failed" else UNKNOWN


def _tokens(span: ReceivedSpan, layout: _Layout) -> str:
    keys = ["llm.tokens.input", "llm.cache.tokens_saved", "llm.tokens.output"]
    if not layout.has_cached:
        keys.remove("llm.cache.tokens_saved")
    return "".join(right(tokens(span.number(key)), _TOKENS) for key in keys)


def _counted_tokens(totals: _Totals | None, layout: _Layout) -> str:
    """The tokens of everything below, with the number of calls where no column has it."""
    if not totals or not totals.tokens:
        return ""
    text = f"{totals.tokens} tokens"
    both = f"{totals.calls}, {text}"
    return both if not layout.is_wide and cells(both) < layout.counts else text


def _totals(span: ReceivedSpan) -> _Totals | None:
    for of in ("trace", "agent"):
        cost, calls = span.amount(f"{of}.total_cost_usd"), span.number(f"{of}.llm_calls")
        is_least = bool(span.attributes.get(f"{of}.cost_at_least"))
        if cost is not None or calls is not None or is_least:
            text = UNKNOWN if is_least else ""
            if cost is not None:
                text = marked(cost, fine_usd(cost), at_least=is_least)
            count = tokens(span.number(f"{of}.total_tokens"))
            return _Totals(count, text, counted(calls or 0, "call"))
    return None


def _session_totals(spans: Sequence[ReceivedSpan]) -> Iterator[str]:
    """What the latest root says of its session."""
    keys = ("session.agent_runs", "session.total_cost_usd")
    roots = [span for span in spans if any(span.number(key) is not None for key in keys)]
    if not roots:
        return
    root = max(roots, key=lambda span: span.end_ns)
    runs = counted(root.number("session.agent_runs") or 0, "agent run")
    cost = root.amount("session.total_cost_usd")
    known = "cost unknown"
    if cost is not None:
        least = "at least " if root.attributes.get("session.cost_at_least") else ""
        count = tokens(root.number("session.total_tokens")) or "no"
        known = f"{count} tokens, {least}{short_usd(cost)}"
    name = abridge(plain(_stated([root], _SESSION)), 40)
    yield f"session {name}, so far: {runs}, {known}"
