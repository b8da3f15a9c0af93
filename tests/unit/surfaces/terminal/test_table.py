import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.surfaces.terminal.paint import Paint, cells
from processor.surfaces.terminal.table import Column, Row, render_named, render_pairs, render_table

PLAIN = Paint(enabled=False)
COLUMNS = [Column("calls", 2), Column("saved", 1), Column("cost", 3)]
ROWS = [
    Row("model", "gpt-5.1", ("2", "", "0.5")),
    Row("model", "a-model-with-a-longer-name", ("13", "0.01", "12.25")),
    Row("user", "ada", ("15", "0.01", "12.75")),
]


NAMED = [
    ("  dearer  ", "gpt-5.1", "  1.25 ->  2.5"),
    ("  cheaper ", "a-model-with-a-longer-name", " 12.5  -> 10"),
]


def named(width):
    return [line for lines in render_named(NAMED, width) for line in lines]


def test_what_stands_beside_names_is_in_one_column():
    assert named(60) == [
        "  dearer  gpt-5.1                     1.25 ->  2.5",
        "  cheaper a-model-with-a-longer-name 12.5  -> 10",
    ]


def test_a_name_without_room_beside_the_rest_has_a_line_of_its_own():
    """Guarantees: as wide as the terminal at most, whatever things are called."""
    assert named(35) == [
        "  dearer  gpt-5.1      1.25 ->  2.5",
        "  cheaper a-model-with-a-longer-na…",
        "                      12.5  -> 10",
    ]
    assert list(render_named([], 35)) == []


def drawn(width, rows=tuple(ROWS)):
    return list(render_table(COLUMNS, rows, PLAIN, width))


def test_columns_are_as_wide_as_their_texts_and_a_group_is_named_once():
    assert drawn(80) == [
        "                                    calls  saved   cost",
        " model  gpt-5.1                         2           0.5",
        "        a-model-with-a-longer-name     13   0.01  12.25",
        " user   ada                            15   0.01  12.75",
    ]


def test_where_there_is_no_room_beside_the_names_groups_have_lines_of_their_own():
    assert drawn(52) == [
        "                               calls  saved   cost",
        " model",
        "   gpt-5.1                         2           0.5",
        "   a-model-with-a-longer-name     13   0.01  12.25",
        " user",
        "   ada                            15   0.01  12.75",
    ]


def test_then_the_least_important_column_goes_and_at_last_names_are_abridged_in_the_middle():
    assert drawn(45)[0].split() == ["calls", "cost"]
    assert drawn(38)[0].split() == ["cost"]
    assert drawn(30)[3] == "   a-model-wi…nger-name  12.25"


@given(
    st.lists(st.tuples(st.sampled_from("mu"), st.text("ab東", max_size=60)), max_size=5),
    st.integers(30, 120),
)
def test_no_line_is_wider_than_asked(names, width):
    rows = [Row(group, name, ("1", "2", "3")) for group, name in names]
    assert max(map(cells, drawn(width, rows))) <= width


@pytest.mark.parametrize("width", [40, 80])
def test_a_command_is_never_broken(width):
    command = "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    lines = list(render_pairs([("To send over HTTP:", [command])], PLAIN, width))
    assert lines == [" To send over HTTP:", f"   {command}"]
