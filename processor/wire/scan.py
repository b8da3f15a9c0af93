"""Reading a payload into columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from processor.errors import UndecodableError
from processor.model import Group, Spans, Value, Wanted
from processor.wire.attributes import Shapes, read_wanted
from processor.wire.envelope import RESOURCE_SPANS, SCOPE_SPANS, SPANS, Record, find_records
from processor.wire.prefilter import find_candidates, narrow, wanted_prefilter

_Message = TypeVar("_Message", ResourceSpans, ScopeSpans, Span)
_ERROR = Status.STATUS_CODE_ERROR


def scan(payload: bytes, wanted: Wanted) -> Spans:
    """Read what every span of an ExportTraceServiceRequest says, and where it lies.

    Raises UndecodableError when `payload` is not such a request.
    """
    try:
        request = ExportTraceServiceRequest.FromString(payload)
    except DecodeError as error:
        raise UndecodableError(f"the payload is not an OTLP trace request: {error}") from error
    return _Scanner(payload, wanted).read(request)


class _Scanner:
    """Fills the columns of one payload: its messages as parsed, and beside each where it lies."""

    def __init__(self, payload: bytes, wanted: Wanted) -> None:
        """Start with empty columns."""
        self._payload = payload
        self._wanted = wanted
        self._prefilter = narrow(wanted_prefilter(wanted), payload)
        self._spans = Spans(payload)
        self._shapes = Shapes(self._spans.keys)

    def read(self, request: ExportTraceServiceRequest) -> Spans:
        """Read all spans, in wire order."""
        whole = (0, 0, len(self._payload))
        for message, place in self._pair(request.resource_spans, whole, RESOURCE_SPANS):
            if not message.scope_spans:
                continue
            resource = read_wanted(message.resource.attributes, self._wanted)
            for scope_spans, inner in self._pair(message.scope_spans, place, SCOPE_SPANS):
                self._add_scope(resource, scope_spans, inner)
        return self._spans

    def _pair(
        self, messages: Sequence[_Message], around: Record, number: int
    ) -> Iterator[tuple[_Message, Record]]:
        """Pair the messages of a repeated field with where they lie inside `around`.

        Refuses rather than give a span another one's place, should parser and walk ever differ.
        """
        places = find_records(self._payload, *around[1:], number)
        if len(messages) != len(places):
            raise UndecodableError(
                f"the payload is ambiguous: it has {len(messages)} messages in a field or "
                f"{len(places)}, depending on how it is read"
            )
        return zip(messages, places, strict=True)

    def _add_scope(
        self, resource: Mapping[str, Value], scope_spans: ScopeSpans, around: Record
    ) -> None:
        """Append the spans of one ScopeSpans to every column."""
        pairs = list(self._pair(scope_spans.spans, around, SPANS))
        if not pairs:
            return
        first = len(self._spans)
        scope = scope_spans.scope
        own = read_wanted(scope.attributes, self._wanted)
        self._spans.group.append(Group(resource, scope.name, scope.version, own))
        messages = [message for message, _ in pairs]
        places = [place for _, place in pairs]
        self._add_columns(messages, places)
        for i in find_candidates(self._prefilter, self._payload, places):
            shape, values = self._shapes.read(messages[i], self._wanted)
            self._spans.shapes[first + i] = shape
            self._spans.values[first + i] = values

    def _add_columns(self, messages: Sequence[Span], places: Sequence[Record]) -> None:
        """Append to every column; to those of attributes, that there are none."""
        spans, count = self._spans, len(messages)
        spans.trace_ids += [span.trace_id for span in messages]
        spans.span_ids += [span.span_id for span in messages]
        spans.parent_ids += [span.parent_span_id for span in messages]
        spans.names += [span.name for span in messages]
        spans.start_ns += [span.start_time_unix_nano for span in messages]
        spans.end_ns += [span.end_time_unix_nano for span in messages]
        spans.kinds += [span.kind for span in messages]
        spans.flags += [span.flags for span in messages]
        spans.failed += [s.HasField("status") and s.status.code == _ERROR for s in messages]
        spans.groups += [len(spans.group) - 1] * count
        spans.shapes += [0] * count
        spans.values += [()] * count
        spans.starts += [start for _, start, _ in places]
        spans.ends += [end for _, _, end in places]
