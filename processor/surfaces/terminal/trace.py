"""A trace as a tree: what each span is charged, and what it and all below it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from rich.text import Text

from processor.core.amounts import fine_usd, short_usd
from processor.surfaces.api.documents import CallDocument, SpanDocument, TraceDocument
from processor.surfaces.terminal.calls import call_costs
from processor.surfaces.terminal.costs import cost_column, cost_text, unknown_remark
from processor.surfaces.terminal.figures import counted, duration, tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.paint import abridge, plain, rule, wrap

_COLUMNS: Final = (
    Column("span", "name"),
    Column("input", keep=6),
    Column("cached", keep=4),
    Column("output", keep=6),
    Column("cost USD"),
    Column("subtotal USD", keep=8),
    Column("calls", keep=3),
    Column("time", keep=2),
)
_STEM_CELLS_MAX: Final = 24
_NAME_CELLS_MAX: Final = 48
_OWNERS: Final = ("session", "user", "task", "agent", "org", "service")


class _Place(NamedTuple):
    """Where a span is in the drawing: what stands before its name, and before its notes."""

    stem: str
    below: str


def draw_trace(document: TraceDocument, width: int) -> list[Text]:
    """The lines of a tree."""
    lines = [Text(line, style) for style, line in _heading(document, width)]
    if document.spans:
        lines += [Text(), *_tree(document.spans, width)]
    lines += [Text(f" {line}", style) for style, line in _remarks(document, width)]
    return lines


def _heading(document: TraceDocument, width: int) -> Iterator[tuple[str, str]]:
    trace, totals = document.trace, document.totals
    yield "bold", rule(f"trace {trace.trace_id}", width)
    took = "" if trace.duration_ms is None else f", in {duration(trace.duration_ms)}"
    count = f"{tokens(totals.tokens.total) or '0'} tokens"
    yield "bold", f" {cost_text(totals)} for {counted(totals.calls, 'call')}, {count}{took}"
    values = {name: getattr(trace, name) for name in _OWNERS}
    values["task"] = trace.task_title or trace.task
    owners = " · ".join(f"{name} {plain(value)}" for name, value in values.items() if value)
    yield from (("dim", f" {line}") for line in wrap(owners, width - 1) if line)


def _tree(spans: Sequence[SpanDocument], width: int) -> list[Text]:
    charged = {span.span_id: span.call for span in spans if span.call and span.call.status}
    costs = dict(zip(charged, call_costs(list(charged.values())), strict=True))
    subtotals = cost_column([span.subtotal for span in spans])
    rows = []
    for span, place, subtotal in zip(spans, _places(spans), subtotals, strict=True):
        call = span.call
        is_inner = span.subtotal.calls > (1 if call and not call.aggregate else 0)
        name = abridge(plain(_name(span)), _NAME_CELLS_MAX)
        rows.append(
            Row(
                (
                    f"{place.stem}{name}",
                    tokens(call.tokens.input) if call else "",
                    tokens(call.tokens.cached) if call else "",
                    tokens(call.tokens.output) if call else "",
                    costs.get(span.span_id, ""),
                    subtotal if is_inner else "",
                    f"{span.subtotal.calls:,}" if is_inner else "",
                    "" if span.duration_ms is None else duration(span.duration_ms),
                ),
                "bold" if is_inner else _style(call),
                [
                    (style, f"{place.below}{line}")
                    for style, note in _notes(span)
                    for line in wrap(plain(note), width - 1 - len(place.below), hang=2)
                ],
            )
        )
    return grid(_COLUMNS, rows, width)


def _places(spans: Sequence[SpanDocument]) -> Iterator[_Place]:
    """The lines that show whose child a span is; each span stands before those below it."""
    for at, span in enumerate(spans):
        depth = span.depth
        lines = "".join("│  " if _goes_on(spans, at, level) else "   " for level in range(1, depth))
        is_last = not _goes_on(spans, at, depth)
        stem = lines + (("└─ " if is_last else "├─ ") if depth else "")
        has_inner = at + 1 < len(spans) and spans[at + 1].depth > depth
        below = lines + (("   " if is_last else "│  ") if depth else "")
        yield _Place(_cut(stem), _cut(below + ("│  " if has_inner else "   ")))


def _goes_on(spans: Sequence[SpanDocument], at: int, depth: int) -> bool:
    """Whether a further span of this depth follows under the same parent."""
    following = (span.depth for span in spans[at + 1 :])
    return next((found == depth for found in following if found <= depth), False)


def _cut(stem: str) -> str:
    return stem if len(stem) <= _STEM_CELLS_MAX else "… " + stem[2 - _STEM_CELLS_MAX :]


def _name(span: SpanDocument) -> str:
    if span.call is not None and span.kind == "call":
        return span.call.model or "(no model)"
    return f"{span.kind} {span.name}" if span.name else f"{span.kind} {span.span_id}"


def _style(call: CallDocument | None) -> str:
    if call is None:
        return "dim"
    return "orange" if call.cost_usd is None else ""


def _notes(span: SpanDocument) -> Iterator[tuple[str, str]]:
    """How the price of a call is known, what it is made of, and how its counts were read."""
    call = span.call
    if call is not None and _is_explained(call):
        yield "dim", "its tokens are those of the spans below, where they are counted"
    elif call is not None:
        known = " · ".join(filter(None, (
            call.status, call.reason, *_parts(call),
            f"prices {call.price_version}" if call.price_version else "",
            f"rule {call.rule}" if call.rule else "",
            f"aggregate {call.aggregate}" if call.aggregate else "",
        )))  # fmt: skip
        if known:
            yield "orange" if call.cost_usd is None else "dim", known
        if call.doubt:
            yield "orange", f"doubt: {call.doubt}"
    for correction in span.corrections:
        by = f"span {correction.by_span_id}" if correction.by_span_id else "new prices"
        yield "dim", f"corrected by {short_usd(correction.change_usd)} ({by})"
    if span.parent_missing:
        yield "dim", f"its parent {span.parent_span_id} is not kept"


def _is_explained(call: CallDocument) -> bool:
    """Whether it is an agent or a chain that adds nothing to what is below it."""
    is_nothing = call.cost_usd is not None and not Decimal(call.cost_usd)
    return bool(call.aggregate) and is_nothing and not call.tokens.total


def _parts(call: CallDocument) -> Iterator[str]:
    """The cost by class of token."""
    classes = call.classes
    for what, amount in (
        ("input", classes.input_usd),
        ("cache read", classes.cache_read_usd),
        ("cache write", classes.cache_write_usd),
        ("output", classes.output_usd),
    ):
        if Decimal(amount):
            yield f"{what} {_part_usd(amount)}"


def _part_usd(amount: str) -> str:
    """With the decimals of the column of costs, zeros at the end apart, so that parts add up."""
    shown = fine_usd(amount)
    if shown.startswith("<"):
        return f"<${shown[1:]}"
    whole, _, decimals = shown.partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"


def _remarks(document: TraceDocument, width: int) -> Iterator[tuple[str, str]]:
    texts = []
    if document.totals.unpriced_calls:
        texts.append(unknown_remark(document.totals.unpriced_calls))
    if document.is_cut:
        texts.append("it has more spans than are shown; totals are of all")
    texts += document.partial
    for text in texts:
        yield from (("orange", line) for line in wrap(plain(text), width - 1, hang=2))
