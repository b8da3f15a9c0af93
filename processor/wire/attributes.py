"""The wanted attributes of spans, and the shapes under which they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.model import Value, Wanted
from processor.wire.anyvalue import read_value

ATTRIBUTES_MAX = 1024
"""Wanted attributes read of one span, instrumentation scope or resource."""
EVENT_ATTRIBUTES_MAX = 64
"""Attributes read of one wanted event."""


def read_wanted(attributes: Iterable[KeyValue], wanted: Wanted) -> dict[str, Value]:
    """Read the wanted attributes in wire order; of a repeated key, the first."""
    keys, prefixes = wanted.keys, wanted.prefixes
    values: dict[str, Value] = {}
    for pair in attributes:
        key = pair.key
        if (key in keys or key.startswith(prefixes)) and key not in values:
            values[key] = read_value(pair.value)
            if len(values) == ATTRIBUTES_MAX:
                break
    return values


class Shapes:
    """Interns the sets of keys that the spans of one payload carry."""

    def __init__(self, keys: list[tuple[str, ...]]) -> None:
        """Append new shapes to `keys`, which holds the empty shape."""
        self._keys = keys
        self._index = {shape: index for index, shape in enumerate(keys)}

    def read(self, span: Span, wanted: Wanted) -> tuple[int, tuple[Value, ...]]:
        """Read a span's shape and the values that go with it."""
        found = read_wanted(span.attributes, wanted)
        if wanted.events:
            _add_events(span.events, wanted.events, found)
        shape = tuple(found)
        index = self._index.get(shape)
        if index is None:
            index = self._index[shape] = len(self._keys)
            self._keys.append(shape)
        return index, tuple(found.values())


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
