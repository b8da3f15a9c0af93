"""Sentences for people: right numbers, and lines that fit."""

import pytest

from processor.core.wording import counted, fit


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 limits"), (1, "1 limit"), (2, "2 limits"), (1000, "1000 limits")]
)
def test_a_number_has_its_form_of_the_word(count, expected):
    assert counted(count, "limit") == expected


def test_a_plural_may_be_given():
    assert [counted(count, "call has", "calls have") for count in (1, 2)] == [
        "1 call has",
        "2 calls have",
    ]


def test_a_long_line_is_continued_below_what_it_says():
    """Guarantees: 80 columns, the label only once, and no word broken."""
    said = "word " * 30 + "x" * 90
    lines = fit(f"label    {said}", 9)
    assert lines[0].startswith("label    word")
    assert all(line.startswith(" " * 9) for line in lines[1:])
    assert all(len(line) <= 80 for line in lines[:-1])
    assert " ".join(line[9:] for line in lines) == said
    assert fit("label    short", 9) == ["label    short"]
