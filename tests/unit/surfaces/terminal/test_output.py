"""The terminal obeys our own colours and nothing else, whoever prints."""

import io

from processor.surfaces.terminal.output import EscapedOutput
from processor.surfaces.terminal.paint import Paint


def test_only_our_own_colours_and_ends_of_lines_are_left():
    stream = io.StringIO()
    red = Paint(enabled=True)("bold red", "over")
    print(f"{red} \x1b[2J\x1b]0;title\x07 \u202egnp\r", file=EscapedOutput(stream))
    assert stream.getvalue() == f"{red} \\x1b[2J\\x1b]0;title\\x07 \\u202egnp\\r\n"


def test_it_is_the_stream_otherwise():
    assert not EscapedOutput(io.StringIO()).isatty()
