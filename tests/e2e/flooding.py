"""A flood of large requests over gRPC, in a process of its own so that it slows no test down.

    python tests/e2e/flooding.py PORT

Two hundred requests at a time over each of two connections, until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.otlp.signals import SIGNALS

METHOD = SIGNALS["traces"].method


def make_payload(spans, size):
    """So many spans with a text of so many bytes each."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        span = scope.spans.add(name="x", trace_id=b"t" * 16, span_id=(number + 1).to_bytes(8))
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        span.attributes.add(key="text").value.string_value = "x" * size
    return request.SerializeToString()


@asynccontextmanager
async def open_export(port):
    """The Export method over a connection of its own."""
    own = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", own) as channel:
        yield channel.unary_unary(METHOD)


async def send_grpc(export, payload, timeout_s=5.0):
    """The name of the status of the answer."""
    try:
        await export(payload, timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def _flood(port):
    body = make_payload(100, 4000)

    async def send_on(export):
        while True:
            await send_grpc(export, body)
            await asyncio.sleep(0.1)

    async with open_export(port) as first, open_export(port) as second:
        await asyncio.gather(*(send_on(export) for export in (first, second) for _ in range(200)))


if __name__ == "__main__":
    asyncio.run(_flood(int(sys.argv[1])))
