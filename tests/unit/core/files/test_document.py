"""Strict YAML: what could be read in two ways is refused, and every message has a line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from processor.core.errors import ConfigError
from processor.core.files.document import Document, dotted


def root(text):
    return Document(text, "file.yaml").root


def problems(text):
    with pytest.raises(ConfigError) as caught:
        Document(text, "file.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_plain_values_are_read_as_they_stand():
    text = "a: [1, x, true, null, ~]\nb: {c: 'no'}\nd: off\n"
    assert root(text) == {"a": [1, "x", True, None, None], "b": {"c": "no"}, "d": False}


def test_an_empty_file_is_nothing():
    assert root("") is None
    assert root("# only a comment\n") is None


def test_numbers_are_exact():
    found = root("a: 0.1\nb: 1_000\nc: 2.50\nd: -3\ne: 1.5e-3\nf: 12345678901234567890123\n")
    assert found == {
        "a": Decimal("0.1"), "b": 1000, "c": Decimal("2.50"), "d": -3,
        "e": Decimal("0.0015"), "f": 12345678901234567890123,
    }  # fmt: skip
    assert isinstance(found["b"], int)
    assert isinstance(found["c"], Decimal)


@pytest.mark.parametrize("text", ["16:30", "1:30:00", "0x1F", "0b11", ".inf", ".nan"])
def test_what_yaml_quietly_takes_for_a_number_is_refused(text):
    """Guarantees: a time is not read as 990, nor a hash as a hexadecimal number."""
    (problem,) = problems(f"first: 1\nat: {text}\n")
    assert problem == f"file.yaml:2: at: {text} is read as a number here (put it in quotes)"
    assert root(f"at: '{text}'") == {"at": text}


def test_dates_stay_text():
    assert root("at: 2026-01-31\n") == {"at": "2026-01-31"}


def test_keys_are_always_text():
    assert root("1: a\ntrue: b\n2026-01-01: c\n") == {"1": "a", "true": "b", "2026-01-01": "c"}


@pytest.mark.parametrize(
    ("first", "second"),
    [("1", "3"), ("1", "1.0"), ("1", "true"), ("1", "'1'"), ("[1]", "[1, 2]"), ("{x: 1}", "{}")],
)
def test_a_key_with_two_values_is_refused_with_both_lines(first, second):
    (problem,) = problems(f"a: 1\nb:\n  c: {first}\n  d: 2\n  c: {second}\n")
    assert problem == (
        "file.yaml:5: b.c: is set twice to different values, first in line 3 (keep one of them)"
    )


@pytest.mark.parametrize("value", ["1", "text", "[1, {x: 2}]", "{x: {y: 1.50}}", ""])
def test_a_key_that_is_set_twice_to_the_same_value_is_a_warning(value):
    """Guarantees: what changes nothing does not keep a file from being used, but is mentioned."""
    document = Document(f"b:\n  c: {value}\n  d: 2\n  c: {value}\n", "file.yaml")
    assert document.root["b"]["d"] == 2
    assert list(map(str, document.warnings)) == [
        "file.yaml:4: b.c: is set twice to the same value, first in line 2 (remove one of them)"
    ]
    assert document.line(("b", "c")) == 2


def test_what_is_wrong_in_the_second_value_of_a_key_has_its_own_line():
    assert [problem.split(":")[1] for problem in problems("a: {x: 1}\na:\n  x: 16:30\n")] == [
        "3",
        "2",
    ]


def test_keys_that_read_alike_are_repeated():
    assert "is set twice" in problems("1: a\n'1': b\n")[0]


def test_all_problems_are_reported_at_once():
    found = problems("a: 1\na: 2\nb: 16:30\nc: !env X\n")
    assert [problem.split(":")[1] for problem in found] == ["2", "3", "4"]


def test_a_value_with_a_foreign_tag_is_refused():
    (problem,) = problems("a: !env HOME\n")
    assert "has the tag !env" in problem


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1,\nb: 2\n", 3), ("a: 1\n\tb: 2\n", 2), ("--- a\n--- b\n", 2)]
)
def test_text_that_is_no_yaml_is_refused_with_its_line(text, line):
    (problem,) = problems(text)
    assert problem.startswith(f"file.yaml:{line}: is not valid YAML: ")


def test_text_that_cannot_be_printed_is_refused():
    (problem,) = problems("a: \x00\n")
    assert problem.startswith("file.yaml: is not valid YAML: ")


@pytest.mark.parametrize("text", ["a: &x [1, *x]\n", "a: &x {b: *x}\n"])
def test_a_value_that_contains_itself_is_refused(text):
    (problem,) = problems(text)
    assert "refers to itself" in problem


def test_a_value_may_be_used_twice_side_by_side():
    assert root("a: &x [1]\nb: *x\nc: [*x, *x]\n") == {"a": [1], "b": [1], "c": [[1], [1]]}


def test_too_many_aliases_are_refused():
    (problem,) = problems("a: &x 1\nb: [" + "*x, " * 101 + "]\n")
    assert problem.startswith("file.yaml:2: is not valid YAML: too many aliases")


def test_a_small_file_with_aliases_of_aliases_does_not_grow_huge():
    """Guarantees: 48 aliases in six lines do not become a quarter of a million values."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x]"]
    lines += [f"l{at}: &l{at} [{', '.join([f'*l{at - 1}'] * 8)}]" for at in range(1, 6)]
    problems("\n".join(lines))


def test_text_nested_too_deeply_is_refused():
    assert problems("[" * 3000 + "]" * 3000)


def test_a_file_that_is_too_large_is_refused():
    (problem,) = problems("#" * (8 * 1024 * 1024 + 1))
    assert problem == "file.yaml: is larger than 8 MiB"


def test_a_problem_names_the_line_of_its_place():
    document = Document("a:\n  - b: 1\n    c: 2\n  - b: 3\n", "file.yaml")
    assert str(document.problem(("a", 1, "b"), "is wrong")) == "file.yaml:4: a[1].b: is wrong"


def test_a_place_that_is_not_there_takes_the_line_of_the_nearest_around_it():
    document = Document("a:\n  b:\n    c: 1\n", "file.yaml")
    assert document.line(("a", "b", "missing", "deeper")) == 2
    assert document.line(("missing",)) == 1
    assert Document("", "file.yaml").line(("a",)) == 1


def test_a_fix_is_in_brackets():
    problem = Document("a: 1", "f").problem(("a",), "is too low", "raise it")
    assert str(problem) == "f:1: a: is too low (raise it)"


@pytest.mark.parametrize(
    ("path", "text"),
    [((), "the file"), (("a",), "a"), (("a", 2, "b"), "a[2].b"), ((0, "b"), "[0].b")],
)
def test_paths_are_written_as_people_write_them(path, text):
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{input: 5,00, output: 10,50}", {"input": "5,00", "output": "10,50"}),
        ("{input: 1,000,000}", {"input": "1,000,000"}),
        ("{input: 5, 00: x}", {"input": 5, "00": "x"}),
        ("{input: 5, '00': }", {"input": 5, "00": None}),
        ("{input: x, 00}", {"input": "x", "00": None}),
        ("input: 5\n00:\n", {"input": 5, "00": None}),
    ],
)
def test_a_number_with_a_decimal_comma_stays_one_value(text, value):
    """Guarantees: the message about it shows what was written, not a key that nobody wrote."""
    assert Document(text, "file.yaml").root == value
