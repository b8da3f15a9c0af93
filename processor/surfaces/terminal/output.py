"""The one writer of the terminal: whatever is printed, only our own colours are obeyed."""

from __future__ import annotations

import re
from typing import Any, Final, TextIO

from processor.core.escaping import escape
from processor.surfaces.terminal.paint import STYLE_SEQUENCES

_OWN: Final = re.compile(f"({'|'.join(map(re.escape, STYLE_SEQUENCES))})")


class EscapedOutput:
    """A text stream that escapes what a terminal would obey; the rest is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

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
