"""``llm-cost unpriced``: calls whose cost is unknown, and what would make it known."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from processor.cli.differences import counted_calls
from processor.cli.invocation import repeated
from processor.cli.ledger_access import ask
from processor.cli.picture import check_form
from processor.cli.sources import NO_FILE_YET, settings_from
from processor.core.csv_text import write_rows
from processor.core.model import UnpricedCalls
from processor.core.wording import utc_text
from processor.surfaces.grpc.messages import UNPRICED, reason_text
from processor.surfaces.queries import with_fix
from processor.surfaces.terminal.output import write_exactly
from processor.surfaces.terminal.paint import columns, plain, wrap

_FIX_LINES_MAX = 6
_FIELDS = (
    "provider", "models", "status", "reason", "service", "calls", "tokens", "first", "last",
    "has_price", "fix", "yaml",
)  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print whose cost is unknown; returns 0 in any case. Raises ProcessorError."""
    form = check_form(arguments)
    settings = settings_from(arguments)
    answer = ask(settings, arguments, lambda ledger: ledger.unpriced())
    answer.warn()
    listed = answer.value.listed
    if form == "json":
        print(json.dumps([_as_dict(unknown) for unknown in listed], indent=2))
    elif form == "csv":
        write_exactly(_as_csv(listed))
    else:
        print(plain(answer.source))
        again = repeated("reprice", arguments, "config", "endpoint", "data_dir", "pricing")
        print(*map(plain, _lines(listed, settings.pricing.file, again)), sep="\n")
    kinds, calls = answer.value.left_out
    if kinds:
        print(
            f"llm-cost: left out: {kinds:,} more {'kind' if kinds == 1 else 'kinds'} with "
            f"{counted_calls(calls)} together; each has no more calls than the last one",
            file=sys.stderr,
        )
    return 0


def _lines(unknowns: Sequence[UnpricedCalls], path: str, again: str) -> Iterator[str]:
    if not unknowns:
        yield "the cost of every call in the ledger is known"
        return
    for unknown in unknowns:
        if unknown.status == "deleted":  # Of them nothing is kept but how many they were.
            yield f"deleted calls: {unknown.reason}"
            yield f"    {counted_calls(unknown.calls)}"
        else:
            names = " or ".join(unknown.models) or "(no model named)"
            yield f"{names} of {unknown.provider or '(no provider named)'}: {reason_text(unknown)}"
            service = unknown.service or "no service"
            yield f"    {counted_calls(unknown.calls)}, {unknown.tokens:,} tokens, from {service}"
        yield f"    {utc_text(unknown.first_ns)} to {utc_text(unknown.last_ns)}"
    yield ""
    if any(unknown.has_price for unknown in unknowns):
        first_ns = min(unknown.first_ns for unknown in unknowns if unknown.has_price)
        priced = [unknown.models[0] for unknown in unknowns if unknown.has_price and unknown.models]
        yield f"By now there is a price for: {', '.join(dict.fromkeys(priced))}"
        yield f"To charge it: {again} --since {utc_text(first_ns)} --dry-run"
        yield ""
    yield from _other_fixes(unknowns)
    entries = dict.fromkeys(entry for unknown in unknowns if (entry := with_fix(unknown).entry))
    if entries:
        where = f"{path or NO_FILE_YET}, below its `models:`, where it has one"
        yield from wrap(f"To price them, add these lines to {where}:", columns(), _FIX_LINES_MAX)
        yield ""
        yield "  models:"
        yield from (f"    {line}" for entry in entries for line in entry)


def _other_fixes(unknowns: Sequence[UnpricedCalls]) -> Iterator[str]:
    """What to do about calls whose cost is unknown for another reason than a missing price."""
    fixes = {each.status: with_fix(each).fix for each in unknowns if each.status != UNPRICED}
    for status, fix in fixes.items():
        yield from wrap(f"{status}: {fix}", columns(), _FIX_LINES_MAX)
        yield ""


def _as_csv(unknowns: Sequence[UnpricedCalls]) -> str:
    """The same fields as JSON has, with the names of a model parted by blanks."""
    rows = [_as_dict(unknown) | {"models": " ".join(unknown.models)} for unknown in unknowns]
    return write_rows((_FIELDS, *([row[name] for name in _FIELDS] for row in rows)))


def _as_dict(unknown: UnpricedCalls) -> dict[str, object]:
    return {
        "provider": unknown.provider,
        "models": list(unknown.models),
        "status": unknown.status,
        "reason": unknown.reason,
        "service": unknown.service,
        "calls": unknown.calls,
        "tokens": unknown.tokens,
        "first": utc_text(unknown.first_ns),
        "last": utc_text(unknown.last_ns),
        "has_price": unknown.has_price,
        "fix": with_fix(unknown).fix,
        "yaml": "\n".join(with_fix(unknown).entry),
    }
