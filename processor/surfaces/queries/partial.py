"""Why something is missing from the numbers of an answer, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from processor.core.ports import LedgerView
from processor.core.questions import Filters

_SHOWN_MAX_CHARS: Final = 100


def partial_reasons(
    view: LedgerView,
    filters: Filters,
    range_s: tuple[int, int],
    left_out: Sequence[tuple[int, int]] = (),
) -> tuple[str, ...]:
    """What the numbers of a range ``[start, end)`` lack; empty where they are whole.

    `left_out` are the parts of it that nothing kept is fine enough for.
    """
    reasons = [_of_time(left_out)] if left_out else []
    for each in view.values_in_other(filters, *range_s):
        value = f"{each.dimension} {each.value[:_SHOWN_MAX_CHARS]!r}"
        when = f"on {each.days} days from {_date(each.first_s)} to {_date(each.last_s)}"
        if each.days == 1:
            when = f"on {_date(each.first_s)}"
        reasons.append(
            f"{value} is not kept by itself {when}, so what it used there is not in these numbers: "
            f"a day keeps 1,000 values of {each.dimension} and adds up further ones as 'other'; a "
            f"budget with scope {each.dimension} follows all of them"
        )
    return tuple(reasons)


def _of_time(left_out: Sequence[tuple[int, int]]) -> str:
    start_s, end_s = left_out[0][0], left_out[-1][1]
    length_s = sum(end - start for start, end in left_out)
    what = f"calls are no longer kept one by one between {start_s} and {end_s}"
    return f"{what}: of that time {length_s} s are left out, of which no sums are kept"


def _date(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"
