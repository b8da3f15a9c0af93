"""What of notifications has not arrived, below budgets."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from processor.core.wording import counted
from processor.surfaces.api.documents import NotificationsDocument
from processor.surfaces.terminal.paint import plain, wrap


def draw_backlogs(document: NotificationsDocument, width: int) -> Iterator[RenderableType]:
    """What waits, or was given up, of each channel; nothing where all has arrived."""
    for each in document.channels:
        parts = []
        if each.waiting:
            parts.append(f"{counted(each.waiting, 'notification')} waiting")
        if each.failed:
            parts.append(f"{each.failed} given up in the last seven days")
        reason = f": {each.error}" if each.error else ""
        line = plain(f"{each.channel}: {', '.join(parts)}{reason}")
        style = "red" if each.failed else "orange"
        yield from (Text(f" {part}", style) for part in wrap(line, width - 1, hang=2))
