"""Text for terminals: cleaned, measured, aligned, and coloured where that is wanted."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, TextIO

from processor.core.escaping import escape

COLOURS: Final = {"red": 196, "green": 28, "orange": 166, "blue": 31}
"""Colours of the fixed part of the 256-colour palette, with a contrast of about 4:1 and more to
black and to white: a terminal's own yellow or cyan cannot be read on a light background."""
_STYLES: Final = {
    "": "",
    "bold": "1",
    "dim": "2",
    **{name: f"38;5;{number}" for name, number in COLOURS.items()},
    **{f"bold {name}": f"1;38;5;{number}" for name, number in COLOURS.items()},
}

_RESET: Final = "\x1b[0m"
STYLE_SEQUENCES: Final = (_RESET, *(f"\x1b[{code}m" for code in _STYLES.values() if code))
"""What `Paint` writes for a terminal to obey."""

_COLUMNS_MIN, _COLUMNS_MAX = 40, 120
_ELLIPSIS = "…"

_BLANKS: Final = str.maketrans("\n\t", "  ")


class Paint:
    """Colours text, or leaves it as it is."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, style: str, text: str) -> str:
        """`text` in one of the few styles there are; ``""`` is no style, and blanks need none."""
        code = _STYLES[style]
        return f"\x1b[{code}m{text}{_RESET}" if self.enabled and code and text.strip() else text


def paint_for(stream: TextIO, environ: Mapping[str, str]) -> Paint:
    """Colours for a terminal whose user has not asked for none (https://no-color.org)."""
    wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Paint(enabled=wanted and stream.isatty())


def columns() -> int:
    """How many cells a line may have: those of the terminal, or 100 where there is none."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, _COLUMNS_MIN), _COLUMNS_MAX)


def plain(text: str) -> str:
    """`text` on one line, and what a terminal would obey as escapes that can be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_plain_space, escape(text.translate(_BLANKS))))


def _plain_space(character: str) -> str:
    return " " if unicodedata.category(character) == "Zs" else character


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, room: int) -> str:
    """The beginning of `text` that fits into `room` cells, marked where something is left out."""
    if cells(text) <= room:
        return text
    used, kept = len(_ELLIPSIS), ""
    for character in text:
        used += _cells_of(character)
        if used > room:
            break
        kept += character
    return kept + _ELLIPSIS


def abridge(text: str, room: int) -> str:
    """`text` in at most `room` cells; what is left out is in the middle.

    Names of models differ at their ends: ``claude-sonnet-4-5-20250929``.
    """
    if cells(text) <= room:
        return text
    tail, used = "", 0
    for character in reversed(text):
        used += _cells_of(character)
        if used > (room - 1) // 2:
            break
        tail = character + tail
    return shorten(text, room - cells(tail)) + tail


def wrap(text: str, room: int, lines_max: int = 3, hang: int = 0) -> list[str]:
    """`text` in lines of at most `room` cells, broken between words; what is too much is marked.

    Lines after the first begin with `hang` blanks.
    """
    lines: list[str] = []
    words = text.split(" ")
    while words:
        line = " " * (hang if lines else 0) + words.pop(0)
        while words and cells(line) + 1 + cells(words[0]) <= room:
            line += f" {words.pop(0)}"
        if words and len(lines) == lines_max - 1:
            return [*lines, shorten(f"{line} {_ELLIPSIS}", room)]
        lines.append(abridge(line, room))
    return lines


def left(text: str, room: int) -> str:
    """`text` in exactly `room` cells, at their left."""
    text = shorten(text, room)
    return text + " " * (room - cells(text))


def right(text: str, room: int) -> str:
    """`text` in exactly `room` cells, at their right."""
    text = shorten(text, room)
    return " " * (room - cells(text)) + text


def rule(title: str, width: int) -> str:
    """A horizontal line across `width` cells, with a title in it."""
    start = f"── {shorten(title, width - 5)} "
    return start + "─" * (width - cells(start))


def aligned(amounts: Sequence[str]) -> list[str]:
    """Decimal texts, all with as many decimals as the longest has."""
    places = max((len(amount.partition(".")[2]) for amount in amounts), default=0)
    return [f"{Decimal(amount):.{places}f}" for amount in amounts]
