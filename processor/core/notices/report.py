"""A report of a day, week or month that is over, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from processor.core.amounts import marked, share_percent, short_usd
from processor.core.model import Calendar, Standing, Totals
from processor.core.money import exact_usd
from processor.core.notices.message import Message, Quote, amount_text
from processor.core.notices.notice import Notice
from processor.core.notices.period import Period
from processor.core.wording import counted

NEAR: Final = 0.8
"""From which share of its limit on a budget is near it, where it warns at none."""
_BUDGETS_LISTED_MAX: Final = 10


class Part(NamedTuple):
    """What one value of a dimension has used."""

    value: str
    """``""`` for calls that have none."""
    totals: Totals


class Report(NamedTuple):
    """What is reported."""

    period: Period
    calendar: Calendar
    totals: Totals
    before: Totals
    """Of the period before."""
    parts: Mapping[str, Sequence[Part]]
    """Those that have cost most, by dimension."""
    budgets: Sequence[Standing]
    """Those that are near their limit or over it at the moment of the report."""


def report_notice(report: Report, written_s: int) -> Notice:
    """The notice of a report."""
    period, calendar = report.period, report.calendar
    name = f"report-{period.every}-{period.date(calendar)}"

    def message(quote: Quote) -> Message:
        totals = report.totals
        title = f"Costs of {period.words(calendar)}: {_cost(totals)}{_change(report)}"
        return Message(title, tuple(_lines(report, quote)))

    data = _document(report, name)
    return Notice(name, f"report.{period.every}", written_s, message, data)


def _cost(totals: Totals) -> str:
    if not totals.calls:
        return "nothing"
    amount = exact_usd(totals.cost_nano_usd)
    return marked(amount, short_usd(amount), at_least=totals.unpriced > 0)


def _change(report: Report) -> str:
    now, before = report.totals.cost_nano_usd, report.before.cost_nano_usd
    if report.totals.unpriced or report.before.unpriced or not before:
        return ""  # What is at least is compared with nothing.
    ratio = (now - before) / before
    sign = "▲" if ratio > 0 else "▼" if ratio < 0 else "="
    return f" ({sign} {abs(ratio):.0%})"


def _lines(report: Report, quote: Quote) -> Iterator[str]:
    totals, before = report.totals, report.before
    yield f"{counted(totals.calls, 'call')}, {totals.tokens:,} tokens."
    yield f"The {report.period.every} before: {_cost(before)}, {counted(before.calls, 'call')}."
    if totals.unpriced:
        calls = counted(totals.unpriced, "call is", "calls are")
        yield f"{calls} of unknown cost and not in it: `llm-cost unpriced` lists them."
    for dimension, parts in report.parts.items():
        if any(each.value for each in parts):
            yield f"By {dimension}:"
            for each in parts:
                share = share_percent(
                    exact_usd(each.totals.cost_nano_usd), exact_usd(totals.cost_nano_usd)
                )
                name = quote(each.value) if each.value else f"(no {dimension})"
                yield f"- {name}: {_cost(each.totals)}{f' ({share})' if share else ''}"
    if report.budgets:
        yield "Budgets that are near their limit or over it now:"
        yield from (f"- {_standing(each, quote)}" for each in report.budgets[:_BUDGETS_LISTED_MAX])
        if (more := len(report.budgets) - _BUDGETS_LISTED_MAX) > 0:
            yield f"… and {more} more: `llm-cost budget` shows all."


def _standing(standing: Standing, quote: Quote) -> str:
    who = quote(standing.scope_id) if standing.scope_id else standing.scope
    least = "at least " if standing.at_least else ""
    ratio = standing.spent * 100 // standing.limit
    spent = amount_text(standing.spent, standing.unit)
    limit = amount_text(standing.limit, standing.unit)
    return f"{quote(standing.budget)}: {who}, {least}{spent} of {limit} ({ratio} %)"


def _document(report: Report, name: str) -> Mapping[str, Any]:
    totals, zone = report.totals, report.calendar.zone
    return {
        "id": name,
        "starting_at": datetime.fromtimestamp(report.period.start_s, zone).isoformat(),
        "ending_at": datetime.fromtimestamp(report.period.end_s, zone).isoformat(),
        **_sums(totals),
        "before": _sums(report.before),
        "by": {
            dimension: [{"value": each.value or None, **_sums(each.totals)} for each in parts]
            for dimension, parts in report.parts.items()
        },
        "budgets": [
            {
                "budget": each.budget,
                "scope": each.scope,
                "scope_id": each.scope_id or None,
                "ratio": round(each.spent / each.limit, 6),
                "at_least": each.at_least,
            }
            for each in report.budgets
        ],
    }


def _sums(totals: Totals) -> Mapping[str, Any]:
    """A cost of which nothing is known is null."""
    return {
        "cost_usd": exact_usd(totals.cost_nano_usd) if totals.is_cost_known else None,
        "at_least": totals.unpriced > 0,
        "calls": totals.calls,
        "unpriced_calls": totals.unpriced,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
    }
