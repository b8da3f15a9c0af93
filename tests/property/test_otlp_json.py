"""Our OTLP/JSON is protobuf's own JSON mapping except for the encoding of ids."""

import base64
import json

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.otlp.json_writer import encode_line

IDS = {"traceId", "spanId", "parentSpanId"}
DEEPEST = 7

SCALARS = {
    FieldDescriptor.TYPE_STRING: st.text(max_size=8),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=16),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_ENUM: st.integers(0, 2**31 - 1),
}


def fill(draw, message, depth=0):
    """Set some of the fields of a message, and of the messages in it, to anything they take."""
    for field in message.DESCRIPTOR.fields:
        is_message = field.type == FieldDescriptor.TYPE_MESSAGE
        if is_message and depth == DEEPEST:
            continue
        # The outer levels are nearly always there, so that the inner ones are reached.
        if draw(st.integers(0, 3)) > (2 if depth < 3 else 0):
            continue
        if is_message and field.is_repeated:
            for _ in range(draw(st.integers(0, 2))):
                fill(draw, getattr(message, field.name).add(), depth + 1)
        elif is_message:
            getattr(message, field.name).SetInParent()
            fill(draw, getattr(message, field.name), depth + 1)
        elif field.is_repeated:
            values = draw(st.lists(SCALARS[field.type], max_size=3))
            getattr(message, field.name).extend(values)
        else:
            setattr(message, field.name, draw(SCALARS[field.type]))


def with_hex_ids(value):
    if isinstance(value, list):
        return [with_hex_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(item).hex()
            if key in IDS and isinstance(item, str)
            else with_hex_ids(item)
            for key, item in value.items()
        }
    return value


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        ("traces", ExportTraceServiceRequest),
        ("metrics", ExportMetricsServiceRequest),
        ("logs", ExportLogsServiceRequest),
    ],
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_it_equals_the_protobuf_mapping_except_for_ids(signal, kind, data):
    request = kind()
    fill(data.draw, request)
    expected = json_format.MessageToDict(request, use_integers_for_enums=True)
    line = encode_line(signal, request.SerializeToString())
    assert json.loads(line) == with_hex_ids(expected)
    assert line.endswith(b"\n")
    assert len(line.decode("ascii").splitlines()) == 1
