"""What a change of the price file would do, for ``llm-cost check-config --against``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from processor.core.errors import LedgerUnavailableError
from processor.core.insight import Comparison, Prices, Side, changed_patterns, compare, mark_priced
from processor.core.model import UnpricedCalls
from processor.core.money import FEMTO_PER_USD
from processor.io.ledger import Snapshot, read_snapshot
from processor.surfaces.terminal.paint import left, right

_PER = 10**6


def change_lines(against: str, before: Prices, after: Prices, ledger: Path) -> Iterator[str]:
    """The differences from the file `against` to the prices that are checked, in lines."""
    stored, why_not = _read_ledger(ledger)
    found = compare(before, after, stored.asked, time.time_ns())
    changed = [item for item in found if item.kind != "same"]
    yield f"changes   from {against}, USD per 1M tokens: input / output / cached input"
    for item in changed:
        yield _line(item)
    for item in found:
        name = _name(item)
        if item.starts_as_alias:
            yield f"  alias    {name} starts to mean {item.after.rule}"
        elif item.stops_as_alias:
            yield f"  alias    {name} no longer means {item.before.rule}"
    for pattern, kind in changed_patterns(before.file, after.file):
        yield f"  pattern  {pattern} is {kind}"
    count = len(found) - len(changed)
    yield f"  {count} {'model costs' if count == 1 else 'models cost'} the same"
    yield why_not or _newly_priced(stored, before, after)


def _read_ledger(ledger: Path) -> tuple[Snapshot, str]:
    """What the ledger has stored, or why that is not known."""
    if not ledger.exists():
        return Snapshot((), ()), f"  there is no ledger at {ledger}, so no calls were looked at"
    try:
        return read_snapshot(ledger), ""
    except LedgerUnavailableError as error:
        return Snapshot((), ()), f"  no calls were looked at: {error}"


def _newly_priced(stored: Snapshot, before: Prices, after: Prices) -> str:
    """How many of the models without a price would get one."""
    unknowns = stored.unpriced
    if not unknowns:
        return "  every call in the ledger has a price"
    was = mark_priced(unknowns, before.catalog)
    now = mark_priced(unknowns, after.catalog)
    gained = [new for old, new in zip(was, now, strict=True) if new.has_price and not old.has_price]
    return (
        f"  {_count(gained)} of {_count(unknowns)} models without a price in the ledger would get "
        f"one ({_calls(gained):,} of {_calls(unknowns):,} calls)"
    )


def _count(unknowns: Sequence[UnpricedCalls]) -> int:
    """Models, whatever services use them."""
    return len({(unknown.provider, unknown.models) for unknown in unknowns})


def _calls(unknowns: Sequence[UnpricedCalls]) -> int:
    return sum(unknown.calls for unknown in unknowns)


def _line(item: Comparison) -> str:
    note = "  (at other times, sizes or kinds of token)" if item.is_elsewhere else ""
    was, now = _shown(item.before), _shown(item.after)
    return f"  {left(item.kind, 8)} {left(_name(item), 44)} {right(was, 22)}  ->  {now}{note}"


def _name(item: Comparison) -> str:
    provider, models, tier = item.asked
    name = f"{provider or '*'}:{' or '.join(models) or '(no model)'}"
    return f"{name} ({tier})" if tier else name


def _shown(side: Side) -> str:
    """Input, output and cached input; a price that holds at another time only has no rates now."""
    if side.rates is None:
        return "no price"
    return _rates_text([side.rates[at] for at in (0, 6, 1)])


def _rates_text(rates_femto: Sequence[int]) -> str:
    return " / ".join(
        f"{(Decimal(rate * _PER) / FEMTO_PER_USD).normalize():f}" for rate in rates_femto
    )
