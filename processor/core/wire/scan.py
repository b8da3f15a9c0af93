"""Reading a payload into columns."""

from __future__ import annotations

from collections.abc import Sized

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from processor.core.errors import UndecodableError
from processor.core.model import Group, Spans, Wanted
from processor.core.otlp.messages import read_message
from processor.core.wire.attributes import Shapes
from processor.core.wire.envelope import RESOURCE_SPANS, SCOPE_SPANS, SPANS, Record, walk_fields
from processor.core.wire.groups import group_readers
from processor.core.wire.parsed_size import SMALL_BYTES, Hold, hold_nothing, parsed_bytes
from processor.core.wire.prefilter import event_prefilter, find_candidates, narrow, wanted_prefilter

_Outline = list[list[list[Record]]]
"""Where the spans lie, of each ScopeSpans of each ResourceSpans."""

_ERROR = Status.STATUS_CODE_ERROR
FIELDS_MAX = 250_000
"""Spans, groups of spans and fields around them in one request. An empty span takes two bytes on
the wire and five hundred times that in memory, so bytes alone bound nothing."""


def scan(payload: bytes, wanted: Wanted, hold: Hold = hold_nothing) -> Spans:
    """Read what every span of an ExportTraceServiceRequest says, and where it lies.

    `hold` is called with the memory that this takes, before it is taken; it may raise.
    Raises UndecodableError, which names the place, when `payload` is not such a request,
    TooLargeError when it has more than `FIELDS_MAX` spans, before they are made.
    """
    try:
        outline = _draw_outline(payload)
    except UndecodableError:
        # The parser's own mistake names its place; the outline's stands where it finds none, and
        # where nobody knows how much the parser makes of it before it comes to the mistake.
        if len(payload) <= SMALL_BYTES:
            _read_request(payload)
        raise
    hold(parsed_bytes(payload, sum(len(places) for scopes in outline for places in scopes)))
    return _Scanner(payload, wanted).read(_read_request(payload), outline)


def _read_request(payload: bytes) -> ExportTraceServiceRequest:
    try:
        return read_message(ExportTraceServiceRequest, payload)
    except UndecodableError as error:
        raise UndecodableError(f"the payload is not an OTLP trace request: {error}") from error


def _draw_outline(payload: bytes) -> _Outline:
    """Find where all spans lie. Raises UndecodableError, TooLargeError."""
    left = FIELDS_MAX

    def find(place: Record, number: int) -> list[Record]:
        nonlocal left
        _, start, end = place
        records, fields = walk_fields(payload, start, end, number, left)
        left -= fields
        return records

    whole = (0, 0, len(payload))
    return [
        [find(scope, SPANS) for scope in find(resource, SCOPE_SPANS)]
        for resource in find(whole, RESOURCE_SPANS)
    ]


def _compare(messages: Sized, places: Sized) -> None:
    """Refuse rather than give a span another one's place, should parser and walk ever differ."""
    if len(messages) != len(places):
        raise UndecodableError(
            f"the payload is ambiguous: it has {len(messages)} messages in a field or "
            f"{len(places)}, depending on how it is read"
        )


class _Scanner:
    """Pairs the spans of one payload, as parsed, with where they lie; then fills the columns."""

    def __init__(self, payload: bytes, wanted: Wanted) -> None:
        """Start with nothing found."""
        self._payload = payload
        self._wanted = wanted
        self._spans = Spans(payload)
        self._messages: list[Span] = []
        self._places: list[Record] = []

    def read(self, request: ExportTraceServiceRequest, outline: _Outline) -> Spans:
        """Read all spans, in wire order."""
        self._pair_spans(request, outline)
        self._fill_columns()
        self._read_attributes()
        return self._spans

    def _pair_spans(self, request: ExportTraceServiceRequest, outline: _Outline) -> None:
        """Pair all spans with their places, and read what their groups say."""
        readers = group_readers(self._wanted)
        _compare(request.resource_spans, outline)
        for message, scopes in zip(request.resource_spans, outline, strict=True):
            _compare(message.scope_spans, scopes)
            if not scopes:
                continue
            resource = readers.resource(message.resource)
            for scope_spans, places in zip(message.scope_spans, scopes, strict=True):
                spans = scope_spans.spans
                _compare(spans, places)
                if places:
                    self._spans.groups += [len(self._spans.group)] * len(places)
                    self._spans.group.append(Group(resource, *readers.scope(scope_spans.scope)))
                    self._messages += spans
                    self._places += places

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
