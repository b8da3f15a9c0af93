"""Tables that fit: names are abridged, bars get shorter, and at last columns are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from rich.text import Text

from processor.surfaces.terminal.paint import abridge, cells, left, plain, right

Kind = Literal["name", "word", "figure", "bar"]
Cell = str | float | Text
"""Text, which may have a style of its own, or the length of a bar: 1 for the whole width."""

_GAP: Final = 2
_MARGIN: Final = 1
KEPT: Final = 9
"""Of a column that is never left out."""
_BAR_MAX: Final = 24
_NAME_MIN: Final = 6
_SHRINKING: Final[tuple[tuple[Kind, int], ...]] = (
    ("bar", 16), ("name", 36), ("bar", 8), ("name", 22),
)  # fmt: skip
"""What gets shorter, and to how many cells, before a column is left out."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


class Column(NamedTuple):
    """A column of a table."""

    title: str
    kind: Kind = "figure"
    """Figures and words are whole, names are abridged, bars are as long as fits."""
    keep: int = KEPT
    """Columns of the lowest `keep` are left out first; 9 stays in any case."""


class Row(NamedTuple):
    """A line of a table."""

    cells: Sequence[Cell]
    style: str = ""
    notes: Sequence[tuple[str, str]] = ()
    """Lines below it, each with its style and no wider than the table."""


def grid(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Text]:
    """The lines of a table, each at most `width` cells wide; the first has the titles."""
    shown = [[plain(cell) if isinstance(cell, str) else cell for cell in row.cells] for row in rows]
    sizes = _fit(columns, [_natural(columns, shown, place) for place in range(len(columns))], width)
    lines = []
    if any(column.title for column in columns):
        titles = [column.title if column.kind != "bar" else "" for column in columns]
        lines.append(_line(titles, columns, sizes, "dim"))
    for row, texts in zip(rows, shown, strict=True):
        lines.append(_line(texts, columns, sizes, row.style))
        lines += [_text(f" {plain(note)}", style) for style, note in row.notes]
    return lines


def bar(share: float, size: int) -> str:
    """A bar of a length between nothing and `size` cells; what is not nothing can be seen."""
    eighths = round(min(max(share, 0), 1) * size * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, part = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[part] if part else "")


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], place: int) -> int:
    column = columns[place]
    if not any(row[place] for row in rows):
        return 0
    if column.kind == "bar":
        return _BAR_MAX
    return max(cells(column.title), *(cells(str(row[place])) for row in rows))


def _fit(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """The size of each column that is there."""
    # A column without anything below its title is none.
    places = [place for place, size in enumerate(natural) if size]
    while True:
        sizes = {place: natural[place] for place in places}
        for kind, least in _SHRINKING:
            _shrink(sizes, columns, kind, least, width)
        least_kept = min(places, key=lambda place: columns[place].keep)
        if _over(sizes, width) <= 0 or columns[least_kept].keep == KEPT:
            break
        places.remove(least_kept)
    _shrink(sizes, columns, "name", _NAME_MIN, width)
    return sizes


def _over(sizes: dict[int, int], width: int) -> int:
    return _MARGIN + sum(sizes.values()) + _GAP * (len(sizes) - 1) - width


def _shrink(
    sizes: dict[int, int], columns: Sequence[Column], kind: Kind, least: int, width: int
) -> None:
    """Take away what is too much, always of the longest."""
    while _over(sizes, width) > 0:
        longer = [
            place for place, size in sizes.items() if columns[place].kind == kind and size > least
        ]
        if not longer:
            return
        sizes[max(longer, key=lambda place: sizes[place])] -= 1


def _line(
    row: Sequence[Cell], columns: Sequence[Column], sizes: dict[int, int], style: str
) -> Text:
    line = Text(" " * _MARGIN, no_wrap=True, overflow="ellipsis")
    for text, tone in _padded(row, columns, sizes, style):
        line.append(text, tone)
    line.rstrip()
    return line


def _padded(
    row: Sequence[Cell], columns: Sequence[Column], sizes: dict[int, int], style: str
) -> Iterator[tuple[str, str]]:
    for number, (place, size) in enumerate(sizes.items()):
        given, kind, tone = row[place], columns[place].kind, style
        cell: str | float = given.plain if isinstance(given, Text) else given
        if isinstance(given, Text):
            tone = str(given.style)
        if number:
            yield " " * _GAP, ""
        if isinstance(cell, float):
            yield left(bar(cell, size), size), "blue"
        elif kind == "figure":
            yield right(cell, size), tone
        else:
            yield left(abridge(cell, size), size), tone


def _text(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="crop")
