"""Sums that only grow: what metrics show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from processor.core.model.total import Totals


class SpendRow(NamedTuple):
    """What one combination of values has used: at any moment it is ``first + up - down``.

    Input tokens are without those from caches, and agent runs are 0. None of the sums ever falls.
    """

    values: tuple[str, ...] | None
    """In the order of the dimensions, ``""`` for none; None for all combinations without a row."""
    first: Totals
    """What its calls were charged when they came."""
    up: Totals
    """What corrections and transfers have added to that."""
    down: Totals
    """What they have taken from it."""


class Spend(NamedTuple):
    """What has been used in all, by the dimensions of metrics; the rows add up to the ledger."""

    dimensions: tuple[str, ...]
    rows: Sequence[SpendRow]


class CrossingCount(NamedTuple):
    """How many scope ids have reached a share of a limit in a window."""

    budget: str
    scope: str
    window_start_s: int
    limit: int
    unit: str
    threshold: float
    ids: int


class CrossingCounts(NamedTuple):
    """Crossings after a number, alike ones together."""

    counts: Sequence[CrossingCount]
    last: int
    """The number of the last one, to ask for those that come after."""
