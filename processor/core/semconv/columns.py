"""From names to columns: which values of a shape can answer for a field.

A span's values come as a tuple in the order of its shape's keys. What a table says about
attributes is resolved once for each shape, so that reading a span is indexing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from processor.core.model import Value
from processor.core.semconv.sources import Condition, Source, Sources
from processor.core.semconv.values import Path, find, parse_literal, read_count

Result = TypeVar("Result")
Values = tuple[Value, ...]


class Column(NamedTuple):
    """A `Source`, resolved for one shape."""

    indices: tuple[int, ...]
    paths: tuple[Path, ...]
    sums_paths: bool
    is_bucket: bool


Columns = tuple[Column, ...]


class Row:
    """The values of one span, whose JSON texts are parsed when first asked for, and only once."""

    __slots__ = ("_trees", "values")

    def __init__(self, values: Values) -> None:
        self.values = values
        self._trees: dict[int, object] = {}

    def raw(self, column: Column) -> Iterable[object]:
        """The values that stand in a column; more than one where they are to be added up."""
        if not column.paths:
            return [self.values[index] for index in column.indices]
        index = column.indices[0]
        if index not in self._trees:
            self._trees[index] = parse_literal(self.values[index])
        found = (find(self._trees[index], path) for path in column.paths)
        present = (value for value in found if value is not None)
        return list(present) if column.sums_paths else [*present][:1]


def resolve(sources: Sources, index: Mapping[str, int], held: frozenset[Condition]) -> Columns:
    """Find the columns of one field, in the order in which they are to be tried."""
    return tuple(
        Column(
            tuple(index[key] for key in source.keys if key in index),
            source.paths,
            source.sums_paths,
            source.is_bucket,
        )
        for source in sources
        if _applies(source, index, held)
    )


def first(row: Row, columns: Columns, read: Callable[[object], Result | None]) -> Result | None:
    """The first column that `read` can make sense of."""
    for column in columns:
        for raw in row.raw(column):
            result = read(raw)
            if result is not None:
                return result
    return None


def first_sum(
    row: Row, columns: Columns, read: Callable[[object], int | None] = read_count
) -> tuple[int | None, Column | None, bool]:
    """The first column with a readable number, or the sum of its numbers.

    Returns the number, its column, and whether something stood there that could not be read.
    """
    is_unreadable = False
    for column in columns:
        raws = [raw for raw in row.raw(column) if raw is not None and raw != ""]
        numbers = [number for number in map(read, raws) if number is not None]
        if numbers and len(numbers) == len(raws):
            return sum(numbers), column, False
        is_unreadable = is_unreadable or len(numbers) < len(raws)
    return None, None, is_unreadable


def _applies(source: Source, index: Mapping[str, int], held: frozenset[Condition]) -> bool:
    return (
        any(key in index for key in source.keys)
        and not any(key in index for key in source.unless)
        and source.when in held
    )
