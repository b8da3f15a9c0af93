"""Numbers and moments in sentences for people, and lines that fit a terminal."""

from __future__ import annotations

import re
import textwrap
from datetime import UTC, datetime
from typing import Final

_COLUMNS: Final = 80


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it counts: ``1 limit``, ``2 limits``; `many` where an s is not enough."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def replace_name(text: str, name: str, other: str) -> str:
    """A sentence with another name wherever a name stands by itself.

    Not within a longer one, such as an address that ends like it.
    """
    if name not in text:
        return text
    return re.sub(rf"(?<![\w@.+-]){re.escape(name)}(?![\w@+-]|\.\w)", lambda _: other, text)


def fit(line: str, label_chars: int) -> list[str]:
    """A line in as many as a terminal of 80 columns needs; what it is about stays at the left.

    `label_chars` is how much of the line says what it is about. No word is broken.
    """
    if len(line) <= _COLUMNS:
        return [line]
    label, said = line[:label_chars], line[label_chars:]
    room = _COLUMNS - label_chars
    first, *more = textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False)
    return [label + first, *(" " * label_chars + each for each in more)]


def utc_text(time_ns: int) -> str:
    """A moment in nanoseconds since the Unix epoch as RFC 3339, in UTC and whole seconds."""
    return f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"
