"""Rules 30 to 35: OTLP/JSON, read over HTTP and written into files."""

from __future__ import annotations

import json
import math

from conformance.incoming import NOW_NS, a_span, shown, traces
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

TRACE_ID, SPAN_ID = "5B8EFFF798038103d269b633813fc60c", "EEE19b7ec3c1b174"
TRACE, SPAN = bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID)


async def taken(gateway, **span):
    """A span that was sent as JSON, as the backend got it."""
    reply = await gateway.post(shown({"name": "x", **span}))
    assert (reply.status, reply.body) == (200, b"{}")
    return gateway.spans()[-1]


async def refused(gateway, **span):
    """The message that refuses a span that was sent as JSON."""
    reply = await gateway.post(shown({"name": "x", **span}))
    assert reply.status == 400
    assert not gateway.delivered()
    return reply.error().message


async def value_of(gateway, **value):
    span = await taken(gateway, attributes=[{"key": "k", "value": value}])
    return span.attributes[0].value


async def written(open_gateway, tmp_path, span):
    """The line that a span becomes in a file of OTLP/JSON."""
    folder = tmp_path / "spans"
    gateway = await open_gateway(**{"exporters.file.path": str(folder)})
    assert await gateway.call(traces(span)) == b""
    (line,) = next(iter(folder.glob("*traces*"))).read_text().splitlines()
    return json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]


async def test_rule_30_ids_are_hexadecimal_in_either_case(gateway, open_gateway, tmp_path):
    """Guarantees: of spans, parents and links; read so, and written so in lower case."""
    link = {"traceId": TRACE_ID, "spanId": SPAN_ID}
    span = await taken(
        gateway, traceId=TRACE_ID.lower(), spanId=SPAN_ID, parentSpanId=SPAN_ID, links=[link]
    )
    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE, SPAN, SPAN)
    assert (span.links[0].trace_id, span.links[0].span_id) == (TRACE, SPAN)
    line = await written(open_gateway, tmp_path, span)
    assert (line["traceId"], line["parentSpanId"]) == (TRACE_ID.lower(), SPAN_ID.lower())
    assert line["links"][0]["spanId"] == SPAN_ID.lower()


async def test_rule_30_ids_of_logs_and_exemplars_are_hexadecimal_too(gateway):
    """Guarantees: the same in the other two signals."""
    log = {"traceId": TRACE_ID, "spanId": SPAN_ID}
    await gateway.post({"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}, "logs")
    record = gateway.last("logs").resource_logs[0].scope_logs[0].log_records[0]
    point = {"asInt": "1", "exemplars": [{"traceId": TRACE_ID, "spanId": SPAN_ID, "asInt": "1"}]}
    metric = {"name": "m", "gauge": {"dataPoints": [point]}}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    await gateway.post(body, "metrics")
    metrics = gateway.last("metrics").resource_metrics[0].scope_metrics[0].metrics
    exemplar = metrics[0].gauge.data_points[0].exemplars[0]
    for each in (record, exemplar):
        assert (each.trace_id, each.span_id) == (TRACE, SPAN)


async def test_rule_30_base64_ids_are_refused_and_not_misread(gateway):
    """Guarantees: a writer that gets ids wrong gets an error that names the place."""
    for wrong in ("W47/95gDgQPSabYzgT/GDA==", "5b8", 5, "5b8efff79803810z"):
        assert "spans[0].traceId: must be" in await refused(gateway, traceId=wrong)


async def test_rule_31_enums_are_integers(gateway, open_gateway, tmp_path):
    """Guarantees: numbers are taken, also unknown ones, and written; names are not."""
    span = await taken(gateway, kind=3, status={"code": 2})
    assert (span.kind, span.status.code) == (3, Status.STATUS_CODE_ERROR)
    line = await written(open_gateway, tmp_path, span)
    assert (line["kind"], line["status"]["code"]) == (3, 2)
    assert (await taken(gateway, kind=77)).kind == 77


async def test_rule_31_names_of_enums_are_refused(gateway):
    """Guarantees: 400 that says what would do."""
    assert "must be an integer" in await refused(gateway, kind="SPAN_KIND_SERVER")


async def test_rule_32_times_are_texts_or_numbers(gateway):
    """Guarantees: all 64 bits, neither rounded nor negative."""
    for time in (str(NOW_NS), NOW_NS, 2**64 - 1, str(2**64 - 1)):
        assert (await taken(gateway, startTimeUnixNano=time)).start_time_unix_nano == int(time)


async def test_rule_32_integers_are_texts_or_numbers(gateway):
    """Guarantees: signed 64-bit values either way."""
    for number in (-(2**63), 2**63 - 1, 0):
        for each in (number, str(number)):
            assert await value_of(gateway, intValue=each) == AnyValue(int_value=number)


async def test_rule_32_doubles_that_are_no_numbers_are_texts(gateway):
    """Guarantees: the three of protobuf's JSON mapping."""
    assert math.isnan((await value_of(gateway, doubleValue="NaN")).double_value)
    for text, number in (("Infinity", math.inf), ("-Infinity", -math.inf)):
        assert (await value_of(gateway, doubleValue=text)).double_value == number


async def test_rule_32_files_have_64_bit_integers_as_texts(open_gateway, tmp_path):
    """Guarantees: what is written keeps its digits in any reader, JavaScript's included."""
    span = a_span()
    span.attributes.add(key="k").value.int_value = 2**63 - 1
    line = await written(open_gateway, tmp_path, span)
    assert line["startTimeUnixNano"] == str(NOW_NS)
    assert line["attributes"][0]["value"] == {"intValue": str(2**63 - 1)}


async def test_rule_33_unknown_names_are_ignored(gateway):
    """Guarantees: a field of the future costs nothing, whatever it holds."""
    for value in (1, None, "text", [1, {"a": []}], {"deep": {"er": [None]}}):
        assert (await taken(gateway, fromTheFuture=value)).name == "x"


async def test_rule_34_snake_case_is_unknown(gateway):
    """Guarantees: only the names that OTLP has; the others do not count."""
    span = await taken(gateway, start_time_unix_nano="5", dropped_attributes_count=3)
    assert (span.start_time_unix_nano, span.dropped_attributes_count) == (0, 0)


async def test_rule_35_bytes_are_base64_and_nothing_is_a_value(gateway, open_gateway, tmp_path):
    """Guarantees: both survive the receiver and the file exporter."""
    pairs = [{"key": "b", "value": {"bytesValue": "AP8="}}, {"key": "n", "value": {}}]
    span = await taken(gateway, attributes=pairs)
    blob, nothing = span.attributes
    assert blob.value == AnyValue(bytes_value=b"\0\xff")
    assert nothing.HasField("value")
    assert nothing.value.WhichOneof("value") is None
    line = await written(open_gateway, tmp_path, span)
    assert line["attributes"] == pairs
