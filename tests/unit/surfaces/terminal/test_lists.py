import pytest

from processor.surfaces.terminal.lists import render_named, render_pairs
from processor.surfaces.terminal.paint import Paint

PLAIN = Paint(enabled=False)
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


@pytest.mark.parametrize("width", [40, 80])
def test_a_command_is_never_broken(width):
    command = "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    lines = list(render_pairs([("To send over HTTP:", [command])], PLAIN, width))
    assert lines == [" To send over HTTP:", f"   {command}"]
