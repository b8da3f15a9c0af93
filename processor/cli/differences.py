"""What a reprice or an exclusion changes, by model and by budget: as tables, and for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import chain

from processor.core.model import Difference
from processor.core.money import format_usd
from processor.surfaces.terminal.lists import render_named
from processor.surfaces.terminal.paint import aligned, cells, columns, right


def counted_calls(count: int) -> str:
    """A number of calls, in words."""
    return f"{count:,} {'call' if count == 1 else 'calls'}"


def model_lines(
    models: Sequence[Difference], before_nano_usd: int, after_nano_usd: int
) -> Iterator[str]:
    """A table of what changes by model, and in total."""
    befores = [item.before_nano_usd for item in models] + [before_nano_usd]
    afters = [item.after_nano_usd for item in models] + [after_nano_usd]
    changes = [after - before for before, after in zip(befores, afters, strict=True)]
    amounts = [aligned([format_usd(nano) for nano in each]) for each in (befores, afters, changes)]
    rows = list(zip(*amounts, strict=True))
    table = [("model", "calls", "USD before", "USD after", "difference")]
    for item, (before, after, change) in zip(models, rows, strict=False):
        was = _known(before, item.before_nano_usd, item.unpriced_before)
        now = _known(after, item.after_nano_usd, item.unpriced_after)
        table.append((item.name or "(none named)", f"{item.calls:,}", was, now, _signed(change)))
    before, after, change = rows[-1]
    was = _known(before, befores[-1], sum(item.unpriced_before for item in models))
    now = _known(after, afters[-1], sum(item.unpriced_after for item in models))
    table.append(("in total", "", was, now, _signed(change)))
    yield from _table(table)


def budget_lines(budgets: Sequence[Difference], zone: tzinfo) -> Iterator[str]:
    """A table of what changes for budgets."""
    befores = aligned([format_usd(item.before_nano_usd) for item in budgets])
    afters = aligned([format_usd(item.after_nano_usd) for item in budgets])
    table = [("budget", "spent before", "spent now", "limit", "")]
    for item, before, after in zip(budgets, befores, afters, strict=True):
        limit = format_usd(item.limit_nano_usd)
        table.append((_budget_name(item, zone), before, after, limit, _change_of_state(item)))
    yield from _table(table)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows with a name at the left; a column in which nothing stands is left out."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    used = [at for at, width in enumerate(widths) if width and at]
    values = ("".join(f"  {right(row[at], widths[at])}" for at in used) for row in rows)
    named = [("", row[0], beside) for row, beside in zip(rows, values, strict=True)]
    yield from chain.from_iterable(render_named(named, columns()))


def _known(text: str, nano_usd: int, unpriced: int) -> str:
    """An amount without some of its calls says "at least"; one without any is unknown, not zero."""
    if not unpriced:
        return text
    return f"at least {text}" if nano_usd else "unknown"


def _signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"


def _budget_name(item: Difference, zone: tzinfo) -> str:
    whose = f" {item.scope_id}" if item.scope_id else ""
    if not item.window_start_s:
        return f"{item.name}{whose}"
    return f"{item.name}{whose} from {moment(item.window_start_s, zone)}"


def _change_of_state(item: Difference) -> str:
    was = item.before_nano_usd >= item.limit_nano_usd
    now = item.after_nano_usd >= item.limit_nano_usd
    if was == now:
        return "exceeded" if now else ""
    return "now exceeded" if now else "no longer exceeded"


def moment(time_s: int, zone: tzinfo) -> str:
    """A date and a time of day with the name of their time zone."""
    return f"{datetime.fromtimestamp(time_s, zone):%Y-%m-%d %H:%M %Z}"


def models_as_dicts(models: Sequence[Difference]) -> list[dict[str, object]]:
    """The same by model, for JSON."""
    return [
        {
            "model": item.name,
            "calls": item.calls,
            "before_usd": format_usd(item.before_nano_usd),
            "after_usd": format_usd(item.after_nano_usd),
            "unpriced_before": item.unpriced_before,
            "unpriced_after": item.unpriced_after,
        }
        for item in models
    ]


def budgets_as_dicts(budgets: Sequence[Difference], zone: tzinfo) -> list[dict[str, object]]:
    """The same by budget, for JSON."""
    return [
        {
            "budget": item.name,
            "scope_id": item.scope_id,
            "window_start": iso(item.window_start_s, zone) if item.window_start_s else None,
            "limit_usd": format_usd(item.limit_nano_usd),
            "before_usd": format_usd(item.before_nano_usd),
            "after_usd": format_usd(item.after_nano_usd),
        }
        for item in budgets
    ]


def iso(time_s: int, zone: tzinfo) -> str:
    """A moment as JSON has it."""
    return datetime.fromtimestamp(time_s, zone).isoformat()
