"""Documents as tables: the same rows for CSV from the API and from commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from processor.core.csv_text import write_rows
from processor.surfaces.api.documents import (
    CostRow,
    CostsDocument,
    Document,
    OwnerDocument,
    SpanDocument,
    Sums,
    TokenClasses,
    Tokens,
    TraceDocument,
)

Cell = str | int | float | None
_Column = tuple[str, Callable[[Any], Any]]


class Table(NamedTuple):
    """Names of columns, and rows; None for what is not known."""

    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def table_of(document: Document) -> Table:
    """The rows of a document: its `data`, of a trace its spans, of an owner its costs."""
    if isinstance(document, OwnerDocument):
        return _costs(document.costs)
    if isinstance(document, CostsDocument):
        return _costs(document)
    if isinstance(document, TraceDocument):
        return _table(SpanDocument, document.spans)
    rows = getattr(document, "data", None)
    if not isinstance(rows, list):
        rows = [document if rows is None else rows]
    kind = type(document).model_fields.get("data")
    row_type = type(document) if kind is None else kind.annotation
    if get_origin(row_type) is list:
        [row_type] = get_args(row_type)
    return _table(row_type, rows)


def write_csv(table: Table) -> str:
    """A table as CSV; see `core.csv_text`."""
    return write_rows((table.header, *table.rows))


def write_json(document: Document) -> str:
    """A document as JSON in one line."""
    return document.model_dump_json() + "\n"


def write_document(document: Document, form: Literal["json", "csv"]) -> str:
    """A document in one of the forms of the API."""
    return write_json(document) if form == "json" else write_csv(table_of(document))


def _costs(document: CostsDocument) -> Table:
    """Rows with a column for each dimension that is grouped by, after their times."""
    columns = [each for each in _columns(CostRow) if each[0] != "group"]
    at = 1 + next(i for i, (name, _) in enumerate(columns) if name == "ending_at")
    taken = {name for name, _ in columns}
    grouped: list[_Column] = [
        (f"{name}_value" if name in taken else name, _value_of(name)) for name in document.group_by
    ]
    return _build([*columns[:at], *grouped, *columns[at:]], document.data)


def _table(kind: Any, rows: Iterable[Any]) -> Table:  # noqa: ANN401 - an annotation
    return _build(list(_columns(kind)), rows)


def _build(columns: Sequence[_Column], rows: Iterable[Any]) -> Table:
    header = [name for name, _ in columns]
    return Table(header, ([_cell(get(row)) for _, get in columns] for row in rows))


def _columns(kind: type[BaseModel], prefix: str = "") -> Iterator[_Column]:
    """A column for each field; what is nested is laid out flat."""
    # What a row is about stands before its sums, which many documents inherit.
    sums = Sums.model_fields if kind is not Sums and issubclass(kind, Sums) else {}
    fields = sorted(kind.model_fields.items(), key=lambda each: each[0] in sums)
    for name, field in fields:
        get = _getter(name)
        nested = _document_in(field.annotation)
        if nested is None:
            yield f"{prefix}{name}", get
            continue
        names = _names_within(nested, f"{prefix}{name}_", prefix)
        for (_, within), column in zip(_columns(nested), names, strict=True):
            yield column, _within(get, within)


def _names_within(kind: type[BaseModel], prefix: str, above: str) -> Iterator[str]:
    """Tokens are `input_tokens` …, and their classes need no word before them."""
    if kind is Tokens:
        return (f"{above}{name}_tokens" for name in kind.model_fields)
    if kind is TokenClasses:
        return (f"{above}{name}" for name in kind.model_fields)
    return (name for name, _ in _columns(kind, prefix))


def _document_in(annotation: Any) -> type[Document] | None:  # noqa: ANN401 - any annotation
    """The document that a field is, or may be."""
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    found = [each for each in kinds if isinstance(each, type) and issubclass(each, Document)]
    return found[0] if found else None


def _value_of(dimension: str) -> Callable[[Any], Any]:
    return lambda row: row.group.get(dimension)


def _getter(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name)


def _within(outer: Callable[[Any], Any], inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get(row: Any) -> Any:  # noqa: ANN401 - whatever stands there
        value = outer(row)
        return None if value is None else inner(value)

    return get


def _cell(value: Any) -> Cell:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    cell: Cell = value
    return cell


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
