"""What is drawn with rich, in the colours of `Paint`."""

from __future__ import annotations

import io
from typing import Final, TextIO

from rich.console import Console, RenderableType
from rich.theme import Theme

_THEME: Final = Theme(
    {
        "red": "color(196)",
        "green": "color(28)",
        "orange": "color(166)",
        "blue": "color(31)",
        "bold red": "bold color(196)",
        "bold orange": "bold color(166)",
    }
)
"""The styles of `Paint` by their names; so what is drawn has only sequences that it writes too."""


def console_for(stream: TextIO, width: int, *, is_coloured: bool) -> Console:
    """A console that draws on a stream, `width` cells wide, with these colours or none."""
    return Console(
        file=stream,
        width=width,
        theme=_THEME,
        color_system="256" if is_coloured else None,
        force_terminal=is_coloured,
        no_color=not is_coloured,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def drawn(renderable: RenderableType, width: int, *, is_coloured: bool) -> str:
    """The lines of a picture, without blanks at their ends; each at most `width` cells wide."""
    text = io.StringIO()
    console_for(text, width, is_coloured=is_coloured).print(renderable)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
