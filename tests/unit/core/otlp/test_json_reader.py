"""OTLP/JSON read as the specification has it, and bad JSON refused with its place."""

import json
import math

import pytest
from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp.json_reader import read_json

MIB = 1024 * 1024
KINDS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


def read(value, signal="traces"):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return KINDS[signal].FromString(read_json(signal, body, 64 * MIB))


def one_span(**fields):
    return {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}


def span(**fields):
    return read(one_span(**fields)).resource_spans[0].scope_spans[0].spans[0]


def value(**fields):
    return span(attributes=[{"key": "k", "value": fields}]).attributes[0].value


def metric(**fields):
    request = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [fields]}]}]}
    return read(request, "metrics").resource_metrics[0].scope_metrics[0].metrics[0]


def refusal(body, signal="traces"):
    with pytest.raises(UndecodableError) as caught:
        read(body, signal)
    return str(caught.value)


HEX, BYTES = "5B8EFFF798038103D269B633813FC60C", bytes.fromhex("5B8EFFF798038103D269B633813FC60C")


@pytest.mark.parametrize("shown", [HEX, HEX.lower()])
def test_ids_are_hexadecimal_in_either_case_wherever_they_stand(shown):
    """OTLP conformance: ids are hex, not base64, also in links, logs and exemplars."""
    ids = {"traceId": shown, "spanId": shown[:16]}
    found = span(**ids, parentSpanId=shown[16:], links=[ids])
    assert (found.trace_id, found.span_id, found.parent_span_id) == (BYTES, BYTES[:8], BYTES[8:])
    assert (found.links[0].trace_id, found.links[0].span_id) == (BYTES, BYTES[:8])
    exemplar = (
        metric(gauge={"dataPoints": [{"exemplars": [ids]}]}).gauge.data_points[0].exemplars[0]
    )
    assert (exemplar.trace_id, exemplar.span_id) == (BYTES, BYTES[:8])
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [ids]}]}]}
    record = read(request, "logs").resource_logs[0].scope_logs[0].log_records[0]
    assert (record.trace_id, record.span_id) == (BYTES, BYTES[:8])


def test_ids_of_a_wrong_length_are_read_since_one_must_not_poison_the_batch():
    assert (span(traceId="ab").trace_id, span(spanId="").span_id) == (b"\xab", b"")


@pytest.mark.parametrize(
    "wrong",
    [
        "abc",
        "zz",
        "W47/95gDgQPSabYzgT/GDA==",
        " ab ",
        "a b ",
        "0x12",
        "\uff11\uff12",
        12,
        ["ab"],
        True,
    ],
)
def test_an_id_that_is_not_hexadecimal_is_refused(wrong):
    assert "resourceSpans[0].scopeSpans[0].spans[0].traceId: must be an even number of hex" in (
        refusal(one_span(traceId=wrong))
    )


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("1700000000000000001", 1_700_000_000_000_000_001),
        (1_700_000_000_000_000_001, 1_700_000_000_000_000_001),
        (1.7e18, 1_700_000_000_000_000_000), ("0", 0), (str(2**64 - 1), 2**64 - 1), ("007", 7),
    ],
)  # fmt: skip
def test_times_are_texts_or_numbers(shown, number):
    """OTLP conformance: 64-bit integers are accepted as string and as number, to the last digit."""
    assert span(startTimeUnixNano=shown).start_time_unix_nano == number


@pytest.mark.parametrize(
    ("shown", "number"),
    [("-9223372036854775808", -(2**63)), (2**63 - 1, 2**63 - 1), ("-1", -1), (0, 0), (-0.0, 0)],
)
def test_signed_integers_keep_their_sign(shown, number):
    """OTLP conformance: intValue is accepted as string and as number."""
    found = value(intValue=shown)
    assert (found.WhichOneof("value"), found.int_value) == ("int_value", number)


@pytest.mark.parametrize(
    "wrong",
    ["9223372036854775808", 2**63, -(2**63) - 1, "1_000", " 5 ", "\uff15", "+5", "1e3", "1.0", "",
     "x", 1.5, 1e300, True, False, [], {}, "0x10", "9" * 4000, "5\n"],
)  # fmt: skip
def test_what_is_no_64_bit_integer_is_refused(wrong):
    message = refusal(one_span(attributes=[{"key": "k", "value": {"intValue": wrong}}]))
    assert message.startswith(
        "resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.intValue: "
    )
    assert len(message) < 250


@pytest.mark.parametrize("wrong", [-1, "-1", 2**64, "18446744073709551616"])
def test_a_time_cannot_be_negative_or_too_far(wrong):
    assert "endTimeUnixNano" in refusal(one_span(endTimeUnixNano=wrong))


@pytest.mark.parametrize(
    ("shown", "number"),
    [(1, 1.0), (0.1, 0.1), ("0.1", 0.1), ("1e3", 1000.0), ("-2.5E-3", -0.0025), (1e308, 1e308),
     ("Infinity", math.inf), ("-Infinity", -math.inf), (10**30, 1e30), (-0.0, -0.0), ("0", 0.0)],
)  # fmt: skip
def test_doubles_are_numbers_or_texts(shown, number):
    """OTLP conformance: doubles accept "Infinity" and "-Infinity" too, and keep a zero's sign."""
    found = value(doubleValue=shown)
    assert found.WhichOneof("value") == "double_value"
    assert repr(found.double_value) == repr(number)


def test_nan_is_a_double():
    """OTLP conformance: doubles accept "NaN"."""
    assert math.isnan(value(doubleValue="NaN").double_value)


@pytest.mark.parametrize(
    "wrong", ["inf", "nan", "1_0.5", " 1", "", "1.", ".5", "0x1p3", "1e400", True, [], 10**400]
)
def test_what_is_no_double_is_refused(wrong):
    body = one_span(attributes=[{"key": "k", "value": {"doubleValue": wrong}}])
    assert ".doubleValue: " in refusal(body)


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-Infinity", "1e308888"])
def test_a_bare_number_that_is_none_is_refused(number):
    body = json.dumps(one_span(attributes=[{"key": "k", "value": {"doubleValue": 8.5}}]))
    assert refusal(body.replace("8.5", number).encode())


def test_enums_are_integers_only():
    """OTLP conformance: names of enum values are not allowed; unknown numbers are kept."""
    assert (span(kind=3).kind, span(kind=99).kind) == (3, 99)
    for wrong in ("SPAN_KIND_CLIENT", "3", 3.0, True, 2**31):
        assert "spans[0].kind: must be" in refusal(one_span(kind=wrong))


def test_unknown_names_are_ignored_whatever_they_hold():
    """OTLP conformance: fields that are not known are ignored."""
    found = span(name="a", later={"deep": [1, {"x": None}]}, **{"": 1, "__proto__": {}})
    assert found.name == "a"
    assert read(rb'{"resourceSpans":[],"x":1e400,"y":"\ud800"}') == ExportTraceServiceRequest()


def test_names_are_lower_camel_case_only():
    """OTLP conformance: protobuf's own names are not valid, so they are unknown."""
    found = span(trace_id="00", start_time_unix_nano=1, TraceId="00", traceid="00")
    assert not found.ListFields()


def test_bytes_values_are_base64():
    """OTLP conformance: bytesValue stays base64, of either alphabet."""
    for shown in ("+/8=", "-_8=", "+/8"):
        assert value(bytesValue=shown).bytes_value == b"\xfb\xff"
    assert value(bytesValue="").WhichOneof("value") == "bytes_value"
    for wrong in ("a", "a===b", "ab cd", "äöü", 5, "QQ=\n="):
        body = one_span(attributes=[{"key": "k", "value": {"bytesValue": wrong}}])
        assert ".bytesValue: must be base64" in refusal(body)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({}, None), ({"stringValue": None}, None), ({"stringValue": ""}, "string_value"),
     ({"boolValue": False}, "bool_value"), ({"intValue": 0}, "int_value"),
     ({"doubleValue": 0}, "double_value"), ({"arrayValue": {}}, "array_value"),
     ({"kvlistValue": {"values": []}}, "kvlist_value"),
     ({"stringValue": None, "intValue": 1}, "int_value")],
)  # fmt: skip
def test_values_at_their_default_stay_what_they_are(fields, kind):
    """OTLP conformance: a null attribute survives, and an empty value is not null."""
    found = span(attributes=[{"key": "k", "value": fields}]).attributes[0]
    assert found.HasField("value")
    assert found.value.WhichOneof("value") == kind


def test_null_is_a_field_that_is_not_set():
    found = span(name=None, attributes=None, status=None)
    assert not found.ListFields()
    assert not span(attributes=[{"key": "k", "value": None}]).attributes[0].HasField("value")


def test_a_value_is_only_one_thing():
    message = refusal(
        one_span(attributes=[{"key": "k", "value": {"intValue": 1, "boolValue": True}}])
    )
    assert message.endswith("attributes[0].value: has both intValue and boolValue")


def test_a_list_holds_no_null():
    for body in (one_span(attributes=[None]), {"resourceSpans": [{}, None]}):
        assert "must be an object" in refusal(body)


def test_a_key_that_stands_twice_counts_as_it_stands_last():
    """OTLP conformance: duplicate keys are defined and never crash."""
    assert read(b'{"resourceSpans":[{}],"resourceSpans":[{},{}]}') == read(
        {"resourceSpans": [{}, {}]}
    )


def test_duplicate_attributes_all_arrive():
    """OTLP conformance: an attribute that stands twice is passed on twice, as in protobuf."""
    pairs = [{"key": "k", "value": {"intValue": each}} for each in (1, 2)]
    assert [pair.value.int_value for pair in span(attributes=pairs).attributes] == [1, 2]


def test_a_byte_order_mark_is_passed_over():
    assert read(b"\xef\xbb\xbf{}") == ExportTraceServiceRequest()


@pytest.mark.parametrize(
    ("shown", "text"),
    [(r"\ud800", "\ufffd"), (r"a\udc00b", "a\ufffdb"), (r"\ud83d\ude00", "😀"), (r"\u0000", "\0"),
     (r"😀\ud83d", "😀\ufffd")],
)  # fmt: skip
def test_half_of_a_surrogate_pair_is_replaced(shown, text):
    """OTLP conformance: a text that UTF-8 does not have neither crashes nor costs the batch."""
    body = json.dumps(one_span(name="X"), ensure_ascii=False).replace("X", shown).encode()
    assert read(body).resource_spans[0].scope_spans[0].spans[0].name == text


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":1,}', b"\xff\xfe{}", b"{}\0", "{}".encode("utf-16-le"), b"\xef\xbb", b"{}x",
     b'{"a":"\n"}', b'{"a":' + b"1" * 5000 + b"}",
     b'{"resourceSpans":"x"}', b'{"resourceSpans":{}}', b'{"resourceSpans":[[]]}',
     b'{"resourceSpans":[1]}'],
)  # fmt: skip
def test_what_is_no_otlp_json_is_refused(body):
    """OTLP conformance: undecodable is refused as such, and never a crash."""
    assert refusal(body)


def test_nesting_has_a_bound_and_no_depth_crashes():
    """OTLP conformance: attributes nested as deeply as protobuf's parser takes, and no deeper."""

    def nested(levels):
        found = {"stringValue": "x"}
        for _ in range(levels):
            found = {"arrayValue": {"values": [found]}}
        return one_span(attributes=[{"key": "k", "value": found}])

    assert read(nested(40)).ByteSize() > 40
    deepest = max(levels for levels in range(40, 60) if not is_refused(nested(levels)))
    assert 40 <= deepest < 60
    for levels in (60, 90, 200):
        assert "nested too deeply" in refusal(nested(levels))
    for body in (b'{"a":' * 100_000, b"[" * 100_000, b'{"resourceSpans":' + b"[" * 100_000):
        assert refusal(body)


def is_refused(body):
    """Whether it is refused; what is not must be readable by protobuf's own parser, see `read`."""
    try:
        read(body)
    except UndecodableError:
        return True
    return False


@pytest.mark.parametrize("body", [b"[" + b"{}," * 40_000, b"[" + b"1," * 70_000, b"[[" * 30_000])
def test_more_values_than_telemetry_has_are_too_large_before_they_are_made(body):
    with pytest.raises(TooLargeError):
        read_json("traces", body, 512 * 1024)


def test_numbers_are_packed_and_optional_ones_keep_their_zero():
    """OTLP conformance: fields with presence are written even at their default."""
    point = {"bucketCounts": ["1", 2, "3"], "explicitBounds": [0.5, 1], "sum": 0, "min": 0.0}
    found = metric(name="m", histogram={"dataPoints": [point], "aggregationTemporality": 2})
    data = found.histogram.data_points[0]
    assert (list(data.bucket_counts), list(data.explicit_bounds)) == ([1, 2, 3], [0.5, 1.0])
    assert (data.HasField("sum"), data.HasField("min"), data.HasField("max")) == (True, True, False)
    scaled = {"scale": -3, "positive": {"offset": -1, "bucketCounts": [1]}}
    found = metric(exponentialHistogram={"dataPoints": [scaled]}).exponential_histogram
    assert (found.data_points[0].scale, found.data_points[0].positive.offset) == (-3, -1)
    assert "dataPoints[0].bucketCounts[1]: must be" in refusal(
        {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"histogram": {"dataPoints": [{"bucketCounts": [1, -1]}]}}]}]}]}, "metrics"
    )  # fmt: skip


def test_a_metric_is_only_one_kind():
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {}, "sum": {}}]}]}]}
    assert "has both gauge and sum" in refusal(body, "metrics")


def test_texts_must_be_texts():
    for wrong in (1, True, [], {}):
        assert "spans[0].name: must be text" in refusal(one_span(name=wrong))


def test_a_message_shows_little_of_what_was_sent():
    assert len(refusal(one_span(traceId="x" * 10_000))) < 200
    assert "\x1b" not in refusal(one_span(traceId="\x1b[2J"))


@pytest.mark.parametrize("kind", [*KINDS.values(), Metric])
def test_every_field_of_otlp_is_of_a_kind_that_is_read(kind):
    """A later opentelemetry-proto with groups or maps would need more than there is."""
    seen, waiting = set(), [kind.DESCRIPTOR]
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name in seen:
            continue
        seen.add(descriptor.full_name)
        assert not descriptor.GetOptions().map_entry
        for field in descriptor.fields:
            assert field.type != FieldDescriptor.TYPE_GROUP
            waiting += [field.message_type] if field.message_type else []
