"""Totals that budgets follow, asked for several at once."""

from __future__ import annotations

from typing import NamedTuple

from processor.core.model.total import Totals


class SeriesWindow(NamedTuple):
    """One such total in ``[start, end)`` of epoch seconds."""

    name: str
    """See `budgets.verdict.series_of`."""
    scope_id: str
    start_s: int
    end_s: int


class SeriesSum(NamedTuple):
    """What it has."""

    totals: Totals
    """Cost, tokens and calls of unknown cost; nothing else is added up."""
    is_complete: bool
    """False while it is being filled with what was charged before a budget followed it."""
