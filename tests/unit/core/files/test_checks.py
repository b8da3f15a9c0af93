"""Checks say what a value means, or what is wrong with it and how to fix it; never a secret."""

from decimal import Decimal

import pytest

from processor.core.files.checks import (
    ExternalText,
    InvalidValueError,
    SecretText,
    choice,
    flag,
    number,
    optional,
    shown,
    text,
    whole,
)


@pytest.mark.parametrize(
    ("check", "value", "meaning"),
    [
        (text, "  a b ", "a b"),
        (optional(text), "", ""),
        (optional(text), "x", "x"),
        (flag, True, True),
        (flag, False, False),
        (flag, ExternalText("True"), True),
        (flag, SecretText("false"), False),
        (number, 3, Decimal(3)),
        (number, Decimal("0.1"), Decimal("0.1")),
        (number, ExternalText("2.5"), Decimal("2.5")),
        (whole, 5, 5),
        (whole, Decimal("3.0"), 3),
        (whole, SecretText(" 64 "), 64),
        (choice(("day", "week"), "window"), "Day", "day"),
    ],
)
def test_check_gives_what_the_value_means(check, value, meaning):
    assert check(value) == meaning


@pytest.mark.parametrize(
    ("check", "value", "what", "fix"),
    [
        (text, 5, "must be text, got 5", "put it in quotes"),
        (text, True, "must be text, got true", "put it in quotes"),
        (text, {}, "must be text, got a map", ""),
        (text, " ", "must not be empty", ""),
        (text, "x" * 5000, "must be at most 4096 characters, has 5000", ""),
        (flag, "true", "must be true or false, got 'true'", ""),
        (flag, 1, "must be true or false, got 1", ""),
        (number, "5", "must be a number, got '5'", "remove the quotes"),
        (number, "five", "must be a number, got 'five'", ""),
        (number, True, "must be a number, got true", ""),
        (number, Decimal("NaN"), "must be a number, got nan", ""),
        (number, ExternalText("x"), "must be a number, got 'x'", ""),
        (number, SecretText("hunter2"), "must be a number, got the value from the environment", ""),
        (whole, Decimal("1.5"), "must be a whole number, got 1.5", ""),
        (number, "0", "must be a number, got '0'", "remove the quotes"),
        (number, "5,00", "must be a number, got '5,00'", "a decimal comma? write 5.00"),
        (
            number,
            "1,000",
            "must be a number, got '1,000'",
            "write 1000, or 1.000 if the comma begins the decimals",
        ),
        (
            number,
            "1,000,000.5",
            "must be a number, got '1,000,000.5'",
            "write it without commas: 1000000.5",
        ),
        (number, SecretText("5,00"), "must be a number, got the value from the environment", ""),
        (
            choice(("day", "week"), "window"),
            "dya",
            "unknown window 'dya'",
            "did you mean day? valid: day, week",
        ),
        (choice(("day", "week"), "window"), [], "unknown window a list", "valid: day, week"),
        (
            choice(("day", "week"), "window"),
            SecretText("dayy"),
            "unknown window the value from the environment",
            "valid: day, week",
        ),
    ],
)
def test_check_says_what_is_wrong_and_how_to_fix_it(check, value, what, fix):
    with pytest.raises(InvalidValueError) as caught:
        check(value)
    assert (caught.value.what, caught.value.fix) == (what, fix)


def test_number_of_thousands_of_digits_is_not_printed():
    assert shown(10**5000) == "a number of more than 18 digits"


def test_messages_show_values_shortly():
    assert shown("x" * 100) == repr("x" * 40 + "…")
    assert shown(Decimal("1" * 100)) == "1" * 40
    assert shown(None) == "nothing"
