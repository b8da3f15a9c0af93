"""What a check of the ledger is: steps, each of one moment, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

import apsw

from processor.io.ledger.tables import DIMENSIONS
from processor.io.ledger.verifying.comparison import Found

FIRST: Final = -(1 << 63)
"""The position before the first step."""
_TEXT_MAX: Final = 200


class Difference(NamedTuple):
    """Something that is kept twice and does not agree, or that cannot be read."""

    check: str
    """Which check has found it."""
    where: str
    """What it is about, in words."""
    column: str = ""
    """The sum that differs; ``""`` where it is none."""
    kept: int = 0
    expected: int = 0


class Step(NamedTuple):
    """A part of a check that is done."""

    position: int | None
    """Where the next one begins; None after the last."""
    share: float
    """How much of the check is done by now, from 0 to 1."""
    differing: int = 0
    """How much differs."""
    differences: tuple[Difference, ...] = ()
    """The first of what differs."""


class Check(Protocol):
    """One law of the ledger."""

    name: str

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at what begins at a position, in the read transaction that is open.

        What it puts into temporary tables stays for the next step.
        """


Describe = Callable[[tuple[Any, ...]], str]
"""Says what a key is, in words."""


class Findings:
    """Gathers what the comparisons of a step find."""

    def __init__(self, check: str) -> None:
        self._check = check
        self._count = 0
        self._differences: list[Difference] = []

    def add(self, found: Found, describe: Describe) -> None:
        """Add what a comparison has found."""
        self._count += found.differing
        self._differences += [
            Difference(self._check, describe(each.key), *each[1:]) for each in found.first
        ]

    def say(self, wheres: Iterable[str]) -> None:
        """Add what is no sum."""
        found = [Difference(self._check, where) for where in wheres]
        self._count += len(found)
        self._differences += found

    def step(self, position: int | None, share: float) -> Step:
        """The step with all of it."""
        return Step(position, share, self._count, tuple(self._differences))


def moment(time_s: int) -> str:
    """RFC 3339 in UTC, to the minute."""
    try:
        return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%MZ}"
    except (OverflowError, ValueError, OSError):
        return f"second {time_s}"


def name_of(database: apsw.Connection, name_id: int) -> str:
    """What an id in ``names`` stands for, quoted."""
    found = next(database.execute("SELECT text FROM names WHERE id = ?", (name_id,)), None)
    return f"id {name_id}, which has no name" if found is None else repr(str(found[0])[:_TEXT_MAX])


def set_of(database: apsw.Connection, set_id: int) -> str:
    """What an id in ``dimension_sets`` stands for."""
    query = f"SELECT {', '.join(DIMENSIONS)} FROM dimension_sets WHERE id = ?"
    found = next(database.execute(query, (set_id,)), None)
    if found is None:
        return f"dimensions {set_id}, which are not there"
    named = zip(DIMENSIONS, found, strict=True)
    return ", ".join(f"{name} {value}" for name, value in named if value)[:_TEXT_MAX]
