"""``llm-cost reprice``: prices stored calls again, and shows what that changes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from processor.cli.ledger_access import ask
from processor.cli.moments import read_moment
from processor.cli.sources import budgets_from, settings_from
from processor.core.errors import ConfigError, Problem
from processor.core.model import Difference, Repricing
from processor.core.money import format_usd
from processor.surfaces.terminal.paint import aligned, left, plain, right

_TIME_NS_MAX = 2**63 - 1
_NOTE = (
    "Spans that the backend has stored do not change: they show what was written on them, and a "
    "span that is sent again is stamped as the first time."
)


def run(arguments: argparse.Namespace) -> int:
    """Price again, and print what changes. Raises ProcessorError."""
    settings = settings_from(arguments)
    zone = budgets_from(settings.budgets.file).calendar.zone
    now_ns = time.time_ns()
    start_ns = read_moment("--since", arguments.since, now_ns, zone)
    end_ns = _TIME_NS_MAX
    if arguments.until:
        end_ns = read_moment("--until", arguments.until, now_ns, zone)
    if end_ns <= start_ns:
        raise ConfigError([Problem("--until", "is not after --since")])
    is_dry_run = arguments.dry_run
    result = ask(
        settings,
        arguments.endpoint,
        lambda ledger: ledger.reprice(start_ns, end_ns, is_dry_run=is_dry_run),
    )
    if arguments.json:
        print(json.dumps(_as_dict(result, zone, is_dry_run=is_dry_run), indent=2))
    else:
        print(*map(plain, _lines(result, zone, is_dry_run=is_dry_run)), sep="\n")
    return 0


def _lines(result: Repricing, zone: tzinfo, *, is_dry_run: bool) -> Iterator[str]:
    if not result.calls:
        yield f"nothing changes with the prices of version {result.price_version}"
        return
    yield from _model_lines(result)
    if result.budgets:
        yield ""
        yield from _budget_lines(result.budgets, zone)
    yield ""
    calls = f"{result.calls:,} {'call' if result.calls == 1 else 'calls'}"
    prices = f"the prices of version {result.price_version}"
    if is_dry_run:
        yield f"This was a dry run: {calls} would change with {prices}, and nothing has changed."
    else:
        yield f"Corrections for {calls} are in the ledger, with {prices}."
    yield _NOTE


def _model_lines(result: Repricing) -> Iterator[str]:
    models = result.models
    befores = [item.before_nano_usd for item in models] + [result.before_nano_usd]
    afters = [item.after_nano_usd for item in models] + [result.after_nano_usd]
    changes = [after - before for before, after in zip(befores, afters, strict=True)]
    columns = [aligned([format_usd(nano) for nano in each]) for each in (befores, afters, changes)]
    rows = list(zip(*columns, strict=True))
    yield _row("model", "calls", "USD before", "USD after", "difference")
    for item, (before, after, change) in zip(models, rows, strict=False):
        was = _known(before, item.before_nano_usd, item.unpriced_before)
        now = _known(after, item.after_nano_usd, item.unpriced_after)
        yield _row(item.name or "(none named)", f"{item.calls:,}", was, now, _signed(change))
    before, after, change = rows[-1]
    was = _known(before, befores[-1], sum(item.unpriced_before for item in models))
    now = _known(after, afters[-1], sum(item.unpriced_after for item in models))
    yield _row("in total", "", was, now, _signed(change))


def _budget_lines(budgets: Sequence[Difference], zone: tzinfo) -> Iterator[str]:
    names = [_budget_name(item, zone) for item in budgets]
    befores = aligned([format_usd(item.before_nano_usd) for item in budgets])
    afters = aligned([format_usd(item.after_nano_usd) for item in budgets])
    yield _row("budget", "", "spent before", "spent now", "limit")
    for item, name, before, after in zip(budgets, names, befores, afters, strict=True):
        limit = format_usd(item.limit_nano_usd)
        yield _row(name, "", before, after, limit) + _change_of_state(item)


def _row(name: str, calls: str, before: str, after: str, last: str) -> str:
    return (
        f"{left(name, 40)}{right(calls, 9)}{right(before, 17)}{right(after, 17)}{right(last, 17)}"
    )


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
    return (
        f"{item.name}{whose} from {datetime.fromtimestamp(item.window_start_s, zone):%d %b %H:%M}"
    )


def _change_of_state(item: Difference) -> str:
    was = item.before_nano_usd >= item.limit_nano_usd
    now = item.after_nano_usd >= item.limit_nano_usd
    if was == now:
        return "  exceeded" if now else ""
    return "  now exceeded" if now else "  no longer exceeded"


def _as_dict(result: Repricing, zone: tzinfo, *, is_dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": is_dry_run,
        "calls": result.calls,
        "price_version": result.price_version,
        "before_usd": format_usd(result.before_nano_usd),
        "after_usd": format_usd(result.after_nano_usd),
        "models": [
            {
                "model": item.name,
                "calls": item.calls,
                "before_usd": format_usd(item.before_nano_usd),
                "after_usd": format_usd(item.after_nano_usd),
                "unpriced_before": item.unpriced_before,
                "unpriced_after": item.unpriced_after,
            }
            for item in result.models
        ],
        "budgets": [
            {
                "budget": item.name,
                "scope_id": item.scope_id,
                "window_start": _iso(item.window_start_s, zone),
                "limit_usd": format_usd(item.limit_nano_usd),
                "before_usd": format_usd(item.before_nano_usd),
                "after_usd": format_usd(item.after_nano_usd),
            }
            for item in result.budgets
        ],
        "note": _NOTE,
    }


def _iso(time_s: int, zone: tzinfo) -> str | None:
    return datetime.fromtimestamp(time_s, zone).isoformat() if time_s else None
