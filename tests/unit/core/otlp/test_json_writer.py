"""OTLP/JSON where it differs from protobuf's JSON mapping, and where it is easily got wrong."""

import json

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from processor.core.errors import UndecodableError
from processor.core.otlp.json_writer import encode_line, to_json


def read(message: Message):
    return json.loads(to_json(message))


def test_ids_are_hexadecimal_in_spans_and_links():
    span = Span(trace_id=b"\xab" * 16, span_id=b"\xcd" * 8, parent_span_id=b"\xef" * 8)
    span.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    assert read(span) == {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "parentSpanId": "ef" * 8,
        "links": [{"traceId": "01" * 16, "spanId": "02" * 8}],
    }


def test_enums_are_numbers_and_64_bit_integers_strings():
    span = Span(kind=Span.SPAN_KIND_CLIENT, start_time_unix_nano=2**64 - 1, flags=0x300)
    span.status.code = Status.STATUS_CODE_ERROR
    assert read(span) == {
        "kind": 3,
        "startTimeUnixNano": "18446744073709551615",
        "flags": 768,
        "status": {"code": 2},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AnyValue(), {}),  # null
        (AnyValue(string_value=""), {"stringValue": ""}),
        (AnyValue(string_value="x"), {"stringValue": "x"}),
        (AnyValue(int_value=0), {"intValue": "0"}),
        (AnyValue(int_value=-5), {"intValue": "-5"}),
        (AnyValue(double_value=0.0), {"doubleValue": 0.0}),
        (AnyValue(double_value=0.1), {"doubleValue": 0.1}),
        (AnyValue(double_value=float("nan")), {"doubleValue": "NaN"}),
        (AnyValue(double_value=float("inf")), {"doubleValue": "Infinity"}),
        (AnyValue(double_value=float("-inf")), {"doubleValue": "-Infinity"}),
        (AnyValue(bool_value=False), {"boolValue": False}),
        (AnyValue(bytes_value=b"\x00\xff"), {"bytesValue": "AP8="}),
        (AnyValue(array_value=ArrayValue(values=[AnyValue()])), {"arrayValue": {"values": [{}]}}),
        (
            AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k")])),
            {"kvlistValue": {"values": [{"key": "k"}]}},
        ),
    ],
)
def test_every_kind_of_value_keeps_its_type(value, expected):
    assert read(value) == expected
    assert read(KeyValue(key="k", value=value)) == {"key": "k", "value": expected}
    assert read(KeyValue(value=value)) == {"value": expected}


def test_text_of_any_kind_stays_on_its_line():
    text = 'quote " backslash \\ newline \n nul \0 separator \u2028 emoji \U0001f600 del \x7f'
    request = ExportTraceServiceRequest()
    request.resource_spans.add().schema_url = text
    line = encode_line("traces", request.SerializeToString())
    assert line.endswith(b"\n")
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line) == {"resourceSpans": [{"schemaUrl": text}]}


@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\x05\x12\x03\x12\x01\xff", b"\x0a\x10"])
def test_what_is_no_request_is_undecodable(payload):
    with pytest.raises(UndecodableError, match="not an OTLP request for traces"):
        encode_line("traces", payload)
