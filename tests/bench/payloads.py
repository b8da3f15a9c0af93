"""Requests to measure with: OTLP payloads that depend on a seed and a start time, and nothing else.

Traces of about ten spans, with agents, tools, sessions and users, chunked into requests as they
come, so that some traces are cut in two. Children come before their parents, as from real SDKs.
Requests of different seeds share no ids.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

from described import Described, agent, call, http, query, server, tool
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

_SESSIONS = 50
_USERS = 20
_AGENTS = ("triage", "researcher", "writer", "support")
_SERVICES = ("support-desk", "back-office")


Content = Literal["plain", "mixed", "baggage", "calls"]
"""What traces are made of.

plain     web and database spans, about 400 bytes each, nothing that concerns us
mixed     a fifth LLM calls, a tenth agents, a tenth tools, the rest as in plain; about 575 bytes
baggage   as mixed, with session and user on every span and not on agents and calls only
calls     LLM calls with 17 attributes, among them their texts; about 1,200 bytes
"""


@dataclass(frozen=True)
class Workload:
    """A kind of requests."""

    name: str
    content: Content
    spans_per_request: int


class Request(NamedTuple):
    """One export request."""

    payload: bytes
    spans: int
    calls: int
    """How many of its spans are LLM calls."""


class _Sent(NamedTuple):
    service: str
    scope: str
    span: Span
    is_call: bool


def generate(workload: Workload, count: int, seed: int, end_ns: int) -> list[Request]:
    """So many requests of a workload, whose spans end shortly before `end_ns`."""
    stream = _Traces(workload, random.Random(seed), end_ns).spans()
    return [_encode(list(islice(stream, workload.spans_per_request))) for _ in range(count)]


class _Traces:
    """An endless row of traces."""

    def __init__(self, workload: Workload, rng: random.Random, end_ns: int) -> None:
        self._content = workload.content
        self._rng = rng
        self._end_ns = end_ns
        self._users = [f"user-{i:02}" for i in range(_USERS)]
        self._sessions = [f"session-{i:02}-{rng.randbytes(4).hex()}" for i in range(_SESSIONS)]

    def spans(self) -> Iterator[_Sent]:
        """The spans of one trace after the other."""
        while True:
            yield from self._trace()

    def _trace(self) -> list[_Sent]:
        """The spans of one trace, children first."""
        rng = self._rng
        size = rng.randint(8, 12)
        which = rng.randrange(_SESSIONS)
        owner = {"session.id": self._sessions[which], "user.id": self._users[which % _USERS]}
        service = _SERVICES[which % len(_SERVICES)]
        trace = _Trace(rng, self._end_ns, service, owner if self._content == "baggage" else {})
        name = rng.choice(_AGENTS)
        calls, tools = {"calls": (size, 0), "plain": (0, 0)}.get(self._content, (2, 1))
        root_id, agent_id = rng.randbytes(8), rng.randbytes(8)
        for _ in range(calls):
            trace.add(call(rng, name, owner), rng.randbytes(8), agent_id)
        for _ in range(tools):
            trace.add(tool(rng), rng.randbytes(8), agent_id)
        if self._content == "calls":
            return trace.spans
        for i in range(size - calls - tools - 2):
            trace.add(query(rng) if i % 2 else http(rng), rng.randbytes(8), agent_id)
        trace.add(agent(name, owner) if tools else http(rng), agent_id, root_id)
        trace.add(server(rng), root_id, b"")
        return trace.spans


class _Trace:
    """One trace under way."""

    def __init__(
        self, rng: random.Random, end_ns: int, service: str, carried: Mapping[str, str]
    ) -> None:
        self.spans: list[_Sent] = []
        self._rng = rng
        self._id = rng.randbytes(16)
        self._start_ns = end_ns - rng.randrange(5, 60) * 10**9
        self._service = service
        self._carried = carried

    def add(self, described: Described, span_id: bytes, parent_id: bytes) -> None:
        """Append a span."""
        scope, name, kind, attributes = described
        all_attributes = {**self._carried, **attributes}
        begins_ns = self._start_ns + len(self.spans) * 10**6
        span = Span(
            trace_id=self._id,
            span_id=span_id,
            parent_span_id=parent_id,
            flags=0x101,
            name=name,
            kind=kind,
            start_time_unix_nano=begins_ns,
            end_time_unix_nano=begins_ns + self._rng.randrange(10**6, 3 * 10**9),
            attributes=[_pair(*pair) for pair in all_attributes.items()],
            status=Status(),
        )
        is_call = attributes.get("gen_ai.operation.name") == "chat"
        self.spans.append(_Sent(self._service, scope, span, is_call))


def _pair(key: str, value: str | float | list[str]) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    items = [AnyValue(string_value=item) for item in value]
    return KeyValue(key=key, value=AnyValue(array_value=ArrayValue(values=items)))


def _encode(sent: list[_Sent]) -> Request:
    """One request; spans are grouped by service and scope, as exporters and collectors do."""
    request = ExportTraceServiceRequest()
    scopes: dict[tuple[str, str], ScopeSpans] = {}
    for service in dict.fromkeys(span.service for span in sent):
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(_resource(service))
        for scope in dict.fromkeys(span.scope for span in sent if span.service == service):
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.name = scope
            scope_spans.scope.version = "0.62b1"
            scopes[service, scope] = scope_spans
    for service, scope, span, _ in sent:
        scopes[service, scope].spans.append(span)
    return Request(request.SerializeToString(), len(sent), sum(span.is_call for span in sent))


def _resource(service: str) -> Iterator[KeyValue]:
    yield _pair("service.name", service)
    yield _pair("service.namespace", "shop")
    yield _pair("service.version", "4.2.0")
    yield _pair("deployment.environment.name", "production")
    yield _pair("telemetry.sdk.language", "python")
    yield _pair("telemetry.sdk.name", "opentelemetry")
    yield _pair("telemetry.sdk.version", "1.41.1")
