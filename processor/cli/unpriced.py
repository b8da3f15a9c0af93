"""``llm-cost unpriced``: models without a price, and the lines that would price them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from processor.cli.ledger_access import ask
from processor.cli.sources import NO_FILE_YET, settings_from
from processor.core.insight import can_be_priced
from processor.core.model import NS_PER_S, UnpricedCalls
from processor.core.pricing import suggest_entry
from processor.surfaces.terminal.paint import plain


def run(arguments: argparse.Namespace) -> int:
    """Print what has no price; returns 0 in any case. Raises ProcessorError."""
    settings = settings_from(arguments)
    answer = ask(settings, arguments, lambda ledger: ledger.unpriced())
    answer.warn()
    if arguments.json:
        print(json.dumps([_as_dict(unknown) for unknown in answer.value], indent=2))
    else:
        print(plain(answer.source))
        print(*map(plain, _lines(answer.value, settings.pricing.file)), sep="\n")
    return 0


def _lines(unknowns: Sequence[UnpricedCalls], path: str) -> Iterator[str]:
    if not unknowns:
        yield "every call in the ledger has a price"
        return
    for unknown in unknowns:
        names = " or ".join(unknown.models) or "(no model named)"
        calls = f"{unknown.calls:,} {'call' if unknown.calls == 1 else 'calls'}"
        yield f"{names} of {unknown.provider or '(no provider named)'}: {unknown.reason}"
        yield f"    {calls}, {unknown.tokens:,} tokens, from {unknown.service or 'no service'}"
        yield f"    {_moment(unknown.first_ns)} to {_moment(unknown.last_ns)}"
    yield ""
    if any(unknown.has_price for unknown in unknowns):
        first_ns = min(unknown.first_ns for unknown in unknowns if unknown.has_price)
        priced = [unknown.models[0] for unknown in unknowns if unknown.has_price and unknown.models]
        yield f"By now there is a price for: {', '.join(dict.fromkeys(priced))}"
        yield f"To charge it: llm-cost reprice --since {_moment(first_ns)} --dry-run"
        yield ""
    entries = dict.fromkeys(entry for unknown in unknowns if (entry := _entry(unknown)))
    if entries:
        yield f"To price them, add these lines to {path or NO_FILE_YET},"
        yield "below its `models:`, where it has one:"
        yield ""
        yield "  models:"
        yield from (f"    {line}" for entry in entries for line in entry)


def _entry(unknown: UnpricedCalls) -> tuple[str, ...]:
    """What to add to the price file; nothing where there is a price, or where none would help."""
    if unknown.has_price or not can_be_priced(unknown):
        return ()
    return suggest_entry(unknown.provider, unknown.models)


def _as_dict(unknown: UnpricedCalls) -> dict[str, object]:
    return {
        "provider": unknown.provider,
        "models": list(unknown.models),
        "reason": unknown.reason,
        "service": unknown.service,
        "calls": unknown.calls,
        "tokens": unknown.tokens,
        "first": _moment(unknown.first_ns),
        "last": _moment(unknown.last_ns),
        "has_price": unknown.has_price,
        "yaml": "\n".join(_entry(unknown)),
    }


def _moment(time_ns: int) -> str:
    """RFC 3339, in UTC and whole seconds."""
    return f"{datetime.fromtimestamp(time_ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"
