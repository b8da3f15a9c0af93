"""Values as senders write them."""

from __future__ import annotations

import math

import pytest

from processor.core.semconv.values import (
    COUNT_MAX,
    LITERAL_MAX,
    TEXT_MAX,
    bound,
    find,
    parse_literal,
    read_count,
    read_nano_usd,
    read_tags,
    read_text,
)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        (123, 123),
        (0, 0),
        ("123", 123),
        (" 123 ", 123),
        ("+7", 7),
        (31.0, 31),
        ("31.0", 31),
        ("np.int64(5)", 5),
        ("numpy.float64(5.0)", 5),
        (COUNT_MAX, COUNT_MAX),
        (str(COUNT_MAX), COUNT_MAX),
    ],
)
def test_counts_are_read_however_they_are_written(written, count) -> None:
    """Integers, whole doubles, decimal text and printed NumPy scalars are counts."""
    assert read_count(written) == count


@pytest.mark.parametrize(
    "written",
    [
        None, True, False, -1, -0.5, 1.5, 1e30, math.nan, math.inf, -math.inf, COUNT_MAX + 1,
        float(2**63), "", "-1", "1.5", "12,345", "1e3", "0x10", "\uff11\uff12", "NaN", "9" * 20,
        "9" * 9999, b"12", (1,), {"a": 1}, "True", "1_000", "np.int64(-1)",
    ],
)  # fmt: skip
def test_what_is_no_certain_count_is_refused(written) -> None:
    """Nothing negative, fractional, grouped, beyond 64 bits or in foreign digits is guessed at."""
    assert read_count(written) is None


@pytest.mark.parametrize(
    ("written", "nano"),
    [("0.0069846", 6_984_600), (0.0004095, 409_500), (1, 10**9), (0, 0), ("1e-3", 10**6)],
)
def test_amounts_are_exact(written, nano) -> None:
    """Doubles are read as they print, decimal text digit by digit."""
    assert read_nano_usd(written) == nano


@pytest.mark.parametrize(
    "written",
    [None, True, -0.1, math.nan, math.inf, "NaN", "Infinity", "free", "", 1e30, "1" * 5000, (1,)],
)
def test_what_is_no_amount_is_refused(written) -> None:
    """An amount is finite, not negative and believable."""
    assert read_nano_usd(written) is None


def test_texts_are_trimmed_unquoted_and_never_blank() -> None:
    """Blank text says nothing; a quoted text was encoded once too often; numbers may be ids."""
    assert read_text("  u-1 ") == "u-1"
    assert read_text('"LLM"') == "LLM"
    assert read_text('"') == '"'
    assert read_text(42) == "42"
    assert [read_text(value) for value in ("", "  ", '""', None, True, 1.5, b"x", ("a",))] == (
        [None] * 8
    )


def test_long_texts_stay_short_and_distinct() -> None:
    """Two ids that begin alike are not confused after they are shortened."""
    one, other = bound("x" * 1000 + "1"), bound("x" * 1000 + "2")
    assert len(one) == len(other) == TEXT_MAX
    assert one != other
    assert bound("x" * TEXT_MAX) == "x" * TEXT_MAX
    assert len(bound("\ud800" * 1000)) == TEXT_MAX


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        (("a", "b"), "a,b"),
        ('["a", "b"]', "a,b"),
        ("a, b", "a, b"),
        ("[not json", "[not json"),
        ((), None),
        ("[]", None),
        (("", None), None),
    ],
)
def test_tags_come_as_arrays_json_or_text(written, tags) -> None:
    """However tags are written, they become one text."""
    assert read_tags(written) == tags


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": {"b": [1]}}', {"a": {"b": [1]}}),
        ("{'cache_read': 1163, 'x': None, 'y': True}", {"cache_read": 1163, "x": None, "y": True}),
        ("{'a': np.int64(5), 'b': (1, 2)}", {"a": 5, "b": [1, 2]}),
        ("{'it\\'s': \"None (so)\"}", {"it's": "None (so)"}),
        ("[1, 2", None),
        ("__import__('os')", None),
        ("{'a': open('x')}", None),
        ("", None),
    ],
)
def test_json_and_printed_dicts_are_parsed_and_nothing_is_evaluated(text, value) -> None:
    """Printed Python data is data; an expression is nothing."""
    assert parse_literal(text) == value


@pytest.mark.parametrize("text", ["[" * LITERAL_MAX, "'" * 5000, "{" + "(" * 5000, "9" * 60000])
def test_hostile_literals_are_refused_without_an_error(text) -> None:
    """Deep nesting, endless quotes and endless digits do no harm."""
    assert parse_literal(text) is None


def test_a_literal_over_the_limit_is_not_parsed() -> None:
    """The limit on what is parsed holds."""
    assert parse_literal('"' + "x" * LITERAL_MAX + '"') is None


def test_a_path_that_leads_nowhere_finds_nothing() -> None:
    """Missing keys, wrong types and short lists end the search."""
    tree = {"a": [{"b": 1}], "c": "text"}
    assert find(tree, ("a", 0, "b")) == 1
    assert [find(tree, path) for path in (("a", 1), ("c", 0), ("a", "b"), ("x",))] == [None] * 4
    assert find(None, ("a",)) is None
