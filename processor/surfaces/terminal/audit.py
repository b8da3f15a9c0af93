"""Who has changed what, and when. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from processor.surfaces.api.documents import AuditDocument, AuditLine
from processor.surfaces.terminal.drawing import paragraph
from processor.surfaces.terminal.moments import exact
from processor.surfaces.terminal.paint import plain

_NAMES: Final = {"usd": "cost in USD"}
_IN_UTC: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""Times in what a line is about, as the ledger has them."""


def draw_audit(document: AuditDocument, width: int) -> RenderableType:
    """The picture of a document, in `width` cells."""
    if not document.data:
        return Group(*paragraph("Nothing was changed in this time.", width))
    zone = ZoneInfo(document.time_zone)
    parts = [line for each in document.data for line in (Text(), *_change(each, zone, width))]
    return Group(*parts[1:])


def _change(line: AuditLine, zone: ZoneInfo, width: int) -> Iterator[Text]:
    subject = _IN_UTC.sub(lambda found: exact(found[0], zone), line.subject)
    head = f"{exact(line.changed_at, zone)}  {line.action}  {subject}"
    yield from paragraph(plain(head), width)
    yield from paragraph(plain(f"by {line.actor or 'nobody known'}"), width, indent=4)
    for text in _differences(line.before, line.after):
        yield from paragraph(plain(text), width, "dim", indent=4, hang=4)


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """What differs, name by name."""
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        shown = _NAMES.get(name, name)
        if old is None or new is None:
            yield f"{shown}: {new if old is None else f'{old} (no longer)'}"
        else:
            yield f"{shown}: {old} -> {new}"
