"""``llm-cost exclude``: takes calls out of all sums, or puts back what was taken out."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

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
from processor.cli.invocation import repeated
from processor.cli.ledger_access import LedgerAccess, ask_in_zone
from processor.cli.moments import NO_SPAN, check_moments, read_span
from processor.cli.progress import showing_progress
from processor.cli.sources import settings_from
from processor.core.errors import ConfigError, Problem
from processor.core.model import Exclusion
from processor.core.money import format_usd
from processor.core.wording import counted
from processor.surfaces.queries import ExcludeRequest
from processor.surfaces.terminal.paint import columns, plain, wrap

_NOTE = (
    "Spans that the backend has stored do not change: they show what was written on them, and a "
    "span that is sent again is stamped as the first time."
)
_WHERE: Final = ("config", "grpc_endpoint", "data_dir", "pricing", "budgets")
"""Flags that say which ledger, and with which files."""
_SELECTIONS: Final = ("trace", "span", "session", "user", "since", "until")
_REPRICE: Final = "reprice --since 1970-01-02 --dry-run"
"""All that is kept; in any time zone that day begins after 1970 did in UTC."""
_PARTIAL = "The lists may lack a part; the number of calls, and what they cost in all, are exact."


def run(arguments: argparse.Namespace) -> int:
    """Exclude or undo, and print what that changes. Raises ProcessorError."""
    settings = settings_from(arguments)
    now_ns, undo, is_dry_run = time.time_ns(), arguments.undo or 0, arguments.dry_run
    check_moments(arguments, now_ns)
    selects = any(getattr(arguments, name) for name in _SELECTIONS)
    if undo and (selects or arguments.reason):
        fix = "give the number alone: all that the exclusion has taken out is put back"
        raise ConfigError([Problem("--undo", "goes with no other selection", fix)])
    if not undo and not selects:
        fix = "give --trace, --span, --session, --user, --since or --until"
        raise ConfigError([Problem("exclude", "does not say which calls", fix)])

    async def question(ledger: LedgerAccess, zone: tzinfo) -> Exclusion:
        request = _request(arguments, now_ns, zone)
        work = ledger.exclude(request, undo, is_dry_run=is_dry_run)
        return await showing_progress(ledger, work)

    answer, zone = ask_in_zone(settings, arguments, question)
    answer.warn()
    is_undo = undo > 0
    if arguments.json:
        print(json.dumps(_as_dict(answer, zone, is_dry_run=is_dry_run, is_undo=is_undo), indent=2))
    else:
        print(plain(answer.source), end="\n\n")
        lines = _lines(answer.value, zone, arguments, is_dry_run=is_dry_run, is_undo=is_undo)
        print(*map(plain, lines), sep="\n")
    return 0


def _request(arguments: argparse.Namespace, now_ns: int, zone: tzinfo) -> ExcludeRequest:
    start_ns, end_ns = read_span(arguments, now_ns, zone, NO_SPAN)
    return ExcludeRequest(
        arguments.trace or "",
        arguments.span or "",
        arguments.session or "",
        arguments.user or "",
        start_ns,
        end_ns,
        arguments.reason or "",
    )


def _lines(
    result: Exclusion,
    zone: tzinfo,
    arguments: argparse.Namespace,
    *,
    is_dry_run: bool,
    is_undo: bool,
) -> Iterator[str]:
    if result.kept_from_s:
        since = moment(result.kept_from_s, zone)
        kept = f"calls that ended before {since} are no longer kept one by one"
        yield from wrap(f"{kept}, so they count whatever is excluded", columns())
        yield ""
    if not (result.calls or result.agents or result.lost):
        none = "no call matches, or all that match are excluded already"
        what = "nothing is to be put back" if is_undo else none
        # It is in the audit all the same, by its number.
        yield f"Exclusion {result.number}: {what}" if result.number else what
        return
    if result.models:
        yield from model_lines(result.models, result.before_nano_usd, result.after_nano_usd)
    if result.budgets:
        yield ""
        yield from budget_lines(result.budgets, zone)
    yield ""
    what = _what(result)
    is_one = result.calls + result.agents == 1
    if is_dry_run:
        would = "be put back" if is_undo else "leave all sums"
        done = f"This was a dry run: {what} would {would}; nothing has changed."
        yield from wrap(done, columns())
    elif is_undo:
        count = "counts" if is_one else "count"
        yield f"Exclusion {result.number} is undone: {what} {count} again."
        yield f"Where prices have changed since: {repeated(_REPRICE, arguments, *_WHERE)}"
    else:
        are = "is" if is_one else "are"
        yield f"Exclusion {result.number}: {what} {are} in no sum any more, and in no budget."
        undo = repeated(f"exclude --undo {result.number}", arguments, *_WHERE)
        yield f"To undo it: {undo}"
    if result.lost:
        spans = counted(result.lost, "span")
        yield from wrap(f"{spans} stay out: their rows have been deleted since.", columns())
    if result.is_partial:
        yield from wrap(_PARTIAL, columns())
    yield from wrap(_NOTE, columns())


def _what(result: Exclusion) -> str:
    agents = f" and {counted(result.agents, 'agent run')}" if result.agents else ""
    return f"{counted_calls(result.calls)}{agents}"


def _as_dict(
    answer: Answer[Exclusion], zone: tzinfo, *, is_dry_run: bool, is_undo: bool
) -> dict[str, object]:
    result = answer.value
    return {
        "source": answer.source,
        "dry_run": is_dry_run,
        "undo": is_undo,
        "exclusion": result.number or None,
        "calls": result.calls,
        "agent_runs": result.agents,
        "before_usd": format_usd(result.before_nano_usd),
        "after_usd": format_usd(result.after_nano_usd),
        "models": models_as_dicts(result.models),
        "budgets": budgets_as_dicts(result.budgets, zone),
        "lost_spans": result.lost,
        "kept_from": iso(result.kept_from_s, zone) if result.kept_from_s else None,
        "is_partial": result.is_partial,
        "note": _NOTE,
    }
