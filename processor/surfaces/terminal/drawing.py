"""What is drawn with rich, in the colours of `Paint`."""

from __future__ import annotations

import io
from typing import Final, TextIO

from rich.console import Console, RenderableType
from rich.text import Text
from rich.theme import Theme

from processor.surfaces.terminal.paint import COLOURS, wrap

_THEME: Final = Theme(
    {name: f"color({number})" for name, number in COLOURS.items()}
    | {f"bold {name}": f"bold color({number})" for name, number in COLOURS.items()}
)
"""The styles of `Paint` by their names; so what is drawn has only sequences that it writes too."""
_LINES_MAX: Final = 6


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


def paragraph(
    text: str, width: int, style: str = "", *, indent: int = 1, hang: int = 0
) -> list[Text]:
    """A sentence in lines that all begin within the margin; what is too much is marked.

    Lines after the first are indented by `hang` cells more.
    """
    lines = wrap(text, width - indent, _LINES_MAX, hang)
    return [Text(f"{' ' * indent}{line}", style) for line in lines]


def verbatim(line: str, style: str = "") -> Text:
    """A line to copy, which is never broken."""
    return Text(line, style, no_wrap=True, overflow="ignore")
