"""Tables fit into whatever there is, and cut neither figures nor what was asked for."""

import pytest

from processor.surfaces.terminal.grid import Column, Row, bar, grid
from processor.surfaces.terminal.paint import cells

COLUMNS = (
    Column("model", "name"),
    Column("agent", "name", keep=4),
    Column("cost USD"),
    Column("", "bar", keep=6),
    Column("tokens", keep=5),
    Column("status", "word", keep=8),
)
ROWS = [
    Row(("claude-sonnet-4-5-20250929", "writer", "1,204.5000", 1.0, "1.07M", "exact")),
    Row(("gpt-4o", "\x1b[31mred\n", "0.0001", 0.001, "12", "unpriced"), "orange", [("dim", "why")]),
    Row(("模型" * 30, "an agent with a long name", "≥ 12.0000", 0.5, "", "exact")),
]


def drawn(width):
    return [line.plain for line in grid(COLUMNS, ROWS, width)]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width):
    """Guarantees: at any width, with any names, and figures stay whole."""
    lines = drawn(width)
    assert max(map(cells, lines)) <= width
    assert all(any(figure in line for line in lines) for figure in ("1,204.5000", "≥ 12.0000"))
    assert not any(character in line for line in lines for character in "\x1b\n")


def test_the_least_column_goes_first():
    """Guarantees: with less room names and bars get shorter, and then columns go, least first."""
    titles = [drawn(width)[0].split() for width in (120, 66, 45, 30)]
    assert titles[0] == ["model", "agent", "cost", "USD", "tokens", "status"]
    assert titles[1] == ["model", "cost", "USD", "tokens", "status"]
    assert titles[2] == ["model", "cost", "USD", "status"]
    assert titles[3] == ["model", "cost", "USD"]


def test_a_name_is_abridged_in_its_middle():
    """Guarantees: what tells models apart, at the end, can be read."""
    assert any("claude-" in line and "50929" in line and "…" in line for line in drawn(45))


def test_a_column_without_anything_is_none():
    lines = grid((Column("", "word"), Column("x")), [Row(("", "1"))], 80)
    assert [line.plain for line in lines] == [" x", " 1"]


def test_what_stands_below_a_row_is_beside_nothing():
    assert " why" in drawn(80)


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, ""), (1e-9, "▏"), (0.5, "████"), (1.0, "█" * 8), (7.0, "█" * 8)]
)
def test_a_bar_shows_what_is_not_nothing(share, shown):
    assert bar(share, 8) == shown
