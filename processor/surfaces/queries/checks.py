"""Makes questions of requests, or says what is wrong with them and how to put it right.

Every surface asks through these checks, so that they all refuse the same in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast, get_args
from zoneinfo import ZoneInfo

from processor.core.budgets.checks import dimension_advice, is_dimension_name
from processor.core.budgets.window import window_of
from processor.core.errors import InvalidQuestionError
from processor.core.files.checks import InvalidValueError, time_zone
from processor.core.files.similar import nearest
from processor.core.model import SPAN_ID_BYTES, TRACE_ID_BYTES, Calendar, WindowKind
from processor.core.questions import (
    BUCKETS_MAX,
    DIMENSIONS,
    TIME_END_S,
    WIDTHS,
    BucketWidth,
    Filters,
    Measure,
    TooManyBucketsError,
    edges_of,
)
from processor.surfaces.queries.requests import TimeRange

GROUPS_MAX: Final = 1000
ROWS_MAX: Final = 10_000
"""Groups times buckets."""
CALLS_MAX: Final = 200
_OTHER: Final = "other"
"""What values of own dimensions beyond those that a day keeps count as."""
_GROUPED_MAX: Final = 2
_VALUES_MAX: Final = 100
_SHOWN_MAX_CHARS: Final = 100
_TRACE_BEGINNING: Final = re.compile(rf"[0-9a-f]{{8,{2 * TRACE_ID_BYTES}}}")
_MEASURES: Final[tuple[str, ...]] = get_args(Measure)
_CALENDAR_WINDOWS: Final[Mapping[str, tuple[WindowKind, int]]] = {
    "today": ("day", 0),
    "yesterday": ("day", 1),
    "week": ("week", 0),
    "last_week": ("week", 1),
    "month": ("month", 0),
    "last_month": ("month", 1),
}
"""The kind of window, and how many before the one that is now."""
_LENGTH: Final = re.compile(r"([1-9][0-9]{0,4})([hd])")
_COMMA: Final = re.compile(r"(?<!\\),")
_UNITS_S: Final = {"h": 3600, "d": 86400}
_MIDNIGHT: Final = datetime.min.time()
_THIS_SECOND_S: Final = 1
"""What ends now has the second that is going on: all that was acknowledged is in an answer."""
_WINDOWS: Final = (*_CALENDAR_WINDOWS, "all", "24h", "7d", "30d")


@dataclass(frozen=True, slots=True)
class CheckedRange:
    """A range of time ``[start_s, end_s)`` in epoch seconds, and the calendar it is read by."""

    start_s: int
    end_s: int
    calendar: Calendar
    kind: WindowKind = "none"
    """Of the calendar window that it is; ``none`` for any other range."""

    @property
    def is_all_time(self) -> bool:
        """Whether it leaves out no time."""
        return self.start_s <= 0 and self.end_s >= TIME_END_S

    def before(self, now_s: int) -> tuple[int, int]:
        """The range before; where this one is not over, cut after as much time as has passed."""
        if self.kind == "none":
            return self._as_long_before(), self.start_s
        start_s, end_s = window_of(self.kind, self.start_s - 1, self.calendar)
        if now_s < self.end_s:
            end_s = min(end_s, start_s + max(now_s - self.start_s, 0))
        return start_s, end_s

    def _as_long_before(self) -> int:
        """Where a range of this length has to begin to end where this one does."""
        zone = self.calendar.zone
        start, end = (datetime.fromtimestamp(each, zone) for each in (self.start_s, self.end_s))
        if start.time() == end.time() == _MIDNIGHT:
            # As many days, though one of them may have 23 or 25 hours.
            return int((start - (end.date() - start.date())).timestamp())
        return self.start_s - (self.end_s - self.start_s)


def check_range(time: TimeRange, calendar: Calendar, now_s: int) -> CheckedRange:
    """The range that is meant. Raises InvalidQuestionError."""
    if time.time_zone:
        calendar = calendar._replace(zone=check_zone(time.time_zone))
    if time.window:
        if time.start_s is not None or time.end_s is not None:
            raise InvalidQuestionError("window", "give either a window or a start and an end")
        return _window(time.window, calendar, now_s)
    if time.start_s is None and time.end_s is None:
        return CheckedRange(0, TIME_END_S, calendar)
    start_s = 0 if time.start_s is None else time.start_s
    end_s = now_s + _THIS_SECOND_S if time.end_s is None else time.end_s
    if start_s >= end_s:
        raise InvalidQuestionError("end", f"must be after start: {end_s} is not after {start_s}")
    if end_s <= 0 or start_s >= TIME_END_S:
        field, what = ("end", end_s) if end_s <= 0 else ("start", start_s)
        message = f"must be in seconds since 1970, below {TIME_END_S}, got {str(what)[:24]}"
        raise InvalidQuestionError(field, message)
    return CheckedRange(max(start_s, 0), min(end_s, TIME_END_S), calendar)


def check_zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises InvalidQuestionError."""
    try:
        return time_zone(name)
    except InvalidValueError as error:
        raise InvalidQuestionError("time_zone", error.what, error.fix) from None


def _window(word: str, calendar: Calendar, now_s: int) -> CheckedRange:
    name = word.strip().lower()
    name = {"lastweek": "last_week", "lastmonth": "last_month"}.get(name, name)
    if name == "all":
        return CheckedRange(0, TIME_END_S, calendar)
    if name in _CALENDAR_WINDOWS:
        kind, back = _CALENDAR_WINDOWS[name]
        start_s, end_s = window_of(kind, now_s, calendar)
        if back:
            start_s, end_s = window_of(kind, start_s - 1, calendar)
        return CheckedRange(start_s, end_s, calendar, kind)
    length = _LENGTH.fullmatch(name)
    if length is None:
        raise unknown_word("window", word, _WINDOWS)
    end_s = now_s + _THIS_SECOND_S
    return CheckedRange(end_s - int(length[1]) * _UNITS_S[length[2]], end_s, calendar)


def check_edges(range_: CheckedRange, bucket: str) -> tuple[int, ...]:
    """Where the buckets begin and end; empty for none. Raises InvalidQuestionError."""
    if not bucket:
        return ()
    if bucket not in WIDTHS:
        raise unknown_word("bucket", bucket, WIDTHS)
    try:
        return edges_of(range_.start_s, range_.end_s, cast("BucketWidth", bucket), range_.calendar)
    except TooManyBucketsError as error:
        days = timedelta(seconds=range_.end_s - range_.start_s).days
        what = f"{days} days have more than {BUCKETS_MAX} buckets of {bucket}"
        fix = f"ask for buckets of {error.fitting}" if error.fitting else "ask for a shorter time"
        raise InvalidQuestionError("bucket", what, fix) from None


def check_user(user: str) -> None:
    """What may be forgotten. Raises InvalidQuestionError."""
    if not user.strip():
        raise InvalidQuestionError("user", "says nobody; give the id as the ledger has it")
    if user == _OTHER:
        raise InvalidQuestionError("user", "stands for many values together, and is nobody's id")


def check_group_by(names: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Dimensions to group by. Raises InvalidQuestionError."""
    for name in names:
        check_dimension("group_by", name, own)
    if len(set(names)) < len(names):
        raise InvalidQuestionError("group_by", "names a dimension twice")
    if len(names) > _GROUPED_MAX:
        message = f"takes up to {_GROUPED_MAX} dimensions, got {len(names)}"
        raise InvalidQuestionError("group_by", message, "use filters for others")
    return tuple(names)


def check_filters(filters: Mapping[str, Sequence[str]], own: Sequence[str]) -> Filters:
    """Filters, in the order of their names. Raises InvalidQuestionError."""
    for name, values in filters.items():
        check_dimension("filters", name, own)
        field = f"filters[{name}]"
        if not values:
            raise InvalidQuestionError(field, "accepts no value", "leave it out to accept all")
        if len(values) > _VALUES_MAX:
            message = f"takes up to {_VALUES_MAX} values, got {len(values)}"
            raise InvalidQuestionError(field, message)
        for value in values:
            if name == "trace":
                check_trace_id(field, value)
            elif not _is_text(value):
                raise InvalidQuestionError(field, "has a character that no text has (a surrogate)")
    return tuple(sorted((name, tuple(dict.fromkeys(each))) for name, each in filters.items()))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_dimension(field: str, name: str, own: Sequence[str]) -> str:
    """A dimension that there is. Raises InvalidQuestionError."""
    known = (*DIMENSIONS, *own)
    if name in known:
        return name
    if is_dimension_name(name) and not nearest(name, known):
        what = f"unknown dimension {name!r}"
        raise InvalidQuestionError(field, what, f"{dimension_advice(name)}; otherwise", known)
    raise unknown_word(field, name, known, "dimension")


def check_measure(word: str) -> Measure:
    """What groups are ordered by. Raises InvalidQuestionError."""
    if word not in _MEASURES:
        raise unknown_word("order_by", word, _MEASURES)
    return cast("Measure", word)


def check_limit(limit: int, most: int, field: str = "limit") -> int:
    """How much to list at most. Raises InvalidQuestionError."""
    if not 1 <= limit <= most:
        raise InvalidQuestionError(field, f"must be from 1 to {most}, got {limit}")
    return limit


def check_rows(limit: int, buckets: int) -> None:
    """Whether groups times buckets are not too many. Raises InvalidQuestionError."""
    if limit * max(buckets, 1) > ROWS_MAX:
        what = f"{limit} groups in {buckets} buckets are more than {ROWS_MAX} rows"
        fix = f"ask for at most {ROWS_MAX // buckets} groups, or for longer buckets"
        raise InvalidQuestionError("limit", what, fix)


def check_trace_id(field: str, text: str) -> bytes:
    """A trace id from its hex digits. Raises InvalidQuestionError."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != TRACE_ID_BYTES:
        message = f"must be a trace id of 32 hex digits, got {text[:_SHOWN_MAX_CHARS]!r}"
        raise InvalidQuestionError(field, message)
    return found


def check_trace_beginning(field: str, text: str) -> tuple[bytes, bytes]:
    """The least and the greatest trace id that begins with these hex digits, 8 of them or more.

    Raises InvalidQuestionError.
    """
    digits, most = text.lower(), 2 * TRACE_ID_BYTES
    if not _TRACE_BEGINNING.fullmatch(digits):
        message = f"must be a trace id of {most} hex digits, or its first 8 or more"
        raise InvalidQuestionError(field, f"{message}, got {text[:_SHOWN_MAX_CHARS]!r}")
    return bytes.fromhex(digits.ljust(most, "0")), bytes.fromhex(digits.ljust(most, "f"))


def check_span(field: str, text: str, whose: str = "of a span") -> tuple[bytes, bytes]:
    """Trace id and span id from ``trace id:span id`` in hex. Raises InvalidQuestionError."""
    trace, _, span = text.partition(":")
    try:
        span_id = bytes.fromhex(span)
    except ValueError:
        span_id = b""
    if len(span_id) != SPAN_ID_BYTES:
        ids = f"the id of a trace and {whose}, 32 and 16 hex digits with a colon between"
        message = f"must be {ids}, got {text[:_SHOWN_MAX_CHARS]!r}"
        raise InvalidQuestionError(field, message)
    return check_trace_id(field, trace), span_id


def listed_values(text: str) -> list[str]:
    """Values that commas part; one after a backslash belongs to its value."""
    return [each.replace("\\,", ",") for each in _COMMA.split(text)]


def unknown_word(
    field: str, word: str, known: Iterable[str], noun: str = "value"
) -> InvalidQuestionError:
    """The error for a word that is none of those which are known."""
    known = tuple(known)
    near = nearest(word, known)
    what = f"unknown {noun} {word[:_SHOWN_MAX_CHARS]!r}"
    return InvalidQuestionError(field, what, f"did you mean {near}?" if near else "", known)
