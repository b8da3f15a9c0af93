"""Payloads as lines in the log, to look at while setting things up."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.errors import PermanentError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.messages import read_message
from processor.io.exporter.destination import Counters

_log = logging.getLogger(__name__)

_COST: Final = "llm.cost_usd"
_STATUS: Final = "llm.cost.status"
_SHOWN: Final = re.compile(r"llm\.(cost|cache|tokens|budget)[._]|(agent|trace|session)\.total_")
"""The attributes that are written here; no other one is shown, since it may hold a prompt."""
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")
_TEXT_LIMIT_CHARS: Final = 100
_LINES_MAX: Final = 1000


class DebugDestination:
    """The log as a `Destination`. It takes every payload and keeps none."""

    def __init__(self, *, is_detailed: bool) -> None:
        """A line for each batch; with `is_detailed` also one for each span that has a cost."""
        self.name = "the log"
        self.counters = Counters()
        self._is_detailed = is_detailed

    def takes(self, signal: Signal) -> bool:  # noqa: ARG002 - the log takes all of them
        """The log takes every signal."""
        return True

    async def start(self) -> None:
        """Nothing has to be opened."""

    async def close(self) -> None:
        """Nothing has to be closed."""

    async def deliver(
        self,
        signal: Signal,
        payload: bytes,
        timeout_s: float | None,  # noqa: ARG002 - a log has no time limit
        metadata: Metadata = (),  # noqa: ARG002 - it is for backends only
    ) -> Receipt:
        """Write the lines; see `Destination`."""
        with self.counters.follow(len(payload)):
            for line in self._lines(signal, payload):
                _log.info("%s", line)
        return Receipt()

    def _lines(self, signal: Signal, payload: bytes) -> Iterator[str]:
        size = f"{signal}: {len(payload)} bytes"
        if signal != "traces":
            yield size
            return
        try:
            request = read_message(ExportTraceServiceRequest, payload)
        except PermanentError:
            yield f"{size} that cannot be read"
            return
        spans = list(_spans(request))
        costs = [cost for span in spans for cost in _costs(span)]
        total = sum(costs)
        yield f"{size}, {len(spans)} spans, {len(costs)} with a cost, together {total:.9f} USD"
        if self._is_detailed:
            priced = [
                span for span in spans if any(pair.key == _STATUS for pair in span.attributes)
            ]
            yield from map(_line, priced[:_LINES_MAX])
            if len(priced) > _LINES_MAX:
                yield f"  … and {len(priced) - _LINES_MAX} more"


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def _costs(span: Span) -> Iterator[float]:
    for pair in span.attributes:
        if pair.key == _COST and pair.value.HasField("double_value"):
            yield pair.value.double_value


def _line(span: Span) -> str:
    where = f"trace={span.trace_id.hex()} span={span.span_id.hex()}"
    pairs = (
        f"{_plain(pair.key)}={_text(pair.value)}"
        for pair in span.attributes
        if _SHOWN.match(pair.key)
    )
    return f"  {_plain(span.name)!r} {where} {' '.join(pairs)}"


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind in {"int_value", "double_value", "bool_value"}:
        return str(getattr(value, kind)).lower()
    return repr(_plain(value.string_value))


def _plain(text: str) -> str:
    """A sender's text: short, on one line, and without what controls a terminal."""
    return _UNPRINTABLE.sub("?", text[:_TEXT_LIMIT_CHARS])
