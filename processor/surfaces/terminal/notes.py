"""The lines under a span: why it cost what it did, and which budgets it reached. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from processor.core.amounts import percent, short_usd
from processor.core.model import Event
from processor.surfaces.terminal.received import ReceivedSpan, exact_of

_NO_REASON: Final = frozenset({"exact", "failed", "aggregate"})
"""Statuses whose reason needs no line of its own."""

_UNIQUE_SCOPES: Final = {"call": "this call", "trace": "this trace", "agent_run": "this run"}


class Note(NamedTuple):
    """One sentence under a span's name."""

    style: str
    text: str


def notes(span: ReceivedSpan, *, has_status_column: bool) -> Iterator[Note]:
    """What is to be said of a span; its status too, where no column shows it."""
    cost, status = span.amount("llm.cost_usd"), span.text("llm.cost.status")
    if span.failed and span.message:
        yield Note("red", f"failed: {span.message}")
    elif status == "failed" and not has_status_column:
        yield Note("red", "failed")
    if status == "aggregate" and cost is None:
        yield Note("dim", "repeats the tokens of its calls, which are counted once")
    elif status == "aggregate" and not has_status_column:
        yield Note("dim", f"{_shown(cost)} for what its calls do not explain (aggregate)")
    yield from _price_notes(span, has_status_column=has_status_column)
    yield from _cache_notes(span)
    correction = span.amount("llm.cost.correction_usd")
    if correction is not None:
        yield Note("dim", f"corrects earlier charges by {short_usd(correction)}")
    yield from _budget_notes(span)


def _price_notes(span: ReceivedSpan, *, has_status_column: bool) -> Iterator[Note]:
    status, reason = span.text("llm.cost.status"), span.text("llm.cost.reason")
    style = "orange" if span.number("llm.cost_usd") is None else "dim"
    model = span.text("llm.cost.model")
    as_model = model if model and model not in span.name and status != "aggregate" else ""
    after = f", model {as_model}" if as_model else ""
    if status == "usage_missing" or (status not in _NO_REASON and reason):
        yield Note(style, f"{status} ({reason or 'no usage reported'}){after}")
    elif status and status not in _NO_REASON and not has_status_column:
        yield Note(style, f"{status}{after}")
    elif as_model:
        yield Note("dim", f"model {as_model}")


def _cache_notes(span: ReceivedSpan) -> Iterator[Note]:
    written = span.amount("llm.cost.cache_write_usd")
    if written:
        yield Note("dim", f"{short_usd(written)} of it for writing to the cache")
    saved = span.amount("llm.cache.cost_saved_usd")
    if saved:
        yield Note("dim", f"the cache saved {short_usd(saved)}")


def _budget_notes(span: ReceivedSpan) -> Iterator[Note]:
    over = set(filter(None, span.text("llm.budget.exceeded").split(",")))
    for event in span.events:
        if event.name == "llm.budget.exceeded":
            over.discard(str(event.attributes.get("budget.name")))
            yield crossing_note(event)
        elif event.name == "llm.budget.warning":
            yield crossing_note(event)
    for name in sorted(over):
        yield Note("red", f"■ budget {name} stays exceeded")


def crossing_note(event: Event) -> Note:
    """What a budget event says, as a note."""
    if event.name == "llm.budget.exceeded":
        return Note("bold red", f"■ budget {_crossing(event)}")
    return Note("orange", f"▲ budget {_crossing(event)}")


def _crossing(event: Event) -> str:
    """What a budget event says: ``per-user-daily: user bob at 81%, $0.2013 of $0.25``."""
    says = event.attributes
    scope, scope_id = str(says.get("budget.scope", "")), str(says.get("budget.scope_id", ""))
    whose = _UNIQUE_SCOPES.get(scope) or f"{scope} {scope_id}".strip()
    unit = "usd" if "budget.limit_usd" in says else "tokens"
    spent, limit = (says.get(f"budget.{what}_{unit}") for what in ("spent", "limit"))
    reached = "at least" if says.get("budget.at_least") else "at"
    exceeded = " exceeded" if event.name == "llm.budget.exceeded" else ""
    ratio = exact_of(says.get("budget.ratio"))
    at = f"{whose} {reached} {'?' if ratio is None else percent(ratio)}"
    of = (
        f"{_shown(exact_of(spent))} of {_shown(exact_of(limit))}"
        if unit == "usd"
        else f"{spent!s} of {limit!s} tokens"
    )
    return f"{says.get('budget.name')!s}{exceeded}: {at}, {of}"


def _shown(amount: Decimal | None) -> str:
    return "?" if amount is None else short_usd(amount)
