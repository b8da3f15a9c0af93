"""The wanted attributes of spans, and the shapes under which they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Value, Wanted
from processor.core.wire.anyvalue import read_value

ATTRIBUTES_MAX = 1024
"""Wanted attributes read of one span, instrumentation scope or resource."""
EVENT_ATTRIBUTES_MAX = 64
"""Attributes read of one wanted event."""


def read_wanted(attributes: Iterable[KeyValue], wanted: Wanted) -> dict[str, Value]:
    """Read the wanted and the supporting attributes in wire order; of a repeated key, the first.

    Of a repeated key in `wanted.latest` it is the last value, where the first would stand.
    """
    keys, supporting, prefixes = wanted.keys, wanted.supporting, wanted.prefixes
    values: dict[str, Value] = {}
    for pair in attributes:
        key = pair.key
        if key in keys or key in supporting or (prefixes and key.startswith(prefixes)):
            if key in values and key not in wanted.latest:
                continue
            value = pair.value
            # At most one kind is there, the others read as zero: what is not zero is the value.
            # For most values this spares the question which kind it is.
            values[key] = value.string_value or value.int_value or read_value(value)
            if len(values) == ATTRIBUTES_MAX:
                break
    return values


class Shapes:
    """Interns the sets of keys that the spans of one payload carry."""

    def __init__(self, keys: list[tuple[str, ...]], wanted: Wanted) -> None:
        """Append new shapes to `keys`, which holds the empty shape."""
        self._keys = keys
        self._wanted = wanted
        self._index = {shape: index for index, shape in enumerate(keys)}

    def read(self, span: Span, *, has_events: bool) -> tuple[int, tuple[Value, ...]]:
        """Read a span's shape and the values that go with it.

        `has_events` is False where it is known that the span has none of the wanted events.
        """
        found = read_wanted(span.attributes, self._wanted)
        if has_events:
            _add_events(span.events, self._wanted.events, found)
        shape = tuple(found)
        index = self._index.get(shape)
        if index is None:
            index = self._index[shape] = self._add(shape)
        return index, tuple(found.values()) if index else ()

    def _add(self, shape: tuple[str, ...]) -> int:
        """Number a new shape: 0, that of spans that carry nothing, when it only supports."""
        if self._wanted.supporting.issuperset(shape):
            return 0
        self._keys.append(shape)
        return len(self._keys) - 1


def _add_events(
    events: Sequence[Span.Event], names: frozenset[str], found: dict[str, Value]
) -> None:
    """Add the attributes of the first event of each wanted name."""
    seen: set[str] = set()
    for event in events:
        name = event.name
        if name in names and name not in seen:
            seen.add(name)
            for pair in event.attributes[:EVENT_ATTRIBUTES_MAX]:
                key = f"event:{name}:{pair.key}"
                if key not in found:
                    found[key] = read_value(pair.value)
