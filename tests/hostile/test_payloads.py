"""Hostile inputs 11 to 30: payloads in protobuf and JSON.

Elsewhere: texts that are not UTF-8 (`e2e/test_odd_spans.py`); merged messages, padding, texts that
look like attributes, every unknown field (`property/test_wire_laws.py`); ids and enums of JSON
(`conformance/test_json.py`); and all of it at random (`fuzz/`).
"""

from __future__ import annotations

import gzip
import json

import pytest
from conformance.incoming import a_call, record, shown, traces
from e2e.processes import attributes
from hostile.attacked import JSON, PROTOBUF, span_of
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from processor.core.otlp.varint import encode_varint

MIB = 1024 * 1024
FLOOD_BYTES = 16 * MIB
"""Unpacked; the sidecar takes messages up to 19 MiB."""


def nested(depth, *, is_map=False):
    """An attribute whose value is that deep; the parser counts two or three messages for each."""
    value = AnyValue(string_value="bottom").SerializeToString()
    for _ in range(depth):
        inner = record(1, record(1, b"k") + record(2, value)) if is_map else record(1, value)
        value = record(6 if is_map else 5, inner)
    return span_of(record(9, record(1, b"deep") + record(2, value)))


def flood(fields):
    return span_of(fields * (FLOOD_BYTES // len(fields)))


FLOODS = {
    "12 resource groups": lambda: b"\x0a\x00" * (FLOOD_BYTES // 2),
    "12 scope groups": lambda: record(1, b"\x12\x00" * (FLOOD_BYTES // 2)),
    "12 spans": lambda: record(1, record(2, b"\x12\x00" * (FLOOD_BYTES // 2))),
    "12 spans and then nothing that parses": (
        lambda: record(1, record(2, b"\x12\x00" * (FLOOD_BYTES // 2))) + b"\x0a"
    ),
    "13 attributes": lambda: flood(b"\x4a\x00"),
    "13 attributes with values": lambda: flood(b"\x4a\x02\x12\x00"),
    "13 events": lambda: flood(b"\x5a\x00"),
    "13 links": lambda: flood(b"\x6a\x00"),
    "13 attributes of a resource": lambda: record(1, record(1, b"\x0a\x00" * (FLOOD_BYTES // 2))),
    "13 values of an array": (
        lambda: span_of(record(9, record(2, record(5, b"\x0a\x00" * (FLOOD_BYTES // 2)))))
    ),
    "13 attributes of many spans": (
        lambda: record(1, record(2, record(2, b"\x4a\x00" * 30) * (FLOOD_BYTES // 62)))
    ),
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", FLOODS)
def test_12_13_millions_of_tiny_messages_are_too_large_before_they_are_made(attacked, name):
    """Guarantees: refused by what they would take in memory; 16 KiB of gzip brought them."""
    before = attacked.refusals("too_large") + attacked.refusals("undecodable")
    packed, peak_mib = gzip.compress(FLOODS[name](), 1), attacked.peak_mib()
    assert attacked.post(packed, Content_Encoding="gzip").status in {400, 413}
    assert attacked.peak_mib() < max(peak_mib, 84) + 84
    assert attacked.refusals("too_large") + attacked.refusals("undecodable") == before + 1


def test_12_two_hundred_thousand_empty_spans_are_within_memory(attacked):
    """Guarantees: the most that is taken of a request; their ids are none, so they are left out."""
    assert attacked.post(record(1, record(2, b"\x12\x00" * 200_000))).status == 200
    assert attacked.post(record(1, record(2, b"\x12\x00" * 260_000))).status == 413


def test_11_an_empty_body_is_a_success(attacked):
    assert attacked.both(b"") == {"OK", 200}


@pytest.mark.heavy
def test_14_one_text_of_128_mib_is_too_large_and_one_of_16_arrives(attacked, backend):
    before = attacked.refusals("too_large")
    packed = gzip.compress(span_of(record(9, record(2, record(1, b"x" * (128 * MIB))))), 1)
    assert attacked.post(packed, Content_Encoding="gzip").status == 413
    assert attacked.refusals("too_large") == before + 1
    text = AnyValue(string_value="x" * (16 * MIB))
    whole = span_of(record(9, KeyValue(key="text", value=text).SerializeToString()))
    assert attacked.post(gzip.compress(whole, 1), Content_Encoding="gzip").status == 200
    assert backend.requests() == [whole]


@pytest.mark.parametrize("is_map", [False, True], ids=["arrays", "maps"])
@pytest.mark.parametrize(
    ("depth", "expected"), [(16, True), (25, True), (50, False), (60, False), (1000, False)]
)
def test_15_nested_values_pass_as_deep_as_protobuf_reads_them(
    attacked, backend, depth, expected, is_map
):
    payload = nested(depth, is_map=is_map)
    taken = attacked.both(payload) == {"OK", 200}
    assert taken is (expected or (depth < 49 and not is_map))
    assert backend.requests() == ([payload, payload] if taken else [])


def test_15_values_nested_20000_deep_are_undecodable(attacked):
    before = attacked.refusals("undecodable")
    assert attacked.both(nested(20_000)) == {"INVALID_ARGUMENT", 400}
    assert attacked.refusals("undecodable") == before + 2


MALFORMED = {
    "a varint cut off": span_of(b"\x30\x80"),
    "a varint of eleven bytes": span_of(b"\x30" + b"\xff" * 10 + b"\x01"),
    "field number 0": span_of(b"\x00\x01"),
    "a group that does not end": span_of(b"\x9b\x06"),
    "a group that did not begin": span_of(b"\x9c\x06"),
    "a group of another number ends": span_of(b"\x9b\x06\xa4\x06"),
    "wire type 6": span_of(b"\x9e\x06"),
    "wire type 7": span_of(b"\x9f\x06"),
    "a length past the end": span_of(b"\x4a\x7f"),
    "a length of 2^63": span_of(b"\x4a" + encode_varint(1 << 63)),
    "a length past its message": record(1, b"\x12\x50") + b"\0" * 100,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_17_what_no_parser_reads_is_undecodable_and_its_place_is_named(attacked, name):
    before = attacked.refusals("undecodable")
    refusal, answer = (
        attacked.call(MALFORMED[name]),
        attacked.post(MALFORMED[name], PROTOBUF),
    )
    assert (refusal.status, answer.status) == ("INVALID_ARGUMENT", 400)
    assert "byte" in refusal.text or "payload" in refusal.text
    assert attacked.refusals("undecodable") == before + 2


ODD = {
    "17 a known field with another wire type": b"\x4d\0\0\0\0",
    "17 groups": b"\x9b\x06\x08\x01\x9c\x06",
    "18 an unknown field of a MiB": record(2000, b"u" * MIB),
    "21 a value before its key": record(9, record(2, record(1, b"v")) + record(1, b"k")),
    "21 no key": record(9, record(2, record(1, b"v"))),
    "21 no value": record(9, record(1, b"k")),
    "21 two keys": record(9, record(1, b"a") + record(1, b"b")),
    "22 padded tag and length": b"\xca\x80\x00\x84\x80\x00" + record(1, b"kk"),
}


@pytest.mark.parametrize("name", ODD)
def test_17_22_what_is_odd_but_can_be_read_passes_byte_for_byte(attacked, backend, name):
    payload = span_of(ODD[name])
    assert attacked.both(payload) == {"OK", 200}
    assert backend.requests() == [payload, payload]


def test_20_usage_inside_a_text_is_text(attacked, backend):
    """Guarantees: bytes that are an encoded attribute are not one where they stand in another."""
    mimic = KeyValue(key="gen_ai.usage.input_tokens", value=AnyValue(int_value=10**9))
    call = a_call(span_id=b"mimicry!")
    text = "J" + chr(len(mimic.SerializeToString())) + mimic.SerializeToString().decode("latin-1")
    call.attributes.add(key="prompt").value.string_value = text
    assert attacked.post(traces(call)).status == 200
    assert attributes(backend.by_name()["chat"])["llm.tokens.input"] == 1000


# --- JSON -----------------------------------------------------------------------------------------


def with_value(text):
    """A request whose span has an attribute with this value, written as it stands."""
    whole = json.dumps(shown({"name": "x", "attributes": [{"key": "k", "value": "HERE"}]}))
    return whole.replace('"HERE"', text).encode()


REFUSED_JSON = {
    "23 depth of 100,000": b"[" * 100_000,
    "23 depth of 100,000 objects": b'{"a":' * 100_000,
    "24 a bare NaN": with_value('{"doubleValue": NaN}'),
    "24 a bare infinity": with_value('{"doubleValue": -Infinity}'),
    "24 one above 63 bits": with_value('{"intValue": "9223372036854775808"}'),
    "24 beyond doubles": with_value('{"doubleValue": 1e400}'),
    "24 an underscore": with_value('{"intValue": "1_000"}'),
    "24 full-width digits": with_value('{"intValue": "\uff15"}'),
    "24 true for a number": with_value('{"intValue": true}'),
    "28 UTF-16": with_value('{"stringValue": "x"}').decode().encode("utf-16"),
    "28 UTF-32": with_value('{"stringValue": "x"}').decode().encode("utf-32"),
    "29 a million digits": with_value('{"intValue": %s}' % ("9" * 1_000_000)),
    "29 a million digits in quotes": with_value('{"intValue": "%s"}' % ("9" * 1_000_000)),
    "30 values nested 1,000 deep": with_value(
        '{"arrayValue": {"values": [' * 1000 + "{}" + "]}}" * 1000
    ),
}


@pytest.mark.parametrize("name", REFUSED_JSON)
def test_23_30_json_that_is_none_or_does_not_fit_is_400(attacked, name):
    before = attacked.refusals("undecodable")
    answer = attacked.post(REFUSED_JSON[name], JSON)
    assert answer.status == 400
    assert len(answer.text) < 3000
    assert attacked.refusals("undecodable") == before + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"doubleValue": "NaN"}', "NaN", id="24 NaN as text"),
        pytest.param('{"doubleValue": -0.0}', 0.0, id="24 minus zero"),
        pytest.param('{"intValue": "-9223372036854775808"}', -(2**63), id="24 least integer"),
        pytest.param('{"intValue": 1, "intValue": 2}', 2, id="25 a key twice: the last"),
        pytest.param('{"stringValue": "a\\u0000b"}', "a\0b", id="28 NUL"),
        pytest.param('{"stringValue": "a\\ud800b"}', "a\ufffdb", id="28 half a pair"),
    ],
)
def test_24_28_json_that_can_be_read_is_carried(attacked, backend, text, expected):
    answer = attacked.post(with_value(text), JSON)
    assert answer.status == 200
    value = backend.by_name()["x"].attributes[0].value
    found = getattr(value, value.WhichOneof("value"))
    assert str(found).lower() == "nan" if expected == "NaN" else found == expected


def test_28_a_byte_order_mark_is_ignored(attacked, backend):
    body = b"\xef\xbb\xbf" + json.dumps(shown({"name": "marked"})).encode()
    assert attacked.post(body, JSON).status == 200
    assert "marked" in backend.by_name()
