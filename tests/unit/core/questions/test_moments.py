"""Moments in texts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from processor.core.questions import moment_ns


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1000),
        (" 1970-01-01 01:00 ", 0),
        ("2026-07-01", 1_782_856_800 * 10**9),
        ("2262-04-11T23:47:16Z", 9_223_372_036 * 10**9),
    ],
)
def test_a_text_without_an_offset_is_in_the_zone(text, time_ns):
    assert moment_ns(text, ZoneInfo("Europe/Berlin")) == time_ns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a time"),
        ("yesterday", "is not a time"),
        ("1969-12-31T23:59:59.999999Z", "is not between"),
        ("2262-04-11T23:47:17Z", "is not between"),
        ("0001-01-01T00:00:00+14:00", "is not between"),
    ],
)
def test_what_is_no_moment_says_why(text, said):
    with pytest.raises(ValueError, match=said):
        moment_ns(text, ZoneInfo("Europe/Berlin"))
