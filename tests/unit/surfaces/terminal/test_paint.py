import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.surfaces.terminal.paint import (
    Paint,
    abridge,
    cells,
    columns,
    left,
    paint_for,
    plain,
    right,
    rule,
    shorten,
    wrap,
)


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("chat gpt-4o", "chat gpt-4o"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x07bell\x08\x7f", "\\x07bell\\x08\\x7f"),
        ("\x9b31m C1", "\\x9b31m C1"),
        ("right\u202eto left\u2066", "right\\u202eto left\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028separator", "line\\u2028separator"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("odd\u00a0spaces\u3000", "odd spaces "),
        ("Zürich 東京 😀", "Zürich 東京 😀"),
    ],
)
def test_nothing_that_a_terminal_would_obey_is_left(text, cleaned):
    assert plain(text) == cleaned


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("東京", 4), ("e\u0301", 1), ("", 0)])
def test_width_is_counted_in_cells(text, width):
    assert cells(text) == width


@pytest.mark.parametrize("text", ["", "short", "exactly ten", "東京東京東京東京", "x" * 500])
@pytest.mark.parametrize("room", [1, 5, 10, 11])
def test_a_cell_of_a_table_has_exactly_its_width(text, room):
    assert cells(left(text, room)) == room
    assert cells(right(text, room)) == room


def test_what_is_cut_off_is_marked():
    assert shorten("claude-sonnet-4-5", 10) == "claude-so…"
    assert shorten("claude", 6) == "claude"


def test_names_that_differ_at_their_ends_still_differ_when_they_are_cut():
    dated = {abridge(f"chat claude-sonnet-4-5-2025{day}", 20) for day in ("0929", "1001")}
    assert dated == {"chat claud…-20250929", "chat claud…-20251001"}
    assert abridge("claude", 6) == "claude"
    assert cells(abridge("東京東京東京東京", 7)) <= 7


def test_sentences_are_broken_between_words_and_end_in_a_mark_when_they_are_too_long():
    text = "budget per-user-daily: user bob at 87%, $0.3478 of $0.40"
    assert wrap(text, 80) == [text]
    assert wrap(text, 30) == ["budget per-user-daily: user", "bob at 87%, $0.3478 of $0.40"]
    assert wrap(text, 16, 2) == ["budget", "per-user-daily:…"]
    assert wrap("one two three", 5, 2) == ["one", "two …"]


@given(st.text(alphabet="ab 東\u0301"), st.integers(4, 20), st.integers(1, 4))
def test_no_line_of_a_sentence_is_too_wide_and_there_are_not_too_many(text, room, lines_max):
    lines = wrap(text, room, lines_max)
    assert 1 <= len(lines) <= lines_max
    assert max(map(cells, lines)) <= room


@pytest.mark.parametrize("title", ["", "the ledger", "東京", "x" * 300])
def test_a_rule_goes_across_the_terminal(title):
    assert cells(rule(title, 80)) == 80


def test_colours_are_for_terminals_whose_user_did_not_decline():
    assert paint_for(Tty(), {}).enabled
    assert not paint_for(Tty(), {"NO_COLOR": "1"}).enabled
    assert not paint_for(Tty(), {"TERM": "dumb"}).enabled
    assert not paint_for(io.StringIO(), {}).enabled
    assert paint_for(Tty(), {"NO_COLOR": ""}).enabled  # As the convention says: when not empty.


def test_paint_wraps_text_in_codes_or_leaves_it_alone():
    assert Paint(enabled=True)("red", "x") == "\x1b[38;5;196mx\x1b[0m"
    assert Paint(enabled=True)("", "x") == "x"
    assert Paint(enabled=True)("red", "") == ""
    assert Paint(enabled=False)("red", "x") == "x"


@pytest.mark.parametrize(("size", "used"), [("20", 40), ("60", 60), ("100", 100), ("500", 120)])
def test_lines_are_neither_too_short_for_a_table_nor_too_long_to_read(size, used, monkeypatch):
    monkeypatch.setenv("COLUMNS", size)
    assert columns() == used
