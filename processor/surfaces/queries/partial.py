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
    reasons = [_of_time(left_out, view.calls_kept_from_s)] if left_out else []
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


def deleted_reason(view: LedgerView, start_s: int) -> tuple[str, ...]:
    """That calls of a range which begins at a moment are no longer kept; empty where all are."""
    kept_from_s = view.calls_kept_from_s
    return (f"{_kept(kept_from_s)}: older ones are not listed",) if start_s < kept_from_s else ()


def _kept(time_s: int) -> str:
    moment = f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M}"
    return f"single calls are kept from {moment} UTC on (ledger.retention.calls)"


def _of_time(left_out: Sequence[tuple[int, int]], kept_from_s: int) -> str:
    start_s, end_s = left_out[0][0], left_out[-1][1]
    length_s = sum(end - start for start, end in left_out)
    of_that = f"{length_s} s between {start_s} and {end_s} are left out, of which no sums are kept"
    return f"{_kept(kept_from_s)}: of the time before, {of_that}"


def _date(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"
