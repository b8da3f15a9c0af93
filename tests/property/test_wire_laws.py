"""The laws of the wire room, on requests as strange as the format allows.

Requests are drawn field by field from the message descriptors: fields in any order and any number,
singular messages in parts, padded tags and lengths, unknown fields of every wire type at every
level, texts that look like encoded attributes. What protobuf reads is what is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from random import Random

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.errors import UndecodableError
from processor.core.model import Edit, Event, Group, Value, Wanted
from processor.core.wire import EVENT_ATTRIBUTES_MAX, NESTING_MAX, scan, splice
from processor.core.wire.addition import encode_addition, encode_message
from processor.core.wire.envelope import find_records

LAWS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = ["gen_ai.system", "gen_ai.usage.input_tokens", "session.id", "k", "", "x" * 130, "été"]
MIMIC = KeyValue(key="gen_ai.system", value=AnyValue(string_value="forged")).SerializeToString()
TEXTS = [*KEYS, "choice", "meta.a", "meta.b", "plain", MIMIC.decode(), "J\x16" + MIMIC.decode()]
WANTED = [
    Wanted(frozenset()),
    Wanted(frozenset({"gen_ai.system", "session.id"})),
    Wanted(frozenset({"k", "x" * 130, "été"}), ("gen_ai.", "meta.")),
    Wanted(frozenset({""}), events=frozenset({"choice", ""})),
    Wanted(frozenset({"gen_ai.system"}), events=frozenset({"choice"})),
    Wanted(frozenset(), ("",)),
    Wanted(frozenset({"session.id"}), supporting=frozenset({"gen_ai.system", "k", ""})),
    Wanted(
        frozenset(), ("meta.",), frozenset({"choice"}), frozenset({"gen_ai.system", "meta.a", "k"})
    ),
]
INT64_MAX = (1 << 63) - 1


# --- requests ---------------------------------------------------------------------------------


def encode_varint(value: int, padding: int = 0) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    for _ in range(min(padding, 5 - len(encoded))):
        encoded[-1] |= 0x80
        encoded.append(0)
    return bytes(encoded)


class Forge:
    """Makes encoded messages from descriptors, out of one source of chance."""

    def __init__(self, random: Random, *, odd: bool) -> None:
        self.random = random
        self.odd = odd

    def message(self, descriptor: Descriptor, depth: int = 0) -> bytes:
        fields = [
            self.field(field, depth)
            for field in descriptor.fields
            for _ in range(self.count(field, depth))
        ]
        if self.odd:
            fields += [self.unknown(descriptor) for _ in range(self.random.choice([0, 0, 1, 2]))]
            self.random.shuffle(fields)
        return b"".join(fields)

    def count(self, field: FieldDescriptor, depth: int) -> int:
        """How often a field occurs; a singular one that occurs twice is merged by a parser."""
        if field.message_type is not None and depth > 8:
            return 0
        if field.containing_oneof is not None:
            return int(self.random.random() < 1.2 / len(field.containing_oneof.fields))
        if field.is_repeated:
            return self.random.choice([0, 1, 2, 3, 3] if depth < 3 else [0, 1, 1, 2])
        return self.random.choice([0, 1, 1, 1, 2] if self.odd else [0, 1])

    def field(self, field: FieldDescriptor, depth: int) -> bytes:
        random, kind = self.random, field.type
        if field.message_type is not None:
            return self.record(field.number, self.message(field.message_type, depth + 1))
        if kind == FieldDescriptor.TYPE_STRING:
            return self.record(field.number, random.choice(TEXTS).encode())
        if kind == FieldDescriptor.TYPE_BYTES:
            return self.record(field.number, random.randbytes(random.choice([0, 3, 8, 16])))
        if kind in {FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_DOUBLE}:
            return self.tag(field.number, 1) + random.randbytes(8)
        if kind == FieldDescriptor.TYPE_FIXED32:
            return self.tag(field.number, 5) + random.randbytes(4)
        return self.tag(field.number, 0) + encode_varint(random.choice([0, 1, 2, 300, 1 << 40]))

    def unknown(self, descriptor: Descriptor) -> bytes:
        """A field that the message does not have, or has with another wire type."""
        random = self.random
        known = {field.number for field in descriptor.fields}
        number = random.choice([n for n in (6, 19, 20, 500, 70000) if n not in known])
        simple = [
            self.tag(number, 0) + encode_varint(random.randrange(1 << 30)),
            self.tag(number, 1) + random.randbytes(8),
            self.tag(number, 5) + random.randbytes(4),
            self.record(number, random.choice([MIMIC, b"", random.randbytes(5)])),
        ]
        if 1 in known and descriptor.fields_by_number[1].message_type is not None:
            simple.append(self.tag(1, 0) + b"\x07")
        group = self.tag(number, 3) + b"".join(simple) + self.tag(number, 4)
        return random.choice([*simple, group])

    def record(self, number: int, body: bytes) -> bytes:
        return self.tag(number, 2) + encode_varint(len(body), self.padding()) + body

    def tag(self, number: int, wire_type: int) -> bytes:
        return encode_varint(number << 3 | wire_type, self.padding())

    def padding(self) -> int:
        return self.random.choice([0] * 12 + [1, 4]) if self.odd else 0


def forge(seed: int, *, odd: bool) -> bytes:
    return Forge(Random(seed), odd=odd).message(ExportTraceServiceRequest.DESCRIPTOR)


payloads = st.builds(forge, st.integers(0, 1 << 32), odd=st.booleans())


# --- what protobuf reads ----------------------------------------------------------------------


def python_value(value: AnyValue, depth: int = 0) -> Value:
    kind = value.WhichOneof("value")
    if kind is None or kind.endswith("strindex"):
        return None
    if kind == "array_value" and depth < NESTING_MAX:
        return tuple(python_value(item, depth + 1) for item in value.array_value.values)
    if kind == "kvlist_value" and depth < NESTING_MAX:
        pairs: dict[str, Value] = {}
        for pair in value.kvlist_value.values:
            pairs.setdefault(pair.key, python_value(pair.value, depth + 1))
        return pairs
    return None if kind in {"array_value", "kvlist_value"} else getattr(value, kind)


def first_values(attributes, wanted: Wanted) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for pair in attributes:
        if pair.key in wanted.keys | wanted.supporting or pair.key.startswith(wanted.prefixes):
            found.setdefault(pair.key, python_value(pair.value))
    return found


def span_values(span, wanted: Wanted) -> dict[str, Value]:
    found = first_values(span.attributes, wanted)
    for name in [e.name for e in span.events if e.name in wanted.events]:
        event = next(event for event in span.events if event.name == name)
        for pair in event.attributes[:EVENT_ATTRIBUTES_MAX]:
            found.setdefault(f"event:{name}:{pair.key}", python_value(pair.value))
    return found if found.keys() - wanted.supporting else {}


def same(left, right) -> bool:
    """Equal in value, type and order, where a NaN equals a NaN."""
    if isinstance(left, Mapping):
        return list(left) == list(right) and same(tuple(left.values()), tuple(right.values()))
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return type(left) is type(right) and left == right


def parse(payload: bytes) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(payload)


def canonical(message: Message) -> bytes:
    """A message's content, unknown fields included."""
    return message.SerializeToString(deterministic=True)


def all_spans(request):
    return [
        (resource_spans, scope_spans, span)
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


# --- edits ------------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INT64_MAX - 1, INT64_MAX)
    | st.floats()
    | st.text(max_size=200)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
attributes = st.dictionaries(st.sampled_from([*KEYS, "llm.cost_usd"]), values, max_size=4)
events = st.builds(Event, st.integers(0, (1 << 64) - 1), st.sampled_from(TEXTS), attributes)
edit_values = st.builds(Edit, attributes, st.lists(events, max_size=2))
changes = st.dictionaries(st.integers(0, 11), edit_values, max_size=6)
drops = st.sets(st.integers(0, 11), max_size=6)


def on_rows(count: int, edits: Mapping[int, Edit], drop) -> tuple[dict[int, Edit], set[int]]:
    """Put what was drawn for any rows on the rows that there are."""
    if not count:
        return {}, set()
    return {row % count: edit for row, edit in edits.items()}, {row % count for row in drop}


def set_value(target: AnyValue, value: Value) -> None:
    if value is None:
        target.SetInParent()
    elif isinstance(value, tuple):
        target.array_value.SetInParent()
        for item in value:
            set_value(target.array_value.values.add(), item)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for key, item in value.items():
            set_value(target.kvlist_value.values.add(key=key).value, item)
    else:
        names = {bool: "bool_value", int: "int_value", float: "double_value"}
        names |= {str: "string_value", bytes: "bytes_value"}
        setattr(target, names[type(value)], value)


def edit_message(request, edits: Mapping[int, Edit], drop) -> None:
    """What `splice` does to bytes, done to a parsed request."""
    for row, (_, _, span) in enumerate(all_spans(request)):
        if row in edits:
            edit_span(span, edits[row])
    rows = reversed(range(len(all_spans(request))))
    for i, resource_spans in backwards(request.resource_spans):
        for j, scope_spans in backwards(resource_spans.scope_spans):
            for k, _ in backwards(scope_spans.spans):
                if next(rows) in drop:
                    del scope_spans.spans[k]
                    if not scope_spans.spans:
                        del resource_spans.scope_spans[j]
                    if not resource_spans.scope_spans:
                        del request.resource_spans[i]


def backwards(messages):
    """Messages with their index, last first, so that they can be deleted on the way."""
    return [(i, messages[i]) for i in reversed(range(len(messages)))]


def edit_span(span, edit: Edit) -> None:
    for i, pair in backwards(span.attributes):
        if pair.key in edit.attributes:
            del span.attributes[i]
    for key, value in edit.attributes.items():
        set_value(span.attributes.add(key=key).value, value)
    for event in edit.events:
        message = span.events.add(time_unix_nano=event.time_ns, name=event.name)
        for key, value in event.attributes.items():
            set_value(message.attributes.add(key=key).value, value)


# --- laws -------------------------------------------------------------------------------------


@LAWS
@given(payloads, st.sampled_from(WANTED))
def test_scan_reads_what_protobuf_reads(payload, wanted):
    # Every column, and every group, is what an unhurried reading of the parsed message gives.
    spans = scan(payload, wanted)
    expected = all_spans(parse(payload))
    assert len(spans) == len(expected)
    for i, (resource_spans, scope_spans, span) in enumerate(expected):
        scope = scope_spans.scope
        assert spans.trace_ids[i] == span.trace_id
        assert spans.span_ids[i] == span.span_id
        assert spans.parent_ids[i] == span.parent_span_id
        assert spans.names[i] == span.name
        assert spans.start_ns[i] == span.start_time_unix_nano
        assert spans.end_ns[i] == span.end_time_unix_nano
        assert spans.kinds[i] == span.kind
        assert spans.flags[i] == span.flags
        assert spans.failed[i] is (span.status.code == 2)
        group = spans.group[spans.groups[i]]
        assert isinstance(group, Group)
        assert same(group.resource, first_values(resource_spans.resource.attributes, wanted))
        assert (group.scope_name, group.scope_version) == (scope.name, scope.version)
        assert same(group.scope_attributes, first_values(scope.attributes, wanted))
        found = span_values(span, wanted)
        assert spans.keys[spans.shapes[i]] == tuple(found)
        assert same(spans.values[i], tuple(found.values()))
    assert len(set(spans.keys)) == len(spans.keys)
    assert spans.keys[0] == ()


@LAWS
@given(payloads)
def test_scan_tells_where_each_span_lies(payload):
    # The bytes between start and end are the span, whatever stands around it.
    spans = scan(payload, WANTED[0])
    places = zip(spans.starts, spans.ends, strict=True)
    for (start, end), (_, _, span) in zip(places, all_spans(parse(payload)), strict=True):
        assert canonical(type(span).FromString(payload[start:end])) == canonical(span)


@LAWS
@given(payloads, st.dictionaries(st.integers(0, 3), st.just(Edit({})), max_size=3))
def test_without_anything_to_write_splice_is_the_identity(payload, edits):
    # Not an equal payload: the same object.
    assert splice(scan(payload, WANTED[1]), edits) is payload


@LAWS
@given(payloads, changes, drops)
def test_splice_edits_bytes_as_protobuf_edits_messages(payload, edits, drop):
    # Unknown fields included, at every level, and in their order.
    spans = scan(payload, WANTED[0])
    edits, drop = on_rows(len(spans), edits, drop)
    expected = parse(payload)
    edit_message(expected, edits, drop)
    assert canonical(parse(splice(spans, edits, drop))) == canonical(expected)


@LAWS
@given(payloads, changes, drops)
def test_splice_copies_every_other_span(payload, edits, drop):
    # What is neither edited nor dropped comes out byte for byte, in the same order.
    spans = scan(payload, WANTED[0])
    edits, drop = on_rows(len(spans), edits, drop)
    output = splice(spans, edits, drop)
    again = scan(output, WANTED[0])
    kept = [row for row in range(len(spans)) if row not in drop]
    assert len(again) == len(kept)
    for new_row, row in enumerate(kept):
        before = payload[spans.starts[row] : spans.ends[row]]
        after = output[again.starts[new_row] : again.ends[new_row]]
        if row not in edits:
            assert after == before
        elif not any(key in edits[row].attributes for key in keys_of(before)):
            assert after.startswith(before)


def keys_of(span: bytes) -> list[str]:
    places = find_records(span, 0, len(span), 9)
    return [KeyValue.FromString(span[start:end]).key for _, start, end in places]


@LAWS
@given(payloads, edit_values, st.integers(0, 30))
def test_splice_copies_every_other_envelope(payload, edit, row):
    # A ResourceSpans in which nothing changes is copied with its tag and length, padded or not.
    spans = scan(payload, WANTED[0])
    assume(len(spans) > 0)
    row %= len(spans)
    output = splice(spans, {row: edit})
    before = find_records(payload, 0, len(payload), 1)
    after = find_records(output, 0, len(output), 1)
    assert len(before) == len(after)
    for (head, start, end), (new_head, _, new_end) in zip(before, after, strict=True):
        if not start < spans.starts[row] <= end:
            assert payload[head:end] == output[new_head:new_end]


@LAWS
@given(payloads, attributes)
def test_what_is_written_is_what_is_read(payload, written):
    # An edit's values survive the round trip with their types, and stand last, in their order.
    wanted = Wanted(frozenset(written))
    spans = scan(payload, wanted)
    again = scan(splice(spans, dict.fromkeys(range(len(spans)), Edit(written))), wanted)
    for shape, found in zip(again.shapes, again.values, strict=True):
        assert same(dict(zip(again.keys[shape], found, strict=True)), written)


@LAWS
@given(edit_values)
def test_what_is_put_together_by_hand_is_what_a_message_gives(edit):
    # The message is the oracle of every byte that an edit adds.
    span = Span()
    edit_span(span, edit)
    encoded = encode_addition(edit)
    assert encoded == encode_message(edit)
    assert canonical(Span.FromString(encoded)) == canonical(span)


@LAWS
@given(payloads, st.data())
def test_hostile_bytes_are_refused_exactly_where_protobuf_refuses_them(payload, data):
    # Cut, overwritten or stuffed: the one error that comes is UndecodableError.
    mutant = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant)))
        length = data.draw(st.integers(0, 4))
        mutant[at : at + length] = data.draw(st.binary(max_size=4))
    check_hostile(bytes(mutant[: data.draw(st.integers(0, len(mutant)))]))
    check_hostile(bytes(mutant))


@LAWS
@given(st.binary(max_size=60))
def test_noise_is_refused_exactly_where_protobuf_refuses_it(noise):
    # A payload of chance bytes, alone and inside each envelope.
    for _ in range(5):
        check_hostile(noise)
        noise = b"\x0a" + encode_varint(len(noise)) + noise
    check_hostile(b"\x0a" + encode_varint(len(noise) + 1) + b"\x12" + noise[1:])


@LAWS
@given(payloads, st.sampled_from([each for each in WANTED if "été" not in each.keys]))
def test_texts_that_are_not_utf_8_are_read_with_replacement_and_carried_as_they_are(
    payload, wanted
):
    # The same request with other bytes of the same length in some of its texts is the oracle.
    good, bad = "été".encode(), b"\xe9t\xff\xff\xe9"
    broken = payload.replace(good, bad)
    spans, expected = scan(broken, wanted), scan(payload, wanted)

    def replaced(value):
        match value:
            case str():
                return value.replace("été", bad.decode(errors="replace"))
            case tuple() | list():
                return type(value)(map(replaced, value))
            case Mapping():
                return {replaced(name): replaced(item) for name, item in value.items()}
            case bytes():
                return value.replace(good, bad)
        return value

    for column in ("names", "values", "keys"):
        assert same(getattr(spans, column), replaced(getattr(expected, column)))
    for group, expected_group in zip(spans.group, expected.group, strict=True):
        assert same(astuple(group), replaced(astuple(expected_group)))
    for column in ("trace_ids", "span_ids", "starts", "ends", "shapes", "groups"):
        assert getattr(spans, column) == replaced(getattr(expected, column))
    edits = dict.fromkeys(range(0, len(spans), 2), Edit({"gen_ai.system": "x", "k": 1}))
    drop = range(3, len(spans), 4)
    assert splice(spans, edits, drop) == splice(expected, edits, drop).replace(good, bad)


def check_hostile(payload: bytes) -> None:
    wanted = WANTED[4]
    try:
        expected = parse(payload)
    except DecodeError as error:
        if "UTF-8" in str(error):
            with suppress(UndecodableError):  # Something else may be wrong as well.
                scan(payload, wanted)
        else:
            with pytest.raises(UndecodableError):
                scan(payload, wanted)
        return
    spans = scan(payload, wanted)
    assert len(spans) == len(all_spans(expected))
    edits = dict.fromkeys(range(len(spans)), Edit({"gen_ai.system": "x"}))
    assert len(all_spans(parse(splice(spans, edits)))) == len(spans)
    assert not all_spans(parse(splice(spans, {}, range(len(spans)))))
