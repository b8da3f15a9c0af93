"""The buckets of a series: where they begin and end in any time zone."""

from __future__ import annotations

from typing import Final, Literal, get_args

from processor.core.budgets.window import BUCKET_S, window_of
from processor.core.model import Calendar

BucketWidth = Literal["15min", "hour", "day", "week", "month"]
WIDTHS: Final[tuple[str, ...]] = get_args(BucketWidth)
BUCKETS_MAX: Final = 1000


class TooManyBucketsError(ValueError):
    """A range has more than `BUCKETS_MAX` buckets of a width; `fitting` is a width that fits."""

    def __init__(self, fitting: str) -> None:
        super().__init__(fitting)
        self.fitting = fitting


def bucket_at(width: BucketWidth, time_s: int, calendar: Calendar) -> tuple[int, int]:
    """The bucket ``[start, end)`` that holds a moment, in epoch seconds.

    Days have 23 to 25 hours where the clock changes; see `window_of`.
    """
    if width == "15min":
        start_s = time_s // BUCKET_S * BUCKET_S
        return start_s, start_s + BUCKET_S
    return window_of(width, time_s, calendar)


def edges_of(start_s: int, end_s: int, width: BucketWidth, calendar: Calendar) -> tuple[int, ...]:
    """Where the buckets of ``[start, end)`` begin and end.

    The first one begins at `start_s` and the last one ends at `end_s`, so that both may be shorter
    than the others. Raises TooManyBucketsError.
    """
    edges = [start_s]
    while edges[-1] < end_s:
        if len(edges) > BUCKETS_MAX:
            raise TooManyBucketsError(_fitting(end_s - start_s))
        edges.append(min(bucket_at(width, edges[-1], calendar)[1], end_s))
    return tuple(edges)


_SHORTEST_S: Final[dict[str, int]] = {
    "15min": BUCKET_S,
    "hour": 3600 // 2,
    "day": 22 * 3600,
    "week": 6 * 86400,
    "month": 27 * 86400,
}
"""Where the clock changes, an hour may be cut in two, and a day loses one or two."""


def _fitting(length_s: int) -> str:
    """The shortest width that a range has not too many buckets of; ``""`` for none."""
    fits = (each for each, least_s in _SHORTEST_S.items() if length_s / least_s < BUCKETS_MAX)
    return next(fits, "")
