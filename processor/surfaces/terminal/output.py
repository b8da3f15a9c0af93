"""The one writer of the terminal: whatever is printed, only our own colours are obeyed."""

from __future__ import annotations

import re
import sys
from typing import Any, Final, TextIO

from processor.core.escaping import escape
from processor.surfaces.terminal.paint import STYLE_SEQUENCES, columns, shorten

_LINE_CLEARED: Final = "\r\x1b[K"
"""To the start of the line, and nothing on it."""
_OWN: Final = re.compile(f"({'|'.join(map(re.escape, STYLE_SEQUENCES))})")


class EscapedOutput:
    """A text stream that escapes what a terminal would obey; the rest is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @classmethod
    def over(cls, stream: TextIO) -> EscapedOutput:
        """The stream itself where it is one of these, or one over it."""
        return stream if isinstance(stream, cls) else cls(stream)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, with everything escaped but ends of lines and the colours of `Paint`."""
        if "\x1b" in text:
            parts = _OWN.split(text)  # Every second part is one of ours.
            parts[::2] = [escape(part, "\n") for part in parts[::2]]
            self._stream.write("".join(parts))
        else:
            self._stream.write(escape(text, "\n"))
        return len(text)

    def show_line(self, text: str) -> None:
        """Put `text` in place of the line at hand, where this is a terminal; else do nothing."""
        if self._stream.isatty():
            line = shorten(escape(text), columns() - 1)
            self._stream.write(f"{_LINE_CLEARED}{line}")
            self._stream.flush()


def write_exactly(text: str) -> None:
    """Write to stdout what programs read: bytes as they are, but for a terminal without escapes."""
    if sys.stdout.isatty() or not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def show_progress(text: str) -> None:
    """Show how far something has come in a line of stderr that the next one replaces.

    ``""`` takes it away. Nothing is shown where stderr is no terminal.
    """
    EscapedOutput.over(sys.stderr).show_line(text)
