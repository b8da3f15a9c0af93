"""Text from outside as one line that nothing obeys, for logs and terminals."""

from __future__ import annotations

import unicodedata
from typing import Final

_SPACE: Final = "Zs"


def escape(text: str, keep: str = "") -> str:
    r"""`text` with characters that no reader sees as escapes: ``\n``, ``\x1b``, ``\u202e``.

    These are controls (C0, C1), those that reorder or hide text (bidirectional marks, zero widths),
    separators of lines and paragraphs, surrogates, and what Unicode gives no meaning. The
    characters of `keep` stay. Source: Unicode Standard Annex 44, "General_Category Values": all of
    C, Zl, Zp.
    """
    if text.isprintable():
        return text
    return "".join(
        each
        if each.isprintable() or each in keep or unicodedata.category(each) == _SPACE
        else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
