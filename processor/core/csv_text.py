"""Rows as CSV: RFC 4180 with a single line feed at line ends, and nothing for what is not known.

Names of agents, users and models come from outside. A spreadsheet takes a cell that begins with
one of a few characters for a formula, which may run programs or send other cells away, so such a
text gets an apostrophe before it; numbers stay. Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

FORMULA_STARTS: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""The last four are the full-width forms of the first four."""
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def as_cell(text: str) -> str:
    """A text as it may stand in a cell: what would be a formula has an apostrophe before it."""
    if text[:1] in FORMULA_STARTS and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def write_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows, the header among them, whose texts may be anybody's."""
    return write_safe_rows(
        [as_cell(each) if isinstance(each, str) else each for each in row] for row in rows
    )


def write_safe_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows whose texts have been through `as_cell` where they are not ours."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
