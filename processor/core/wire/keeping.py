"""What is on a span already and is not taken out: attributes under other names, marks on events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Spans, Value
from processor.core.otlp.messages import read_message
from processor.core.wire.anyvalue import read_value, write_pair
from processor.core.wire.envelope import ATTRIBUTES, Record, find_records, open_record

Patch = tuple[int, int, bytes]
"""A piece of the payload, from where to where, and what comes in its place. Either may be empty."""

EVENTS = 11
"""Field number in Span."""
_KEY = 1
"""Field number in KeyValue."""
_EVENT_ATTRIBUTES = 3
"""Field number in Event."""


def find_events(
    spans: Spans, names: Collection[str]
) -> dict[int, list[tuple[str, dict[str, Value]]]]:
    """The events of these names that spans carry, with their attributes, by row."""
    payload = spans.payload
    encoded = [name.encode() for name in names]
    if not any(name in payload for name in encoded):
        return {}
    found: dict[int, list[tuple[str, dict[str, Value]]]] = {}
    for row, (start, end) in enumerate(zip(spans.starts, spans.ends, strict=True)):
        if any(payload.find(name, start, end) >= 0 for name in encoded):
            for _, event in _read_events(payload, (start, start, end), names):
                pairs = {pair.key: read_value(pair.value) for pair in event.attributes}
                found.setdefault(row, []).append((event.name, pairs))
    return found


def rename_attributes(
    payload: bytes, place: Record, suffixes: Mapping[str, str]
) -> Iterator[Patch]:
    """Append to the names of attributes; their values stay as they are, byte for byte.

    Where a name is taken already, the suffix, which is not empty, is appended once more. Further
    attributes of the same name are numbered, so that names do not grow with their number.
    """
    records = find_records(payload, *place[1:], ATTRIBUTES)
    keys = [read_message(KeyValue, payload[start:end]).key for _, start, end in records]
    taken = set(keys)
    firsts: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for (head, start, end), key in zip(records, keys, strict=True):
        if key not in suffixes:
            continue
        if key not in firsts:
            name = key + suffixes[key]
            while name in taken:
                name += suffixes[key]
            firsts[key] = name
        else:
            while (name := f"{firsts[key]}.{numbers[key] + 2}") in taken:
                numbers[key] += 1
        taken.add(name)
        pieces = [_named(name)]
        position = start
        for key_head, _, key_end in find_records(payload, start, end, _KEY):
            pieces.append(payload[position:key_head])
            position = key_end
        content = b"".join((*pieces, payload[position:end]))
        yield head, end, open_record(ATTRIBUTES, len(content)) + content


def mark_events(
    payload: bytes, place: Record, marks: Mapping[str, Mapping[str, Value]]
) -> Iterator[Patch]:
    """Add attributes to the events of these names, where they do not have them."""
    for (head, start, end), event in _read_events(payload, place, marks):
        present = {pair.key for pair in event.attributes}
        added = [_pair(*pair) for pair in marks[event.name].items() if pair[0] not in present]
        if added:
            size = end - start + sum(map(len, added))
            yield head, start, open_record(EVENTS, size)
            yield end, end, b"".join(added)


def _read_events(
    payload: bytes, place: Record, names: Collection[str]
) -> Iterator[tuple[Record, Span.Event]]:
    for record in find_records(payload, *place[1:], EVENTS):
        event = read_message(Span.Event, payload[record[1] : record[2]])
        if event.name in names:
            yield record, event


def _named(name: str) -> bytes:
    text = name.encode("utf-8", "replace")
    return open_record(_KEY, len(text)) + text


def _pair(key: str, value: Value) -> bytes:
    pair = KeyValue()
    write_pair(pair, key, value)
    encoded = pair.SerializeToString()
    return open_record(_EVENT_ATTRIBUTES, len(encoded)) + encoded
