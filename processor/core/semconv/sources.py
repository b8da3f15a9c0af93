"""Where a field is to be read: as the tables of the dialects say it, and in the values of a span.

A table says it about attributes: that is a `Source`. A span's values come as a tuple in the order
of its shape's keys, so each source is resolved once for each shape, to a `Column`: reading a span
is indexing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar, get_args

from processor.core.model import CallKind, Value
from processor.core.semconv.buckets import NO_MAP, UsageMap, read_map
from processor.core.semconv.values import Path, find, parse_literal, read_count, read_seconds

Kind = Literal[
    "llm", "embedding", "rerank", "image", "audio", "video", "moderation",
    "agent", "workflow", "chain", "tool", "other", "never",
]  # fmt: skip
"""What a span is. ``other`` is a known step that is no call; ``never`` must not be billed."""

CALL_KINDS = frozenset(get_args(CallKind))

Condition = Literal[
    "", "bare", "codex", "agent_entity", "agent_component", "agent", "known", "anthropic",
    "image", "genkit_model",
]  # fmt: skip
"""What must hold for a source to be read.

``bare``: the span is by an emitter that writes names without a namespace (Claude Code, Codex);
``codex``: by Codex; ``agent_entity``: Traceloop calls it an agent; ``agent_component``: Haystack
does; ``agent``: anybody does; ``known``: the span says what it is, in any dialect; ``anthropic``:
the call went to an Anthropic model, whose raw usage keeps cached tokens apart; ``image``: the span
generates images; ``genkit_model``: it is Genkit's span of a model, and named after it.
"""


class UsageMapKind(NamedTuple):
    """What is known of usage maps in one place."""

    side: str = ""
    """What all counts belong to."""
    may_be_exclusive: bool = False
    """Whether counts called ``input`` and ``output`` leave out what has a count of its own."""


class Source(NamedTuple):
    """One place where a field may stand. The first source that can be read wins."""

    keys: tuple[str, ...]
    """Attributes; of more than one, the sum of those present is read."""
    paths: tuple[Path, ...] = ()
    """Where to look inside the JSON that the attribute holds: the first present, or their sum."""
    sums_paths: bool = False
    usage_map: UsageMapKind | None = None
    """The JSON is a usage map, `paths` lead to it, and its counts are found by their names."""
    field: str = ""
    """Which count or text of a usage map is meant."""
    when: Condition = ""
    unless: tuple[str, ...] = ()
    """Attributes beside which this source is not read."""
    in_seconds: bool = False
    """The value is a time in seconds, which is read as milliseconds."""
    counts_items: bool = False
    """The value is a list, of which the length is read."""


Sources = tuple[Source, ...]


def keys(*names: str, when: Condition = "") -> Sources:
    """One source for each attribute, in order."""
    return tuple(Source((name,), when=when) for name in names)


def total_of(*names: str) -> Sources:
    """One source: the sum of several attributes."""
    return (Source(names),)


def inside(key: str, *paths: str, when: Condition = "") -> Sources:
    """One source: dotted paths inside the JSON of one attribute, the first present wins."""
    return (Source((key,), tuple(map(_split, paths)), when=when),)


def seconds(*names: str) -> Sources:
    """As `keys`, for times in seconds."""
    return tuple(Source((name,), in_seconds=True) for name in names)


def seconds_inside(key: str, *paths: str) -> Sources:
    """As `inside`, for times in seconds."""
    return (Source((key,), tuple(map(_split, paths)), in_seconds=True),)


def items_inside(key: str, *paths: str) -> Sources:
    """As `inside`, for lists of what is counted."""
    return (Source((key,), tuple(map(_split, paths)), counts_items=True),)


def counted(kind: UsageMapKind, key: str, field: str, *roots: str) -> Sources:
    """One source: a count in the usage map that the JSON of one attribute is or contains."""
    paths = tuple(map(_split, roots)) or ((),)
    return (Source((key,), paths, usage_map=kind, field=field),)


def total_inside(key: str, *paths: str) -> Sources:
    """One source: the sum of several paths inside the JSON of one attribute."""
    return (Source((key,), tuple(map(_split, paths)), sums_paths=True),)


def _split(path: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))


Result = TypeVar("Result")
Values = tuple[Value, ...]


class Column(NamedTuple):
    """A `Source`, resolved for one shape."""

    indices: tuple[int, ...]
    paths: tuple[Path, ...]
    sums_paths: bool
    in_seconds: bool = False
    usage_map: UsageMapKind | None = None
    field: str = ""
    counts_items: bool = False


Columns = tuple[Column, ...]


class Row:
    """The values of one span, whose JSON texts are parsed when first asked for, and only once."""

    __slots__ = ("_maps", "_trees", "values")

    def __init__(self, values: Values) -> None:
        self.values = values
        self._trees: dict[int, object] = {}
        self._maps: dict[tuple[int, tuple[Path, ...]], UsageMap] = {}

    def raw(self, column: Column) -> Iterable[object]:
        """The values that stand in a column; more than one where they are to be added up."""
        if not column.paths:
            return map(self.values.__getitem__, column.indices)
        if column.usage_map is not None:
            usage_map = self.usage_map(column, column.usage_map)
            return [usage_map.counts.get(column.field, usage_map.texts.get(column.field))]
        if column.sums_paths:
            tree = self._tree(column.indices[0])
            return [value for path in column.paths if (value := find(tree, path)) is not None]
        value = self._find_first(column)
        return () if value is None else (value,)

    def usage_map(self, column: Column, kind: UsageMapKind) -> UsageMap:
        """The usage map that stands in a column."""
        place = column.indices[0], column.paths
        if place not in self._maps:
            self._maps[place] = read_map(
                self._find_first(column),
                side=kind.side,
                may_be_exclusive=kind.may_be_exclusive,
            )
        return self._maps[place]

    def usage_maps(self) -> Iterable[UsageMap]:
        """The usage maps that were looked into."""
        return self._maps.values()

    def is_exclusive(self, column: Column) -> bool:
        """Whether a count is one of buckets that exclude one another."""
        return self._maps.get((column.indices[0], column.paths), NO_MAP).is_exclusive

    def _find_first(self, column: Column) -> object:
        tree = self._tree(column.indices[0])
        for path in column.paths:
            value = find(tree, path)
            if value is not None:
                return value
        return None

    def _tree(self, index: int) -> object:
        if index not in self._trees:
            self._trees[index] = parse_literal(self.values[index])
        return self._trees[index]


def resolve(
    sources: Sources, index: Mapping[str, int], conditions: frozenset[Condition]
) -> Columns:
    """Find the columns of one field, in the order in which they are to be tried."""
    return tuple(
        Column(
            tuple(index[key] for key in source.keys if key in index),
            source.paths,
            source.sums_paths,
            source.in_seconds,
            source.usage_map,
            source.field,
            source.counts_items,
        )
        for source in sources
        if _applies(source, index, conditions)
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
        if column.usage_map is not None:
            count = row.usage_map(column, column.usage_map).counts.get(column.field)
            if count is not None:
                return count, column, False
            continue
        raws = [raw for raw in row.raw(column) if raw is not None and raw != ""]
        read_one = read_seconds if column.in_seconds else read
        if column.counts_items:
            read_one = _count_items
        numbers = [number for number in map(read_one, raws) if number is not None]
        if numbers and len(numbers) == len(raws):
            return sum(numbers), column, False
        is_unreadable = is_unreadable or len(numbers) < len(raws)
    return None, None, is_unreadable


def _count_items(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


def _applies(source: Source, index: Mapping[str, int], conditions: frozenset[Condition]) -> bool:
    return (
        any(key in index for key in source.keys)
        and not any(key in index for key in source.unless)
        and source.when in conditions
    )
