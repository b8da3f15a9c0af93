"""``llm-cost audit``: who has changed what, and when."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from processor.cli.ledger_access import LedgerAccess, ask
from processor.cli.moments import read_moment
from processor.cli.picture import check_form
from processor.cli.sources import budgets_from, settings_from
from processor.core.csv_text import write_rows
from processor.core.model import NS_PER_S, AuditEntry
from processor.surfaces.terminal.paint import columns, plain, wrap

_PAGE: int = 1000
_SHOWN_LINES_MAX = 6
_SHOWN_NAMES = {"usd": "cost in USD"}
_IN_UTC = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""Times in what a line is about, as the ledger has them."""


def run(arguments: argparse.Namespace) -> int:
    """Print the audit, latest first. Raises ProcessorError."""
    check_form(arguments)
    settings = settings_from(arguments)
    zone = budgets_from(settings.budgets.file, settings.dimension_names).calendar.zone
    since_ns = 0
    if arguments.since:
        since_ns = read_moment("--since", arguments.since, time.time_ns(), zone)

    async def question(ledger: LedgerAccess) -> list[AuditEntry]:
        found, cursor = list[AuditEntry](), ""
        while True:
            page = await ledger.audit(since_ns, cursor, _PAGE)
            found += page.entries
            cursor = page.cursor
            if not cursor:
                return found

    answer = ask(settings, arguments, question)
    answer.warn()
    if arguments.json:
        print(json.dumps([_as_dict(entry, zone) for entry in answer.value], indent=2))
    elif arguments.csv:
        sys.stdout.write(_as_csv(answer.value, zone))
    else:
        print(plain(answer.source))
        print(*map(plain, _lines(answer.value, zone)), sep="\n")
    return 0


def _lines(entries: Sequence[AuditEntry], zone: tzinfo) -> Iterator[str]:
    if not entries:
        yield "nothing was changed in this time"
    for entry in entries:
        yield ""
        subject = _IN_UTC.sub(lambda found: _in_zone(found[0], zone), entry.subject)
        yield f"{_moment(entry, zone)}  {entry.action}  {subject}"
        yield f"    by {entry.actor or 'nobody known'}"
        for line in _changes(json.loads(entry.before), json.loads(entry.after)):
            yield from (
                f"    {part}" for part in wrap(line, columns() - 4, _SHOWN_LINES_MAX, hang=4)
            )


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    """What differs, name by name."""
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        shown = _SHOWN_NAMES.get(name, name)
        if old is None or new is None:
            yield f"{shown}: {new if old is None else f'{old} (no longer)'}"
        else:
            yield f"{shown}: {old} -> {new}"


def _in_zone(text: str, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _moment(entry: AuditEntry, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(entry.time_ns // NS_PER_S, zone):%Y-%m-%d %H:%M:%S %Z}"


def _as_dict(entry: AuditEntry, zone: tzinfo) -> dict[str, object]:
    return {
        "number": entry.number,
        "time": datetime.fromtimestamp(entry.time_ns // NS_PER_S, zone).isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "before": json.loads(entry.before),
        "after": json.loads(entry.after),
    }


def _as_csv(entries: Sequence[AuditEntry], zone: tzinfo) -> str:
    header = ("number", "time", "actor", "action", "subject", "before", "after")
    rows = [
        [*(_as_dict(each, zone)[name] for name in header[:5]), each.before, each.after]
        for each in entries
    ]
    return write_rows((header, *rows))
