"""What one turn of the ledger adds to each trace. Pure."""

from __future__ import annotations

from processor.core.model import NOTHING, Plan, Totals

_NO_USAGE = Totals(calls=1, unpriced=1)
"""What a call counts for until its usage comes."""


def changes_of(plan: Plan) -> dict[bytes, Totals]:
    """By trace id, what the charges of a turn add and its corrections change.

    Of one trace they add up to its total, whatever turns its spans came in: what is repeated is in
    no plan a second time, and what a parent repeats is in no charge. Only agent runs do not: an
    older one that turns out to be part of another has no correction.
    """
    found: dict[bytes, Totals] = {}
    corrected = {(each.trace_id, each.span_id) for each in plan.corrections}
    new: set[tuple[bytes, bytes]] = set()
    for charge in plan.charges:
        key = charge.trace_id, charge.span_id
        if charge.row_id and (charge.row < 0 or key in corrected):
            continue  # It was charged before: what changed is a correction, if it was money.
        change = charge.sums.totals
        if charge.row_id:
            change = change.minus(_NO_USAGE)
        new.add(key)
        if not change.is_zero:
            found[charge.trace_id] = found.get(charge.trace_id, NOTHING).plus(change)
    for each in plan.corrections:
        if (each.trace_id, each.span_id) not in new:
            found[each.trace_id] = found.get(each.trace_id, NOTHING).plus(each.change)
    return found
