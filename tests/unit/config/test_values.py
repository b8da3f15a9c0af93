"""Durations, headers and secrets are read strictly, and their content stays out of messages."""

import pytest

from processor.config.values import duration, headers, secret
from processor.core.files.checks import ExternalText, InvalidValueError, SecretText


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("5s", 5.0),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (" 2m ", 120.0),
        (SecretText("10s"), 10.0),
    ],
)
def test_duration_is_seconds(text, seconds):
    assert duration()(text) == seconds


@pytest.mark.parametrize(
    "value", [5, "5", "5 s", "-5s", "5d", "", "s", "1e3s", True, [], "\u0665s"]
)
def test_duration_without_a_unit_we_know_is_refused(value):
    with pytest.raises(InvalidValueError, match="must be a duration with a unit"):
        duration()(value)


@pytest.mark.parametrize("value", ["0s", "1ms", "25h", "999999999999h"])
def test_duration_out_of_bounds_is_refused_with_the_bounds(value):
    with pytest.raises(InvalidValueError, match=r"must be 10ms to 24h, got"):
        duration(0.01)(value)


def test_bounds_in_seconds_are_shown_in_seconds():
    with pytest.raises(InvalidValueError, match=r"must be 2s to 60s, got '1s'"):
        duration(2, 60)("1s")


def test_headers_are_pairs_from_a_map_or_a_list():
    assert headers({"a": "1", "b": "x=y"}) == (("a", "1"), ("b", "x=y"))
    assert headers(ExternalText("a=1, b=x=y")) == (("a", "1"), ("b", "x=y"))
    assert headers({}) == ()


def test_headers_from_the_environment_are_plain_text():
    ((_, value),) = headers({"a": SecretText("x")})
    assert type(value) is str


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("a=1", "must be a map of names to texts, got 'a=1'"),
        (ExternalText("hunter2"), "has an entry that is not name=value"),
        (ExternalText("=hunter2"), "has an entry that is not name=value"),
        ({"a": 2}, "the value of a must be text"),
    ],
)
def test_headers_of_another_shape_are_refused_without_showing_them(value, what):
    with pytest.raises(InvalidValueError) as caught:
        headers(value)
    assert caught.value.what == what
    assert "hunter2" not in f"{caught.value.what}{caught.value.fix}"


def test_secret_has_to_be_long_and_is_never_shown():
    assert secret("0123456789abcdef") == "0123456789abcdef"
    for value in ("hunter2", 123, None):
        with pytest.raises(InvalidValueError) as caught:
            secret(value)
        assert str(value) not in f"{caught.value.what}{caught.value.fix}"
