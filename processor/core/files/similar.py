"""Which known word was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_COMPARED_CHARS_MAX: Final = 40


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, whatever its case; ``""`` when none is like it."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word[:_COMPARED_CHARS_MAX].lower(), by_lower, n=1)
    return by_lower[near[0]] if near else ""
