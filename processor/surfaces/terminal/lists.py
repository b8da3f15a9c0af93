"""Lists: names with what stands beside them, and commands below what they are for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processor.surfaces.terminal.paint import Paint, cells, left, shorten, wrap


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
