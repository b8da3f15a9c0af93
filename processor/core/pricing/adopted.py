"""Calls that a trusted processor has charged: nothing is priced again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from processor.core.model import Call, Charge, Mark, Reading, Spans, Status, Unpriced
from processor.core.money import ZERO
from processor.core.semconv.stamped import Written, read_written

CORRECTION_ONLY = "changes older charges"
"""Why a span that is no call adds something."""


def adopt(
    spans: Spans, reading: Reading, charges: Sequence[Charge | Unpriced]
) -> tuple[Reading, list[Charge | Unpriced]]:
    """The charges as the sender has written them, for spans on which it has.

    A span that is no call, and on which the sender has changed older charges, becomes an aggregate
    without usage that adds just that.
    """
    found: list[Charge | Unpriced] = []
    for charge in charges:
        written = read_written(spans, charge.call.mark.row)
        if written is None or written.status is None:
            found.append(charge)
        else:
            found.append(_adopted(charge, written, written.status))
    marks: list[Mark] = []
    for mark in reading.marks:
        written = read_written(spans, mark.row)
        if written is not None and written.correction_nano_usd:
            found.append(_correction(mark, written))
        else:
            marks.append(mark)
    return replace(reading, marks=marks), found


def _adopted(charge: Charge | Unpriced, written: Written, status: Status) -> Charge | Unpriced:
    call = replace(charge.call, adopted_nano_usd=written.adds_nano_usd)
    model = written.model or charge.model
    if written.amount is None:
        return Unpriced(call, status, written.reason, charge.provider, model, written.price_version)
    return Charge(
        call, written.amount, status, charge.provider, model, written.price_version, None,
        written.reason, written.saved_nano_usd,
    )  # fmt: skip


def _correction(mark: Mark, written: Written) -> Charge:
    call = Call(mark, "llm", "", (), None, "sum", adopted_nano_usd=written.correction_nano_usd)
    return Charge(call, ZERO, "aggregate", "", "", "", None, CORRECTION_ONLY)
