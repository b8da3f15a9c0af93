"""A backend in memory: it takes OTLP traces over gRPC and keeps the latest."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from processor.core.model import Event, Value
from processor.core.otlp.signals import SIGNALS
from processor.surfaces.terminal.received import ReceivedSpan

_TRACES_MAX = 200
_SPANS_MAX = 2_000
"""Spans kept of one trace: a demo is left running, and whoever sends to it decides how much."""


class Backend:
    """Keeps the spans of the latest traces."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, dict[str, ReceivedSpan]] = OrderedDict()
        self._changed_s: dict[str, float] = {}
        """Traces that `take` has not handed out since they last changed, and when that was."""
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen on a free port of this machine, and return it."""
        self._server = grpc.aio.server(options=(("grpc.max_receive_message_length", -1),))
        self._server.add_generic_rpc_handlers(
            tuple(
                grpc.method_handlers_generic_handler(
                    spec.service,
                    {
                        "Export": grpc.unary_unary_rpc_method_handler(
                            self._keep if signal == "traces" else _drop
                        )
                    },
                )
                for signal, spec in SIGNALS.items()
            )
        )
        port: int = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return port

    async def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            await self._server.stop(None)

    def take(self, quiet_s: float = 0.0) -> list[list[ReceivedSpan]]:
        """The spans of each trace that has changed, and then been quiet for `quiet_s` seconds."""
        until_s = time.monotonic() - quiet_s
        ready = [trace_id for trace_id, at_s in self._changed_s.items() if at_s <= until_s]
        for trace_id in ready:
            del self._changed_s[trace_id]
        return [list(self._traces[trace_id].values()) for trace_id in ready]

    async def _keep(self, payload: bytes, _context: Any) -> bytes:  # noqa: ANN401 - gRPC's own
        for span in read(payload):
            trace = self._traces.setdefault(span.trace_id, {})
            if len(trace) < _SPANS_MAX or span.span_id in trace:
                trace[span.span_id] = span
            self._traces.move_to_end(span.trace_id)
            self._changed_s.pop(span.trace_id, None)
            self._changed_s[span.trace_id] = time.monotonic()
        while len(self._traces) > _TRACES_MAX:
            oldest, _ = self._traces.popitem(last=False)
            self._changed_s.pop(oldest, None)
        return ExportTraceServiceResponse().SerializeToString()


async def _drop(_payload: bytes, _context: Any) -> bytes:  # noqa: ANN401 - gRPC's own
    """Acknowledge without keeping: an empty message means success."""
    return b""


def read(payload: bytes) -> Iterator[ReceivedSpan]:
    """The spans in an OTLP export request."""
    for resource in ExportTraceServiceRequest.FromString(payload).resource_spans:
        for scope in resource.scope_spans:
            yield from map(_seen, scope.spans)


def _seen(span: Span) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        message=span.status.message,
        attributes=_values(span.attributes),
        events=tuple(
            Event(each.time_unix_nano, each.name, _values(each.attributes)) for each in span.events
        ),
    )


def _values(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    """A plain value; lists and maps play no part in a tree of costs."""
    kind = value.WhichOneof("value")
    if kind in {"string_value", "int_value", "double_value", "bool_value", "bytes_value"}:
        plain: Value = getattr(value, kind)
        return plain
    return None
