"""The terminal obeys our own colours and nothing else, whoever prints."""

import io
import sys

from processor.surfaces.terminal.output import EscapedOutput, show_progress
from processor.surfaces.terminal.paint import Paint


def test_only_our_own_colours_and_ends_of_lines_are_left():
    stream = io.StringIO()
    red = Paint(enabled=True)("bold red", "over")
    print(f"{red} \x1b[2J\x1b]0;title\x07 \u202egnp\r", file=EscapedOutput(stream))
    assert stream.getvalue() == f"{red} \\x1b[2J\\x1b]0;title\\x07 \\u202egnp\\r\n"


def test_it_is_the_stream_otherwise():
    assert not EscapedOutput(io.StringIO()).isatty()


def test_a_line_of_progress_replaces_the_one_before_on_a_terminal_only(monkeypatch):
    """Guarantees: the terminal obeys it, while names from outside stay escaped in it."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", EscapedOutput(stream))
    show_progress("1 %")
    assert not stream.getvalue()
    stream.isatty = lambda: True
    show_progress("\x1b[2J 50 %")
    show_progress("")
    assert stream.getvalue() == "\r\x1b[K\\x1b[2J 50 %\r\x1b[K"
