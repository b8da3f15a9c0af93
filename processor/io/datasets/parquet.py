"""Rows as Parquet, by pyarrow: decimals stay decimals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from typing import Any, BinaryIO, Final

from processor.core.columns import DECIMAL_DIGITS, Column, Kind, Value

_ROWS_PER_GROUP: Final = 20_000
"""So many rows are in memory, and read together."""
_DIGITS: Final = 38
"""What a decimal of 128 bits holds."""
_USD_DIGITS: Final = 9
_NS_PER_US: Final = 1000


def has_parquet() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


class ParquetRows:
    """Writes rows to a file. The same rows give the same bytes, by one version of pyarrow."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        # Optional, and 100 ms to import.
        self._pyarrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
        self._columns = columns
        types = _types(self._pyarrow)
        self._schema = self._pyarrow.schema([(each.name, types[each.kind]) for each in columns])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[Sequence[Value]] = []

    def write(self, rows: Iterable[Sequence[Value]]) -> None:
        """Write some rows, as soon as there are enough for a group."""
        self._waiting.extend(rows)
        while len(self._waiting) >= _ROWS_PER_GROUP:
            self._write_group(self._waiting[:_ROWS_PER_GROUP])
            del self._waiting[:_ROWS_PER_GROUP]

    def close(self) -> None:
        """Write what is left. The file itself stays open."""
        if self._waiting:
            self._write_group(self._waiting)
            self._waiting = []
        self._writer.close()

    def _write_group(self, rows: Sequence[Sequence[Value]]) -> None:
        arrays = []
        for column, field, values in zip(
            self._columns, self._schema, zip(*rows, strict=True), strict=True
        ):
            value_of = _VALUES.get(column.kind)
            stored: Sequence[Any] = values
            if value_of is not None:
                stored = [None if value is None else value_of(value) for value in values]
            arrays.append(self._pyarrow.array(stored, type=field.type))
        table = self._pyarrow.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=_ROWS_PER_GROUP)


def _types(arrow: Any) -> dict[Kind, Any]:  # noqa: ANN401 - the module, which is optional
    return {
        "text": arrow.string(),
        "time": arrow.timestamp("us", tz="UTC"),
        "usd": arrow.decimal128(_DIGITS, _USD_DIGITS),
        "decimal": arrow.decimal128(_DIGITS, DECIMAL_DIGITS),
        "quantity": arrow.decimal128(_DIGITS, 0),
        "count": arrow.int64(),
        "flag": arrow.bool_(),
    }


_VALUES: Final[dict[Kind, Callable[[Any], Any]]] = {
    "time": lambda time_ns: time_ns // _NS_PER_US,
    # Made of a text it is exact, however many digits it has.
    "usd": lambda nano_usd: Decimal(f"{nano_usd}E-{_USD_DIGITS}"),
    "quantity": Decimal,
    "flag": bool,
}
"""Our values as pyarrow takes them, where these differ."""
