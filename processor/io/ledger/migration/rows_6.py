"""Rows of spans as tables 1 to 6 had them: what many share was one text, of values by position."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from processor.core.attribution.same_response import digest_of
from processor.core.model import NOBODY, Entry, SpanRow, Usage
from processor.core.money import Amount
from processor.io.ledger.pending_columns import owner_from
from processor.io.ledger.shared import filled
from processor.io.ledger.stamps import adopted_nano_usd, decode_stamp

COLUMNS = (
    "trace_id, span_id, parent_id, time_ns, flags, own, origin, label, input, cache_read, "
    "cache_write, cache_write_1h, output, reasoning, more, cost, cost_input, cost_output, "
    "cost_cache_read, cost_cache_write, cost_fees, saved, reported, response_id, start_ns, stamp"
)
_AGENT, _ENTRY, _AMENDMENT, _CUT, _REFERENCE, _TOOL = 1, 2, 4, 8, 16, 32
_USUAL = (0, 0, 0, 0, 1, *(0,) * (len(Usage._fields) - 11))
"""The rare quantities of nearly every call: one request, and nothing else."""
_LATER: tuple[Any, ...] = ("", False, True, False)
"""What the last fields of a label were before they were kept."""


def decode(columns: Sequence[Any], label_of: Callable[[int], Sequence[Any]]) -> SpanRow:
    """A span from `COLUMNS`; `label_of` gives what a label says, by position."""
    trace_id, span_id, parent_id, time_ns, flags, own, origin, label = columns[:8]
    service, *inherited = label_of(origin)
    entry = _entry(columns[8:], label_of(label)) if label is not None else None
    return SpanRow(
        trace_id,
        span_id,
        parent_id,
        time_ns,
        bool(flags & _AGENT),
        bool(flags & _ENTRY),
        NOBODY if own is None else owner_from(json.loads(own)),
        owner_from(inherited).or_nobody(),
        service,
        entry,
        decode_stamp(columns[-1], entry),
        bool(flags & _CUT),
        bool(flags & _AMENDMENT),
        bool(flags & _REFERENCE),
        bool(flags & _TOOL),
    )


def _entry(columns: Sequence[Any], label: Sequence[Any]) -> Entry:
    (
        status, reason, provider, model, service, version, rates, aggregate, rule, has_tokens,
        kind, time_assumed, (asked_provider, asked_models, tier), reported_by, free,
        scope, *later,
    ) = label  # fmt: skip
    # Labels of tables 1 end with the scope.
    doubt, is_cumulative, may_exclude_cache, time_rescaled = [
        *later,
        *_LATER[len(later) :],
    ]
    usage = None
    if columns[0] is not None:
        *input_side, output, reasoning = columns[:6]
        rare = _USUAL
        if columns[6] is not None:
            said = json.loads(columns[6])
            rare = (*said, *(0,) * (len(_USUAL) - len(said)))
        usage = Usage._make((*input_side, *rare[:2], output, reasoning, *rare[2:]))
    return Entry(
        status, reason, provider, model, service, version, usage,
        None if columns[7] is None else Amount(*columns[7:13]),
        None if rates is None else filled(rates),
        aggregate, columns[13], columns[14], rule, has_tokens, kind, time_assumed,
        (asked_provider, tuple(asked_models), tier), digest_of(columns[15] or ""), reported_by,
        free, scope, columns[16] or 0, doubt, is_cumulative, may_exclude_cache, time_rescaled,
        adopted_nano_usd(columns[-1]),
    )  # fmt: skip
