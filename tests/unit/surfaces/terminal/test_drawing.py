"""What is drawn with rich has only the sequences that a terminal is let obey."""

import re

from rich.text import Text

from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import _STYLES, STYLE_SEQUENCES


def test_styles_are_those_of_paint():
    """Guarantees: the output escapes none of our own colours, and lets nothing else through."""
    for style in filter(None, _STYLES):
        text = drawn(Text("x", style), 40, is_coloured=True)
        assert set(re.findall(r"\x1b\[[0-9;]*m", text)) <= set(STYLE_SEQUENCES)
        assert text.count("\x1b") == 2


def test_without_colour_there_is_none():
    """Guarantees: nothing of the environment brings colours back, and nothing is markup."""
    assert drawn(Text("[red]x[/] :bug:", "bold red"), 40, is_coloured=False) == "[red]x[/] :bug:"


def test_lines_have_no_blanks_at_their_ends():
    assert drawn(Text("a " * 30), 20, is_coloured=False).splitlines()[0] == " ".join("a" * 10)
