from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from processor.cli.moments import read_moment
from processor.core.errors import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
NOW_NS = 1_800_000_000 * 10**9


def moment(*parts, zone=UTC):
    return int(datetime(*parts, tzinfo=zone).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", moment(2026, 11, 1, zone=BERLIN)),
        ("2026-07-01", moment(2026, 6, 30, 22)),
        ("2026-11-01T08:00", moment(2026, 11, 1, 7)),
        (" 2026-11-01 08:00 ", moment(2026, 11, 1, 7)),
        ("2026-11-01T08:00Z", moment(2026, 11, 1, 8)),
        ("2026-11-01T08:00+05:30", moment(2026, 11, 1, 2, 30)),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("30m", NOW_NS - 1800 * 10**9),
        ("12h", NOW_NS - 12 * 3600 * 10**9),
        ("7d", NOW_NS - 7 * 86_400 * 10**9),
        ("2w", NOW_NS - 14 * 86_400 * 10**9),
        ("0d", NOW_NS),
    ],
)
def test_dates_are_on_the_clocks_of_the_budgets_and_durations_are_ago(text, expected):
    assert read_moment("--since", text, NOW_NS, BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "7", "d", "-7d", "7 d", "2026-13-01", "1960-01-01", "99999w", "\u0667d"],
)
def test_what_is_no_time_is_one_problem_that_names_the_flag(text):
    with pytest.raises(ConfigError) as caught:
        read_moment("--until", text, NOW_NS, BERLIN)
    [problem] = caught.value.problems
    assert problem.where == "--until"
