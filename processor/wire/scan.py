"""Reading a payload into columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from processor.errors import UndecodableError
from processor.model import Group, Spans, Wanted
from processor.wire.attributes import Shapes
from processor.wire.envelope import RESOURCE_SPANS, SCOPE_SPANS, SPANS, Record, find_records
from processor.wire.groups import group_readers
from processor.wire.prefilter import (
    event_prefilter,
    find_candidates,
    narrow,
    wanted_prefilter,
)

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
    """Pairs the spans of one payload, as parsed, with where they lie; then fills the columns."""

    def __init__(self, payload: bytes, wanted: Wanted) -> None:
        """Start with nothing found."""
        self._payload = payload
        self._wanted = wanted
        self._spans = Spans(payload)
        self._messages: list[Span] = []
        self._places: list[Record] = []

    def read(self, request: ExportTraceServiceRequest) -> Spans:
        """Read all spans, in wire order."""
        self._find_spans(request)
        self._fill_columns()
        self._read_attributes()
        return self._spans

    def _find_spans(self, request: ExportTraceServiceRequest) -> None:
        """Find the spans of all groups, and what the groups say."""
        readers = group_readers(self._wanted)
        whole = (0, 0, len(self._payload))
        for message, place in self._pair(request.resource_spans, whole, RESOURCE_SPANS):
            if not message.scope_spans:
                continue
            resource = readers.resource(message.resource)
            for scope_spans, inner in self._pair(message.scope_spans, place, SCOPE_SPANS):
                spans = scope_spans.spans
                places = self._locate(spans, inner, SPANS)
                if places:
                    self._spans.groups += [len(self._spans.group)] * len(places)
                    self._spans.group.append(Group(resource, *readers.scope(scope_spans.scope)))
                    self._messages += spans
                    self._places += places

    def _pair(
        self, messages: Sequence[_Message], around: Record, number: int
    ) -> Iterator[tuple[_Message, Record]]:
        """Pair the messages of a repeated field with where they lie inside `around`."""
        return zip(messages, self._locate(messages, around, number), strict=True)

    def _locate(self, messages: Sequence[object], around: Record, number: int) -> list[Record]:
        """Find where the messages of a repeated field lie inside `around`.

        Refuses rather than give a span another one's place, should parser and walk ever differ.
        """
        _, start, end = around
        places = find_records(self._payload, start, end, number)
        if len(messages) != len(places):
            raise UndecodableError(
                f"the payload is ambiguous: it has {len(messages)} messages in a field or "
                f"{len(places)}, depending on how it is read"
            )
        return places

    def _fill_columns(self) -> None:
        """Fill every column; those of attributes as if there were none."""
        spans, messages = self._spans, self._messages
        spans.trace_ids = [span.trace_id for span in messages]
        spans.span_ids = [span.span_id for span in messages]
        spans.parent_ids = [span.parent_span_id for span in messages]
        spans.names = [span.name for span in messages]
        spans.start_ns = [span.start_time_unix_nano for span in messages]
        spans.end_ns = [span.end_time_unix_nano for span in messages]
        spans.kinds = [span.kind for span in messages]
        spans.flags = [span.flags for span in messages]
        spans.failed = [span.status.code == _ERROR for span in messages]
        spans.shapes = [0] * len(messages)
        spans.values = [()] * len(messages)
        spans.starts = [start for _, start, _ in self._places]
        spans.ends = [end for _, _, end in self._places]

    def _read_attributes(self) -> None:
        """Fill the columns of attributes for the spans that are worth a look."""
        payload, size = self._payload, len(self._payload)
        events = narrow(event_prefilter(self._wanted), payload, 0, size)
        prefilter = events + narrow(wanted_prefilter(self._wanted), payload, 0, size)
        shapes = Shapes(self._spans.keys, self._wanted)
        for row in find_candidates(prefilter, payload, self._places):
            read = shapes.read(self._messages[row], has_events=bool(events))
            self._spans.shapes[row], self._spans.values[row] = read
