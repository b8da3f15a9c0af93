"""``llm-cost reprice``: prices stored calls again, and shows what that changes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import tzinfo

from processor.cli.choice import Answer
from processor.cli.differences import (
    budget_lines,
    budgets_as_dicts,
    counted_calls,
    iso,
    model_lines,
    models_as_dicts,
    moment,
)
from processor.cli.ledger_access import LedgerAccess, ask_in_zone
from processor.cli.moments import check_moments, read_span
from processor.cli.progress import showing_progress
from processor.cli.sources import file_name, settings_from
from processor.core.model import NS_PER_S, Repricing
from processor.core.money import format_usd
from processor.surfaces.terminal.paint import columns, plain, wrap

_TIME_NS_MAX = 2**63 - 1
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
    now_ns, is_dry_run = time.time_ns(), arguments.dry_run
    check_moments(arguments, now_ns)

    async def question(ledger: LedgerAccess, zone: tzinfo) -> Repricing:
        span = read_span(arguments, now_ns, zone, (0, _TIME_NS_MAX))
        work = ledger.reprice(*span, is_dry_run=is_dry_run)
        return await showing_progress(ledger, work)

    answer, zone = ask_in_zone(settings, arguments, question)
    answer.warn()
    asked_ns = read_span(arguments, now_ns, zone, (0, _TIME_NS_MAX))
    span = answer.value.span_ns if any(answer.value.span_ns) else asked_ns
    if arguments.json:
        print(json.dumps(_as_dict(answer, span, zone, is_dry_run=is_dry_run), indent=2))
    else:
        print(*map(plain, _head(answer, span, zone)), sep="\n")
        print(*map(plain, _lines(answer.value, zone, is_dry_run=is_dry_run)), sep="\n")
    return 0


def _head(answer: Answer[Repricing], span: tuple[int, int], zone: tzinfo) -> Iterator[str]:
    """Who has answered, which calls were looked at, and which prices were used."""
    yield answer.source
    start, end = (moment(time_ns // NS_PER_S, zone) for time_ns in span)
    until = f" until {end}" if span[1] < _TIME_NS_MAX else ""
    yield f"calls that ended from {start}{until}"
    yield f"prices {file_name(answer.value.price_file)}, version {answer.value.price_version}"
    yield ""


def _lines(result: Repricing, zone: tzinfo, *, is_dry_run: bool) -> Iterator[str]:
    would = "would be" if is_dry_run else "are"
    renamed = f"{counted_calls(result.renamed)} {would} recorded with another status, model or rate"
    if result.kept_from_s:
        since = moment(result.kept_from_s, zone)
        kept = f"calls that ended before {since} are no longer kept one by one"
        yield from wrap(f"{kept}, so their cost stays as it is", columns())
        yield ""
    if not result.calls:
        yield "nothing changes at these prices"
        if result.renamed:
            yield f"{renamed}, at the same cost"
        return
    yield from model_lines(result.models, result.before_nano_usd, result.after_nano_usd)
    if result.budgets:
        yield ""
        yield from budget_lines(result.budgets, zone)
    yield ""
    if is_dry_run:
        what = counted_calls(result.calls)
        yield f"This was a dry run: {what} would change; nothing has changed."
    else:
        yield f"Corrections for {counted_calls(result.calls)} are in the ledger."
    if result.renamed:
        yield f"A further {renamed}, at the same cost."
    if result.is_partial:
        yield from wrap(_PARTIAL, columns())
    yield from wrap(_NOTE, columns())


def _as_dict(
    answer: Answer[Repricing], span: tuple[int, int], zone: tzinfo, *, is_dry_run: bool
) -> dict[str, object]:
    result = answer.value
    start_ns, end_ns = span
    return {
        "source": answer.source,
        "dry_run": is_dry_run,
        "since": iso(start_ns // NS_PER_S, zone),
        "until": iso(end_ns // NS_PER_S, zone) if end_ns < _TIME_NS_MAX else None,
        "calls": result.calls,
        "renamed_calls": result.renamed,
        "price_file": result.price_file,
        "price_version": result.price_version,
        "before_usd": format_usd(result.before_nano_usd),
        "after_usd": format_usd(result.after_nano_usd),
        "models": models_as_dicts(result.models),
        "budgets": budgets_as_dicts(result.budgets, zone),
        "is_partial": result.is_partial,
        "kept_from": iso(result.kept_from_s, zone) if result.kept_from_s else None,
        "note": _NOTE,
    }
