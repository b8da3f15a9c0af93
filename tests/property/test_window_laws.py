"""Laws that hold for every zone, kind of window and moment."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from processor.core.budgets.window import BUCKET_S, bucket_of, window_of
from processor.core.model import Calendar

_TODAY_S = 1_767_225_600  # 2026-01-01
_LAST_S = (2**64 - 1) // 10**9

# The pseudo-zones that are no place on earth are left out.
ZONES = sorted(name for name in available_timezones() if name not in {"localtime", "Factory"})
calendars = st.builds(
    Calendar,
    st.sampled_from(ZONES).map(ZoneInfo),
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=0, max_value=23),
)
kinds = st.sampled_from(["hour", "day", "week", "month"])
times = st.one_of(
    st.integers(min_value=0, max_value=_LAST_S),
    st.integers(min_value=_TODAY_S - 20 * 366 * 86400, max_value=_TODAY_S + 20 * 366 * 86400),
)


@given(kinds, times, calendars)
def test_window_contains_its_moment_and_is_made_of_whole_buckets(kind, time_s, calendar):
    start, end = window_of(kind, time_s, calendar)
    assert start <= time_s < end
    assert start % BUCKET_S == end % BUCKET_S == 0
    bucket = bucket_of(time_s * 10**9)
    assert start <= bucket
    assert bucket + BUCKET_S <= end


@given(kinds, times, calendars)
def test_windows_follow_each_other_without_gap_or_overlap(kind, time_s, calendar):
    start, end = window_of(kind, time_s, calendar)
    if end <= _LAST_S:
        assert window_of(kind, end, calendar)[0] == end
    if start > 0:
        assert window_of(kind, start - 1, calendar)[1] == start
    assert window_of(kind, max(start, 0), calendar) == (start, end)
    assert window_of(kind, min(end - 1, _LAST_S), calendar) == (start, end)


@given(times, calendars)
def test_shorter_windows_lie_inside_longer_ones(time_s, calendar):
    hour, day, week, month = (
        window_of(kind, time_s, calendar) for kind in ("hour", "day", "week", "month")
    )
    for inner, outer in ((day, week), (day, month)):
        assert outer[0] <= inner[0]
        assert inner[1] <= outer[1]
    assert hour[1] - hour[0] <= 3600


@given(times, calendars)
def test_windows_begin_at_the_marks_of_the_local_clock(time_s, calendar):
    start, _ = window_of("month", time_s, calendar)
    reset = timedelta(hours=calendar.reset_hour)
    first = datetime.fromtimestamp(start + 3 * 3600, calendar.zone) - reset
    # Three hours on, past any change of the clock at the reset hour, it is still the first.
    assert (first.day, first.hour <= 4) == (1, True)
    start, _ = window_of("week", time_s, calendar)
    third_hour = datetime.fromtimestamp(start + 3 * 3600, calendar.zone) - reset
    assert third_hour.weekday() == calendar.week_start
