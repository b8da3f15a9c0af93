"""Tables whose columns are as wide as their texts, and that give up columns where it is narrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from processor.surfaces.terminal.paint import Paint, abridge, cells, left, right, shorten, wrap

_GAP = 2
_GROUP_ROOM_MAX = 12


class Column(NamedTuple):
    """A column of figures."""

    title: str
    keep: int
    """Where the table is too wide, columns of the lowest `keep` are left out first."""


class Row(NamedTuple):
    """One line of a table."""

    group: str
    """What kind of thing it is about; it is shown once for rows that follow each other."""
    name: str
    figures: Sequence[str]
    style: str = ""


def render_table(
    columns: Sequence[Column], rows: Sequence[Row], paint: Paint, width: int
) -> Iterator[str]:
    """The lines of a table, each at most `width` cells wide.

    The group stands at the left where all columns and whole names leave room for it, else on a
    line of its own. Then columns are left out, and at last names are abridged.
    """
    groups = max((cells(row.group) for row in rows), default=0) + _GAP
    beside = min(groups, _GROUP_ROOM_MAX)
    names = max((cells(row.name) for row in rows), default=0)
    sizes = {
        place: _GAP + max(cells(text) for text in [column.title, *(r.figures[place] for r in rows)])
        for place, column in enumerate(columns)
    }
    if 1 + beside + names + sum(sizes.values()) > width:
        beside = 0
    indent = beside or _GAP
    while len(sizes) > 1 and 1 + indent + names + sum(sizes.values()) > width:
        del sizes[min(sizes, key=lambda place: columns[place].keep)]
    room = min(names, width - 1 - indent - sum(sizes.values()))
    titles = "".join(right(columns[place].title, size) for place, size in sizes.items())
    yield paint("dim", " " * (1 + indent + room) + titles)
    before = ""
    for row in rows:
        group = row.group if row.group != before else ""
        before = row.group
        if group and not beside:
            yield f" {paint('dim', group)}"
        figures = "".join(right(row.figures[place], size) for place, size in sizes.items())
        label = paint("dim", left(group if beside else "", indent))
        text = f"{left(abridge(row.name, room), room)}{figures}"
        yield f" {label}{paint(row.style, text.rstrip())}"


def render_named(rows: Sequence[tuple[str, str, str]], width: int) -> Iterator[list[str]]:
    """The lines of each row: what stands before a name, the name, and what stands beside it.

    A name without room beside the rest is on a line of its own, at most `width` cells wide.
    """
    before = max((cells(start) for start, _, _ in rows), default=0)
    beside = max((cells(rest) for _, _, rest in rows), default=0)
    names = max((cells(name) for _, name, _ in rows), default=0)
    room = max(min(width - before - beside, names), 0)
    for start, name, rest in rows:
        lead = left(start, before)
        if cells(name) <= room:
            yield [f"{lead}{left(name, room)}{rest}".rstrip()]
        else:
            whole = f"{lead}{shorten(name, width - before)}"
            yield [whole, f"{' ' * (before + room)}{rest}".rstrip()]


def render_pairs(
    pairs: Sequence[tuple[str, Sequence[str]]], paint: Paint, width: int
) -> Iterator[str]:
    """What to do, and under it the commands that do it; a command is never broken."""
    for what, commands in pairs:
        yield from (f" {line}" for line in wrap(what, width - 1))
        yield from (f"   {paint('blue', command)}" for command in commands)
