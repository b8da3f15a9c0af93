"""``llm-cost forget``: takes the id of a user out of all that is kept."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Final

from processor.cli.choice import Answer
from processor.cli.differences import counted_calls
from processor.cli.ledger_access import LedgerAccess, ask
from processor.cli.progress import showing_progress
from processor.cli.sources import settings_from
from processor.core.model import Forgetting
from processor.surfaces.terminal.paint import columns, plain, wrap

NOT_COVERED: Final = (
    "what the backends have",
    "exports and files that exporters have written",
    "older backups of the ledger, and the systemd journal or other logs of this machine",
    "requests that are on their way to a backend right now, and headers kept with requests",
    "what applications send from now on: it is sent on as it comes",
    "texts that only contain the id, such as titles of tasks and reasons of prices",
    "the budgets file, where a filter or an override names it",
)
"""What else may have the id."""
UNUSED_BYTES: Final = (
    "No row has the id any more. Parts of the file that nothing uses, and its log, may hold old "
    "bytes of it until they are used again. A copy has none: stop the processor, run llm-cost "
    "backup, and put the copy in the place of ledger.db, ledger.db-wal and ledger.db-shm."
)


def run(arguments: argparse.Namespace) -> int:
    """Forget a user, and print where the id stood. Raises ProcessorError."""
    settings = settings_from(arguments)
    is_dry_run = arguments.dry_run

    async def question(ledger: LedgerAccess) -> Forgetting:
        work = ledger.forget(arguments.user, is_dry_run=is_dry_run)
        return await showing_progress(ledger, work)

    answer = ask(settings, arguments, question)
    answer.warn()
    if arguments.json:
        print(json.dumps(_as_dict(answer, is_dry_run=is_dry_run), indent=2))
    else:
        print(plain(answer.source), end="\n\n")
        print(*map(plain, _lines(answer.value, is_dry_run=is_dry_run)), sep="\n")
    return 0


def _lines(found: Forgetting, *, is_dry_run: bool) -> Iterator[str]:
    calls = counted_calls(found.calls)
    if is_dry_run:
        yield f"This was a dry run: {calls} would stay under a tombstone; nothing has changed."
    else:
        yield f"The user is forgotten: {calls} stay under {found.tombstone}."
    if found.places:
        yield "Rows that would lose the id:" if is_dry_run else "Rows that had the id:"
        yield from (f"  {count:>9,}  {name}" for name, count in found.places)
    else:
        yield "No row has the id." if is_dry_run else "No row had the id."
    if not is_dry_run:
        text = "Spans that come late for traces of now read as that too; new traces do not."
        yield from wrap(text, columns())
        yield from wrap(UNUSED_BYTES, columns())
    yield ""
    yield "Not covered:"
    for each in NOT_COVERED:
        first, *rest = wrap(each, columns() - 4)
        yield f"  - {first}"
        yield from (f"    {line}" for line in rest)


def _as_dict(answer: Answer[Forgetting], *, is_dry_run: bool) -> dict[str, object]:
    found = answer.value
    return {
        "source": answer.source,
        "dry_run": is_dry_run,
        "tombstone": found.tombstone or None,
        "calls": found.calls,
        "rows": dict(found.places),
        "unused_bytes": None if is_dry_run else UNUSED_BYTES,
        "not_covered": list(NOT_COVERED),
    }
