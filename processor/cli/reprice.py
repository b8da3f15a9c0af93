"""``llm-cost reprice``: prices stored calls again, and shows what that changes."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import chain

from processor.cli.ledger_access import Answer, LedgerAccess, ask
from processor.cli.moments import read_moment
from processor.cli.sources import budgets_from, file_name, settings_from
from processor.core.errors import ConfigError, Problem, ProcessorError
from processor.core.model import NS_PER_S, Difference, Repricing
from processor.core.money import format_usd
from processor.surfaces.terminal.output import show_progress
from processor.surfaces.terminal.paint import aligned, cells, columns, plain, right, wrap
from processor.surfaces.terminal.table import render_named

_TIME_NS_MAX = 2**63 - 1
_SHOWN_S = 0.5
_PARTIAL = (
    "The lists may lack a part, since there was very much to list, or it went on after a restart "
    "or a failure. The number of calls, and what they cost in all, are exact."
)
_NOTE = (
    "Spans that the backend has stored do not change: they show what was written on them, and a "
    "span that is sent again is stamped as the first time."
)


def run(arguments: argparse.Namespace) -> int:
    """Price again, and print what changes. Raises ProcessorError."""
    settings = settings_from(arguments)
    zone = budgets_from(settings.budgets.file, settings.dimension_names).calendar.zone
    now_ns = time.time_ns()
    start_ns = read_moment("--since", arguments.since, now_ns, zone)
    end_ns = _TIME_NS_MAX
    if arguments.until:
        end_ns = read_moment("--until", arguments.until, now_ns, zone)
    if end_ns <= start_ns:
        raise ConfigError([Problem("--until", "is not after --since")])
    span = (start_ns, end_ns)
    is_dry_run = arguments.dry_run
    answer = ask(settings, arguments, lambda ledger: _reprice(ledger, span, is_dry_run=is_dry_run))
    answer.warn()
    span = answer.value.span_ns if any(answer.value.span_ns) else span
    if arguments.json:
        print(json.dumps(_as_dict(answer, span, zone, is_dry_run=is_dry_run), indent=2))
    else:
        print(*map(plain, _head(answer, span, zone)), sep="\n")
        print(*map(plain, _lines(answer.value, zone, is_dry_run=is_dry_run)), sep="\n")
    return 0


async def _reprice(ledger: LedgerAccess, span: tuple[int, int], *, is_dry_run: bool) -> Repricing:
    """Price again; while that lasts, a terminal shows how far it has come in one line."""
    if not sys.stderr.isatty():
        return await ledger.reprice(*span, is_dry_run=is_dry_run)
    showing = asyncio.create_task(_show_progress(ledger))
    try:
        return await ledger.reprice(*span, is_dry_run=is_dry_run)
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        show_progress("")


async def _show_progress(ledger: LedgerAccess) -> None:
    while True:
        await asyncio.sleep(_SHOWN_S)
        try:
            progress = await ledger.reprice_progress()
        except ProcessorError:
            return  # A processor of before does not know the question; the reprice says the rest.
        if progress is not None:
            done, all_traces = progress.traces_done, progress.traces_done + progress.traces_left
            show_progress(f"{done:,} of {all_traces:,} traces, {_calls(progress.calls)} changed")


def _head(answer: Answer[Repricing], span: tuple[int, int], zone: tzinfo) -> Iterator[str]:
    """Who has answered, which calls were looked at, and which prices were used."""
    yield answer.source
    start, end = (_moment(time_ns // NS_PER_S, zone) for time_ns in span)
    until = f" until {end}" if span[1] < _TIME_NS_MAX else ""
    yield f"calls that ended from {start}{until}"
    yield f"prices {file_name(answer.value.price_file)}, version {answer.value.price_version}"
    yield ""


def _lines(result: Repricing, zone: tzinfo, *, is_dry_run: bool) -> Iterator[str]:
    would = "would be" if is_dry_run else "are"
    renamed = f"{_calls(result.renamed)} {would} recorded with another status, model or rate"
    if result.kept_from_s:
        kept = (
            f"calls that ended before {_moment(result.kept_from_s, zone)} are no longer kept one "
        )
        yield from wrap(f"{kept}by one, so their cost stays as it is", columns())
        yield ""
    if not result.calls:
        yield "nothing changes at these prices"
        if result.renamed:
            yield f"{renamed}, at the same cost"
        return
    yield from _model_lines(result)
    if result.budgets:
        yield ""
        yield from _budget_lines(result.budgets, zone)
    yield ""
    if is_dry_run:
        yield f"This was a dry run: {_calls(result.calls)} would change; nothing has changed."
    else:
        yield f"Corrections for {_calls(result.calls)} are in the ledger."
    if result.renamed:
        yield f"A further {renamed}, at the same cost."
    if result.is_partial:
        yield from wrap(_PARTIAL, columns())
    yield from wrap(_NOTE, columns())


def _calls(count: int) -> str:
    return f"{count:,} {'call' if count == 1 else 'calls'}"


def _model_lines(result: Repricing) -> Iterator[str]:
    models = result.models
    befores = [item.before_nano_usd for item in models] + [result.before_nano_usd]
    afters = [item.after_nano_usd for item in models] + [result.after_nano_usd]
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


def _budget_lines(budgets: Sequence[Difference], zone: tzinfo) -> Iterator[str]:
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
    return f"{item.name}{whose} from {_moment(item.window_start_s, zone)}"


def _change_of_state(item: Difference) -> str:
    was = item.before_nano_usd >= item.limit_nano_usd
    now = item.after_nano_usd >= item.limit_nano_usd
    if was == now:
        return "exceeded" if now else ""
    return "now exceeded" if now else "no longer exceeded"


def _moment(time_s: int, zone: tzinfo) -> str:
    """A date and a time of day with the name of their time zone."""
    return f"{datetime.fromtimestamp(time_s, zone):%Y-%m-%d %H:%M %Z}"


def _as_dict(
    answer: Answer[Repricing], span: tuple[int, int], zone: tzinfo, *, is_dry_run: bool
) -> dict[str, object]:
    result = answer.value
    start_ns, end_ns = span
    return {
        "source": answer.source,
        "dry_run": is_dry_run,
        "since": _iso(start_ns // NS_PER_S, zone),
        "until": _iso(end_ns // NS_PER_S, zone) if end_ns < _TIME_NS_MAX else None,
        "calls": result.calls,
        "renamed_calls": result.renamed,
        "price_file": result.price_file,
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
                "window_start": _iso(item.window_start_s, zone) if item.window_start_s else None,
                "limit_usd": format_usd(item.limit_nano_usd),
                "before_usd": format_usd(item.before_nano_usd),
                "after_usd": format_usd(item.after_nano_usd),
            }
            for item in result.budgets
        ],
        "is_partial": result.is_partial,
        "kept_from": _iso(result.kept_from_s, zone) if result.kept_from_s else None,
        "note": _NOTE,
    }


def _iso(time_s: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(time_s, zone).isoformat()
