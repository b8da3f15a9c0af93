"""Fields note every mistake with its line and its mend, and never show a secret."""

from decimal import Decimal

import pytest

from processor.core.errors import Problem
from processor.core.files.document import Document
from processor.core.files.fields import (
    Concealed,
    Fields,
    Untyped,
    Wrong,
    choice,
    flag,
    nearest,
    number,
    optional,
    shown,
    text,
    whole,
)


def fields(content: str, *known: str) -> Fields:
    document = Document(content, "f.yaml")
    return Fields(document, (), document.root, known, [])


def said(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def test_unknown_key_is_noted_with_the_nearest_known_one():
    top = fields("limit_uds: 1\n", "limit_usd", "name")
    assert said(top.problems) == ["f.yaml:1: limit_uds: unknown key (did you mean limit_usd?)"]


def test_unknown_key_like_no_other_is_noted_with_all_that_are_known():
    top = fields("zzz: 1\n", "limit_usd", "name")
    assert said(top.problems) == ["f.yaml:1: zzz: unknown key (known keys: limit_usd, name)"]


def test_absent_and_empty_fields_give_the_default_without_a_problem():
    top = fields("name:\n", "name", "other")
    assert top.read("name", text, "a") == "a"
    assert top.read("other", text, "b") == "b"
    assert top.problems == []


def test_wrong_field_gives_the_default_and_a_problem_with_its_line():
    top = fields("\nname: [1]\n", "name")
    assert top.read("name", text, "a") == "a"
    assert said(top.problems) == ["f.yaml:2: name: must be text, got a list"]


def test_required_field_that_is_absent_is_a_problem_with_a_mend():
    top = fields("{}", "name")
    assert top.require("name", text, "", "say who") == ""
    assert said(top.problems) == ["f.yaml:1: name: is missing (say who)"]


def test_inner_map_knows_where_it_stands():
    top = fields("outer:\n  nam: x\n", "outer")
    top.inner("outer", ("name",))
    assert said(top.problems) == ["f.yaml:2: outer.nam: unknown key (did you mean name?)"]


def test_something_else_than_a_map_is_a_problem_and_has_no_fields():
    top = fields("outer: 5\nlist: 7\n", "outer", "list")
    assert top.inner("outer", ("name",)).values == {}
    assert list(top.items("list")) == []
    assert said(top.problems) == [
        "f.yaml:1: outer: must be a map, got 5",
        "f.yaml:2: list: must be a list, got 7 (begin each item with a dash)",
    ]


def test_items_of_an_absent_list_are_none():
    assert list(fields("{}", "list").items("list")) == []


@pytest.mark.parametrize(
    ("check", "value", "meaning"),
    [
        (text, "  a b ", "a b"),
        (optional(text), "", ""),
        (optional(text), "x", "x"),
        (flag, True, True),
        (flag, False, False),
        (flag, Untyped("True"), True),
        (flag, Concealed("false"), False),
        (number, 3, Decimal(3)),
        (number, Decimal("0.1"), Decimal("0.1")),
        (number, Untyped("2.5"), Decimal("2.5")),
        (whole(1, 5), 5, 5),
        (whole(), Decimal("3.0"), 3),
        (whole(), Concealed(" 64 "), 64),
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
        (number, Untyped("x"), "must be a number, got 'x'", ""),
        (number, Concealed("hunter2"), "must be a number, got the value from the environment", ""),
        (whole(1, 5), 0, "must be at least 1, got 0", ""),
        (whole(1, 5), 6, "must be at most 5, got 6", ""),
        (whole(), Decimal("1.5"), "must be a whole number, got 1.5", ""),
        (
            choice(("day", "week"), "window"),
            "dya",
            "unknown window 'dya'",
            "did you mean day? valid: day, week",
        ),
        (choice(("day", "week"), "window"), [], "unknown window a list", "valid: day, week"),
        (
            choice(("day", "week"), "window"),
            Concealed("dayy"),
            "unknown window the value from the environment",
            "valid: day, week",
        ),
    ],
)
def test_check_says_what_is_wrong_and_how_to_mend_it(check, value, what, fix):
    with pytest.raises(Wrong) as caught:
        check(value)
    assert (caught.value.what, caught.value.fix) == (what, fix)


def test_number_of_thousands_of_digits_is_refused_without_printing_it():
    with pytest.raises(Wrong) as caught:
        whole()(10**5000)
    assert (
        caught.value.what
        == "must be at most 9223372036854775807, got a number of more than 18 digits"
    )


def test_messages_show_values_shortly():
    assert shown("x" * 100) == repr("x" * 40 + "…")
    assert shown(Decimal("1" * 100)) == "1" * 40
    assert shown(None) == "nothing"


def test_nearest_word_is_found_in_any_case():
    assert nearest("europe/berln", ["Europe/Berlin", "Asia/Tokyo"]) == "Europe/Berlin"
    assert nearest("qqq", ["Europe/Berlin"]) == ""
