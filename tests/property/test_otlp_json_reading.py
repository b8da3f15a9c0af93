"""Reading what was written gives the message back, for every message and either writer."""

import base64
import json

import pytest
from google.protobuf import json_format, text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from property.test_otlp_json import IDS, fill

from processor.core.errors import ProcessorError
from processor.core.otlp.json_reader import read_json
from processor.core.otlp.json_writer import to_json

MIB = 1024 * 1024
SIGNALS = pytest.mark.parametrize(
    ("signal", "kind"),
    [
        ("traces", ExportTraceServiceRequest),
        ("metrics", ExportMetricsServiceRequest),
        ("logs", ExportLogsServiceRequest),
    ],
)
OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = (
    "resourceSpans resource attributes scopeSpans spans key value stringValue intValue arrayValue "
    "values traceId kind startTimeUnixNano links status events x"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4)
    ),
    max_leaves=20,
)


def same(first, second):
    """Equality that also holds for NaN, whose sign and payload JSON does not have: as text."""
    return text_format.MessageToString(first) == text_format.MessageToString(second)


@SIGNALS
@OFTEN
@given(data=st.data())
def test_what_our_own_writer_wrote_is_read_back(signal, kind, data):
    request = kind()
    fill(data.draw, request)
    found = kind.FromString(read_json(signal, to_json(request).encode(), MIB))
    assert same(found, request)


@SIGNALS
@OFTEN
@given(data=st.data())
def test_what_protobufs_writer_wrote_is_read_back(signal, kind, data):
    request = kind()
    fill(data.draw, request)
    written = json_format.MessageToDict(request, use_integers_for_enums=True)
    body = json.dumps(with_upper_case_ids(written)).encode()
    assert same(kind.FromString(read_json(signal, body, MIB)), request)


@settings(max_examples=300, deadline=None)
@given(JSON | st.dictionaries(st.just("resourceSpans"), st.lists(JSON, max_size=2)))
def test_any_json_is_read_or_refused(value):
    body = json.dumps(value).encode()
    try:
        payload = read_json("traces", body, MIB)
    except ProcessorError:
        return
    ExportTraceServiceRequest.FromString(payload)


def with_upper_case_ids(value):
    if isinstance(value, list):
        return [with_upper_case_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(item).hex().upper()
            if key in IDS and isinstance(item, str)
            else with_upper_case_ids(item)
            for key, item in value.items()
        }
    return value
