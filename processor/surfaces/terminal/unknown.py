"""Calls whose cost is unknown, and what would make it known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from processor.surfaces.api.documents import UnknownDocument, UnpricedDocument
from processor.surfaces.terminal.drawing import paragraph, verbatim
from processor.surfaces.terminal.figures import counted
from processor.surfaces.terminal.moments import exact
from processor.surfaces.terminal.paint import plain

UNPRICED: Final = "unpriced"
"""The status of calls that lack a price and nothing else."""
_DELETED: Final = "deleted"


def draw_unknown(
    document: UnpricedDocument, where: str, reprice: str, width: int
) -> RenderableType:
    """The picture of a document, in `width` cells.

    `where` is the file that prices are to be added to, and `reprice` the command that charges
    calls again, up to the time that it begins with.
    """
    if not document.data:
        return Group(*paragraph("The cost of every call in the ledger is known.", width))
    zone = ZoneInfo(document.time_zone)
    parts = [line for each in document.data for line in _kind(each, zone, width)]
    if document.kinds_left_out:
        kinds = counted(document.kinds_left_out, "more kind")
        calls = counted(document.calls_left_out, "call")
        parts += paragraph(f"and {kinds} with {calls}; --limit lists more", width, "dim")
    parts += _with_price(document.data, reprice, width)
    parts += _other_fixes(document.data, width)
    parts += entry_lines(document.data, where, width)
    return Group(*parts)


def entry_lines(unknown: Sequence[UnknownDocument], where: str, width: int) -> Iterator[Text]:
    """The lines that give a price to what has none, and where they are to be put."""
    # Calls of several services are several kinds, and one entry is enough for all of them.
    entries = dict.fromkeys(tuple(each.entry) for each in unknown if each.entry)
    if not entries:
        return
    yield Text()
    yield from paragraph(
        f"To price them, add these lines to {plain(where)}, below its `models:`, where it has one:",
        width,
    )
    yield Text()
    yield verbatim("  models:")
    yield from (verbatim(f"    {plain(line)}") for entry in entries for line in entry)


def first_moment(unknown: Sequence[UnknownDocument]) -> str:
    """When the first of some calls ended, in whole seconds and with its offset."""
    first = min(datetime.fromisoformat(each.first_at) for each in unknown)
    return first.replace(microsecond=0).isoformat()


def _kind(each: UnknownDocument, zone: ZoneInfo, width: int) -> Iterator[Text]:
    calls = counted(each.calls, "call")
    if each.status == _DELETED:  # Of them nothing is kept but how many they were.
        yield from paragraph(plain(f"deleted calls: {each.reason}"), width, "orange")
        yield from paragraph(calls, width, indent=4)
    else:
        names = " or ".join(each.models) or "(no model named)"
        provider = each.provider or "(no provider named)"
        yield from paragraph(plain(f"{names} of {provider}: {_reason(each)}"), width, "orange")
        service = plain(each.service or "no service")
        what = f"{calls}, {counted(each.tokens, 'token')}, from {service}"
        yield from paragraph(what, width, indent=4)
    span = f"{exact(each.first_at, zone)} to {exact(each.last_at, zone)}"
    yield from paragraph(span, width, indent=4)


def _reason(each: UnknownDocument) -> str:
    if each.status == UNPRICED:
        return each.reason or UNPRICED
    return f"{each.status}: {each.reason}" if each.reason else each.status


def _with_price(unknown: Sequence[UnknownDocument], reprice: str, width: int) -> Iterator[Text]:
    """What has a price by now, and the command that charges it."""
    priced = [each for each in unknown if each.has_price]
    if not priced:
        return
    yield Text()
    names = ", ".join(dict.fromkeys(each.models[0] for each in priced if each.models))
    yield from paragraph(plain(f"By now there is a price for {names}. To charge it:"), width)
    yield verbatim(f"   {plain(reprice)} --since {first_moment(priced)} --dry-run", "blue")


def _other_fixes(unknown: Sequence[UnknownDocument], width: int) -> Iterator[Text]:
    """What to do about calls whose cost is unknown for another reason than a missing price."""
    fixes = {each.status: each.fix for each in unknown if each.status != UNPRICED}
    for status, fix in fixes.items():
        yield Text()
        yield from paragraph(plain(f"{status}: {fix}"), width)
