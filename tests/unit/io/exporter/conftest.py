"""A recording backend on a loopback port, and payloads to send."""

from __future__ import annotations

import pytest
from backends.recorder import Recorder
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@pytest.fixture
async def recorder():
    recorder = Recorder()
    yield recorder
    await recorder.stop()


@pytest.fixture
def payload() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id = bytes(range(16))
    span.span_id = bytes(range(8))
    span.name = "chat"
    return request.SerializeToString()
