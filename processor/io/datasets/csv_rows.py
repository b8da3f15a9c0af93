"""Rows as CSV in a file; see `core.csv_text`."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO, Final

from processor.core.columns import Column, Kind, Value
from processor.core.csv_text import FORMULA_STARTS, as_cell, write_safe_rows
from processor.core.model import NS_PER_S
from processor.core.money import exact_usd

_GZIP_LEVEL: Final = 6
_TIMES_CACHED_MAX: Final = 4096


class CsvRows:
    """Writes rows to a file, packed by gzip or not. The same rows give the same bytes."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, is_packed: bool) -> None:
        # Neither a name nor the time is in the header, which would make each file another one.
        self._packed = gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) if is_packed else None
        self._file: BinaryIO | gzip.GzipFile = self._packed or file
        self._texts = [
            (at, _TEXTS[each.kind]) for at, each in enumerate(columns) if each.kind in _TEXTS
        ]
        self._from_outside = [at for at, each in enumerate(columns) if each.kind == "text"]
        self._write_all([[each.name for each in columns]])

    def write(self, rows: Iterable[Sequence[Value]]) -> None:
        """Write some rows."""
        texts, from_outside = self._texts, self._from_outside
        written = []
        for row in rows:
            cells: list[Any] = list(row)
            for at, text in texts:
                if cells[at] is not None:
                    cells[at] = text(cells[at])
            for at in from_outside:
                # Most texts need no call.
                if cells[at] and cells[at][0] in FORMULA_STARTS:
                    cells[at] = as_cell(cells[at])
            written.append(cells)
        self._write_all(written)

    def close(self) -> None:
        """Write what is left. The file itself stays open."""
        if self._packed is not None:
            self._packed.close()

    def _write_all(self, rows: list[list[Any]]) -> None:
        self._file.write(write_safe_rows(rows).encode())


@lru_cache(_TIMES_CACHED_MAX)
def _seconds(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%S}"


def time_text(time_ns: int) -> str:
    """RFC 3339 in UTC, with as many digits of a second as there are."""
    time_s, rest = divmod(time_ns, NS_PER_S)
    if not rest:
        return f"{_seconds(time_s)}Z"
    digits = f"{rest:09d}".rstrip("0")
    return f"{_seconds(time_s)}.{digits}Z"


def _decimal_text(number: Decimal) -> str:
    """Without an exponent, and without zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _flag_text(flag: int) -> str:
    return "true" if flag else "false"


_TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    "time": time_text,
    "usd": exact_usd,
    "decimal": _decimal_text,
    "flag": _flag_text,
}
"""What csv does not write by itself as we want it."""
