"""The spans of the latest traces as the tree draws them, from what the pipeline has of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from processor.core.enrich.attributes import attributes_of, event_of
from processor.core.model import Intake, Plan, SpanRow, Value
from processor.surfaces.terminal.received import ReceivedSpan

_NAME_CHARACTERS_MAX: Final = 200
_OWNER_KEYS: Final = {
    "session": "session.id",
    "user": "user.id",
    "org": "organization.id",
    "task_title": "task.title",
    "task": "task.id",
}
"""What a span says of its owner in whatever dialect: the name under which the tree looks for it."""


class KeptSpan(NamedTuple):
    """A span, and what was charged for it."""

    span_id: bytes
    parent_id: bytes
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    row: SpanRow | None
    """None for a span that means nothing for money so far."""


class KeptSpans:
    """Keeps spans by trace until they are drawn; of too many, those of the quietest traces go."""

    def __init__(self, spans_max: int = 10_000) -> None:
        self._spans_max = spans_max
        self._spans = 0
        self._traces: OrderedDict[bytes, dict[bytes, KeptSpan]] = OrderedDict()

    def note(self, intake: Intake, plan: Plan) -> None:
        """Keep the spans of a batch, except for those that the ledger had already."""
        spans = intake.spans
        rows = {(row.trace_id, row.span_id): row for row in plan.rows}
        for at, (trace_id, span_id) in enumerate(zip(spans.trace_ids, spans.span_ids, strict=True)):
            row = rows.get((trace_id, span_id))
            if row is None and at in plan.stamps:
                continue  # A repeat.
            self._keep(
                trace_id,
                KeptSpan(
                    span_id,
                    spans.parent_ids[at],
                    spans.names[at][:_NAME_CHARACTERS_MAX],
                    spans.start_ns[at],
                    spans.end_ns[at],
                    bool(spans.failed) and spans.failed[at],  # Log records have no status.
                    row,
                ),
            )
        while self._spans > self._spans_max:
            _, dropped = self._traces.popitem(last=False)
            self._spans -= len(dropped)

    def _keep(self, trace_id: bytes, span: KeptSpan) -> None:
        kept = self._traces.setdefault(trace_id, {})
        self._traces.move_to_end(trace_id)
        self._spans += span.span_id not in kept
        kept[span.span_id] = span

    def take(self, trace_id: bytes) -> list[ReceivedSpan]:
        """What is kept of a trace, which is then forgotten."""
        kept = self._traces.pop(trace_id, {})
        self._spans -= len(kept)
        return [_received(trace_id, span) for span in kept.values()]


def _received(trace_id: bytes, span: KeptSpan) -> ReceivedSpan:
    row = span.row
    attributes: Mapping[str, Value] = {} if row is None else _attributes(row)
    crossings = () if row is None else row.stamp.crossings
    return ReceivedSpan(
        trace_id.hex(),
        span.span_id.hex(),
        span.parent_id.hex(),
        span.name,
        span.start_ns,
        span.end_ns,
        span.failed,
        "",
        attributes,
        tuple(event_of(crossing, span.end_ns) for crossing in crossings),
    )


def _attributes(row: SpanRow) -> dict[str, Value]:
    """What is written on the span, with its tokens and its owner under one name each."""
    said = row.own.over(row.inherited)._asdict()
    found: dict[str, Value] = {key: said[name] for name, key in _OWNER_KEYS.items() if said[name]}
    entry = row.stamp.entry
    if entry is not None and entry.usage is not None:
        found["llm.tokens.input"] = entry.usage.input_tokens
        found["llm.tokens.output"] = entry.usage.output_tokens
    return {**found, **attributes_of(row.stamp)}
