"""References to the environment are replaced, and what cannot be is a problem."""

import pytest

from processor.config.environment import expand
from processor.core.errors import Problem
from processor.core.files.checks import SecretText
from processor.core.files.document import Document


def expanded(text: str, **environ: str):
    problems: list[Problem] = []
    value = expand(Document(text, "p.yaml"), environ, problems)
    return value, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a: ${env:X}", "x y"),
        ("a: <${env:X}${env:X}>", "<x yx y>"),
        ("a: ${env:NONE:-b c}", "b c"),
        ("a: ${env:NONE:-}", ""),
        ("a: ${env:EMPTY:-d}", "d"),
        ("a: ${env:EMPTY}", ""),
        ("a: $${env:X}", "${env:X}"),
        ("a: 5$ and $X", "5$ and $X"),
    ],
)
def test_reference_is_replaced(text, meaning):
    assert expanded(text, X="x y", EMPTY="") == ({"a": meaning}, [])


def test_values_inside_lists_and_maps_are_replaced_and_others_left_alone():
    value, problems = expanded("a: [1, {b: '${env:X}'}, true, null]", X="x")
    assert value == {"a": [1, {"b": "x"}, True, None]}
    assert problems == []


def test_what_comes_from_the_environment_is_marked_as_a_possible_secret():
    value, _ = expanded("{a: 'Bearer ${env:X}', b: plain}", X="x")
    assert isinstance(value["a"], SecretText)
    assert not isinstance(value["b"], SecretText)


def test_value_of_a_variable_is_not_expanded_again():
    assert expanded("a: ${env:X}", X="${env:Y}", Y="y") == ({"a": "${env:Y}"}, [])


def test_variable_that_is_not_set_is_a_problem_with_its_line():
    _, problems = expanded("\na:\n  b: ${env:NONE}")
    assert problems == [
        (
            "p.yaml:3: a.b: the environment variable NONE is not set "
            "(set it, or write ${env:NONE:-default})"
        )
    ]


def test_what_could_not_be_had_is_left_out():
    """Guarantees: one mistake is one problem; nothing complains of what stands in its place."""
    value, problems = expanded("{a: {b: '${env:NONE}', c: 1}, d: ['${env:NONE}'], e: null}")
    assert value == {"a": {"c": 1}, "d": [], "e": None}
    assert len(problems) == 2
    assert expanded("${env:NONE}")[0] is None


@pytest.mark.parametrize("text", ["a: ${X}", "a: ${env:}", "a: ${env:a-b}", "a: '${env:X'"])
def test_odd_reference_is_a_problem(text):
    _, problems = expanded(text, X="x")
    assert problems == [
        "p.yaml:1: a: holds a ${ that does not begin ${env:NAME} (write $${ for a plain ${)"
    ]
