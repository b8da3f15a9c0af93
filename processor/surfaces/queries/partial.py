"""Why something is missing from the numbers of an answer, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from processor.core.ports import LedgerView
from processor.core.questions import Filters, UsageAnswer

_SHOWN_MAX_CHARS: Final = 100
_HOUR_S: Final = 3_600


def partial_reasons(
    view: LedgerView,
    filters: Filters,
    range_s: tuple[int, int],
    answer: UsageAnswer | None = None,
) -> tuple[str, ...]:
    """What an answer about a range ``[start, end)`` lacks; empty where it is whole."""
    reasons = []
    if answer is not None and answer.left_out:
        reasons.append(_of_time(answer.left_out, view.calls_kept_from_s))
    if answer is not None and answer.lacks_late_s:
        reasons.append(f"{_late(answer.lacks_late_s)}, so that these numbers may lack them")
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


def late_reason(view: LedgerView, start_s: int, end_s: int) -> tuple[str, ...]:
    """That calls of a range came too late to be listed; empty where none did."""
    hours_s = view.late_hours_s(start_s, end_s)
    return (f"{_late(hours_s)}, so that they are not listed",) if hours_s else ()


def _late(hours_s: Sequence[int]) -> str:
    first, last = _moment(hours_s[0]), _moment(hours_s[-1] + _HOUR_S)
    return (
        f"calls that ended between {first} and {last} UTC came after those of their traces were "
        "deleted (ledger.retention.calls): they are counted as of unknown cost, and not kept one "
        "by one"
    )


def _kept(time_s: int) -> str:
    return f"single calls are kept from {_moment(time_s)} UTC on (ledger.retention.calls)"


def _of_time(left_out: Sequence[tuple[int, int]], kept_from_s: int) -> str:
    start_s, end_s = left_out[0][0], left_out[-1][1]
    length_s = sum(end - start for start, end in left_out)
    of_that = f"{length_s} s between {start_s} and {end_s} are left out, of which no sums are kept"
    return f"{_kept(kept_from_s)}: of the time before, {of_that}"


def _moment(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M}"


def _date(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"
