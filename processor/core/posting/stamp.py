"""The ledger's entry of a call, and what of it and of totals is written on one span."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from processor.core.attribution import Node, Trace
from processor.core.attribution.node import EXCLUDED
from processor.core.attribution.same_response import digest_of
from processor.core.attribution.share import NO_SUBTOTAL
from processor.core.model import NO_USAGE, Charge, Crossing, Entry, Stamp, Status, Totals, Unpriced

LIFETIME = "counts the agent's whole lifetime, not this run"
"""Why an aggregate cannot be priced, whatever prices there are."""
_EXPLAINED = "counted in the spans below"
_CUMULATIVE = "counts: less those of the requests before it"
_EXCLUDED = "taken out of all sums"
_DUPLICATE = "counted on another span of the same call"


def entry_of(charge: Charge | Unpriced, service: str) -> Entry:
    """The ledger row of a priced or unpriced call."""
    call = charge.call
    is_lifetime = call.aggregate == "lifetime"
    priced = charge if isinstance(charge, Charge) and not is_lifetime else None
    return Entry(
        status="unpriced" if is_lifetime else charge.status,
        reason=LIFETIME if is_lifetime else charge.reason,
        provider=charge.provider,
        model=charge.model,
        service=service,
        price_version=charge.price_version,
        usage=call.usage,
        amount=priced.amount if priced else None,
        rates=priced.rates if priced else None,
        aggregate=call.aggregate,
        saved_nano_usd=priced.saved_nano_usd if priced else 0,
        reported_nano_usd=call.reported_nano_usd,
        rule=call.rule,
        has_tokens=call.has_tokens,
        kind=call.kind,
        time_assumed=call.mark.time_assumed,
        asked=(call.provider, call.models, call.tier),
        response=digest_of(call.response_id),
        reported_by=call.reported_by,
        free=call.free,
        # Where the instrumentation has no name, the kind of its attributes stands for it.
        scope=call.mark.scope or call.dialect,
        start_ns=call.mark.start_ns,
        doubt=call.doubt,
        is_cumulative=call.is_cumulative,
        may_exclude_cache=call.may_exclude_cache,
        time_rescaled=call.mark.time_rescaled,
        adopted_nano_usd=call.adopted_nano_usd,
    )


@dataclass(slots=True)
class Draft:
    """What a turn has found to say on one span."""

    crossings: list[Crossing] = field(default_factory=list)
    exceeded: set[str] = field(default_factory=set)
    corrections: list[tuple[bytes, int]] = field(default_factory=list)
    leaf_corrections_nano_usd: int = 0


def stamp_of(
    node: Node, trace: Trace, draft: Draft | None, session: Totals | None, *, is_amended: bool
) -> Stamp:
    """The stamp of a span that this turn brought.

    Totals are as of arrival. A root, and a span whose parent is remote, shows the trace's and
    its session's; a call that comes after such a span (`is_amended`) shows the trace's again. A
    span that has waited for a call shows nothing, as it went on when it came.
    """
    if node.is_reference:  # It is no span, so there is nothing to write on.
        return Stamp(node.entry)
    if node.row < 0 and node.entry is None:  # It has waited, and went on as it was.
        return Stamp()
    has_calls = trace.total.calls > 0 or trace.total.cost_nano_usd > 0 or trace.total.unpriced > 0
    shows_trace = node.is_local_root or (is_amended and node.entry is not None)
    stamp = Stamp(
        entry=None if node.entry is None else written_entry(node.entry, node),
        agent=_counted_below(node, trace) if node.is_agent else None,
        trace=trace.total if shows_trace and has_calls else None,
        session=session if has_calls else None,
    )
    if draft is not None:
        stamp.crossings = tuple(draft.crossings)
        stamp.exceeded = tuple(sorted(draft.exceeded))
        stamp.corrections = tuple(draft.corrections)
        stamp.leaf_corrections_nano_usd = draft.leaf_corrections_nano_usd
    return stamp


def _counted_below(node: Node, trace: Trace) -> Totals:
    """What an agent and all below it add to sums."""
    totals = node.subtotal().totals
    if trace.has_excluded:
        for each, _ in trace.subtrees([node]):
            if not each.is_counted:
                totals = totals.minus(each.share.totals)
    return totals


def with_first(stamp: Stamp, first: Stamp | None) -> Stamp:
    """The stamp of a copy that brings the usage, with what the first copy's stamp caused.

    Events and corrections were written once, on the first copy; a backend may keep the last one.
    """
    if first is None:
        return stamp
    corrections = dict(first.corrections)
    for span_id, nano_usd in stamp.corrections:
        corrections[span_id] = corrections.get(span_id, 0) + nano_usd
    return replace(
        stamp,
        crossings=(*first.crossings, *stamp.crossings),
        exceeded=tuple(sorted({*first.exceeded, *stamp.exceeded})),
        corrections=tuple(corrections.items()),
        leaf_corrections_nano_usd=(
            first.leaf_corrections_nano_usd + stamp.leaf_corrections_nano_usd
        ),
    )


def written_entry(entry: Entry, node: Node) -> Entry:
    """The entry as the span shows it: only what this very span is charged for.

    A span that repeats the usage of the spans below it shows no cost and no tokens of its own,
    so that whoever adds up spans, in any backend, arrives at the ledger's total.
    """
    share = node.share
    if not node.is_counted or node.is_duplicate or node.is_charged_elsewhere:
        status: Status = "aggregate" if node.is_counted else EXCLUDED
        return _uncharged(entry, status, _DUPLICATE if node.is_counted else _EXCLUDED)
    is_whole = entry.aggregate is None and (
        share.amount == entry.amount and (share.totals.calls > 0 or entry.amount is not None)
    )
    if is_whole:
        # Tokens that nobody believes are in no total, and so are not written anew either.
        is_believed = entry.status != "implausible"
        return entry if is_believed else replace(entry, usage=None, has_tokens=True)
    charged = share.amount
    if node.previous is not None and charged is not None and node.below is NO_SUBTOTAL:
        rule = "; ".join(filter(None, (entry.rule, _CUMULATIVE)))
        return replace(entry, amount=charged, usage=share.explains, rule=rule, saved_nano_usd=0)
    if charged is not None and (charged.total > 0 or share.explains != NO_USAGE):
        is_all = charged == entry.amount
        return replace(
            entry,
            status=entry.status if entry.status == "free" else "aggregate",
            amount=charged,
            usage=share.explains,
            saved_nano_usd=entry.saved_nano_usd if is_all else 0,
            has_tokens=True,
        )
    if entry.amount is None and share.totals.unpriced:
        return replace(entry, has_tokens=True, usage=None)
    return _uncharged(entry, "aggregate", _EXPLAINED)


def _uncharged(entry: Entry, status: Status, reason: str) -> Entry:
    """An entry as a span shows it that is charged nothing."""
    return replace(entry, status=status, reason=reason, amount=None, usage=None, has_tokens=True)
