"""Flags as the parameters of a question."""

import argparse
import re

import pytest

from processor.cli.asked import filters_asked, time_asked
from processor.core.errors import ConfigError


def given(**flags):
    usual = {"period": "", "since": "", "until": "", "default_period": "month"}
    return argparse.Namespace(**usual | flags)


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ({}, [("window", "month")]),
        ({"period": "last_week"}, [("window", "last_week")]),
        ({"since": "2026-11-01"}, [("starting_at", "2026-11-01")]),
        ({"until": "2026-11-01"}, [("ending_at", "2026-11-01")]),
    ],
)
def test_a_date_is_read_by_whoever_answers(flags, asked):
    """Guarantees: a date is one of the time zone that the answer is in."""
    assert list(time_asked(given(**flags))) == asked


def test_a_length_ago_is_a_moment():
    [(name, moment)] = time_asked(given(since="90m"))
    assert name == "starting_at"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", moment)


def test_a_period_and_a_beginning_are_one_too_many():
    with pytest.raises(ConfigError, match="--period: cannot be used with --since"):
        list(time_asked(given(period="today", since="7d")))


def test_filters_name_a_dimension_and_values():
    """Guarantees: a value may have an equals sign, and an empty one is what has none."""
    asked = list(filters_asked(["team=search,ads", "user=a=b", "task="]))
    assert asked == [
        ("filter[team]", "search,ads"), ("filter[user]", "a=b"), ("filter[task]", ""),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="write NAME=VALUE"):
        list(filters_asked(["team"]))


def test_a_filter_without_a_name_is_refused():
    with pytest.raises(ConfigError, match="--filter: ' =x' has no value"):
        list(filters_asked([" =x"]))
