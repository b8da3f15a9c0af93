"""A trace in a line: when, what, whose, calls, tokens, cost; and what deserves one more. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

from processor.core.amounts import UNKNOWN, fine_usd, marked
from processor.core.attribution.trace import is_of_logs
from processor.core.enrich.attributes import event_of
from processor.core.model import Crossing, Totals
from processor.core.money import format_usd
from processor.surfaces.terminal.figures import counted, tokens
from processor.surfaces.terminal.live.charged import ChargedTrace, LeftOut, Trouble
from processor.surfaces.terminal.notes import Note, crossing_note
from processor.surfaces.terminal.paint import (
    Paint,
    abridge,
    cells,
    left,
    plain,
    right,
    shorten,
    wrap,
)

_TIME, _CALLS, _TOKENS, _COST, _GAP = 8, 11, 15, 13, 2
_SERVICE_MAX: Final = 16
_OWNER: Final = 28
"""Cells for whose a trace is, where there is room."""
_BESIDE_MIN: Final = 8
"""Cells for the root, below which it would say nothing."""
_WIDE: Final = 110
_NOTES_MAX: Final = 6
"""Lines below one trace."""
_STATUS_WORDS: Final = {
    "unpriced": "without a price",
    "usage_missing": "without usage",
    "implausible": "with an implausible usage",
    "late": "too late to be charged",
}


def render_brief(trace: ChargedTrace, paint: Paint, width: int, at_s: float) -> Iterator[str]:
    """The lines of one trace, each at most `width` cells wide; `at_s` is the time of day.

    The amounts are what was charged since the trace was drawn the last time, with a sign where
    there was a first time: those of all lines add up to what was charged.
    """
    is_wide = width >= _WIDE
    goes_on = not trace.is_new
    owner = _OWNER + _GAP if is_wide else 0
    room = width - 2 - _TIME - 3 * _GAP - _CALLS - _TOKENS - _COST - owner
    service = min(max(room // 3, 8), _SERVICE_MAX)
    name = room - service
    gap = " " * _GAP
    calls, count, cost = _figures(trace.change, is_signed=goes_on)
    style = "bold orange" if trace.change.unpriced else "bold"
    parts = [
        " " + paint("dim", time.strftime("%H:%M:%S", time.localtime(at_s))),
        _name(trace, paint, name),
        paint("dim", left(abridge(plain(_service(trace)), service), service)),
        f"{right(calls, _CALLS)}{right(count, _TOKENS)}{paint(style, right(cost, _COST))}",
    ]
    line = gap.join(parts)
    if is_wide:
        line += gap + paint("dim", shorten(_whose(trace), _OWNER))
    yield line.rstrip()
    indent = _TIME + 1 + _GAP
    for note in _notes(trace, goes_on=goes_on):
        for text in wrap(plain(note.text), width - indent, hang=2):
            yield " " * indent + paint(note.style, text)


def render_left_out(left_out: LeftOut, paint: Paint, width: int) -> Iterator[str]:
    """The lines for traces that are not drawn, since more came than anybody can read."""
    if not left_out.traces and left_out.change.is_zero and not left_out.crossings:
        return
    calls, count, cost = _figures(left_out.change, is_signed=False)
    text = f"… {counted(left_out.traces, 'more trace')} not drawn: {calls}, {count}, {cost}"
    yield from (f" {paint('dim', line)}" for line in wrap(text, width - 1, hang=2))
    for note in _crossings(left_out.crossings, left_out.hidden_crossings):
        yield from (f"   {paint(note.style, line)}" for line in wrap(plain(note.text), width - 3))


def _figures(totals: Totals, *, is_signed: bool) -> tuple[str, str, str]:
    """Calls, tokens and cost in words; a cost that is not known is no zero."""
    sign = "+" if is_signed else ""
    is_none = not (totals.calls or totals.tokens or totals.cost_nano_usd or totals.unpriced)
    calls = f"{sign}{counted(totals.calls, 'call')}" if totals.calls else "no call" * is_none
    count = f"{sign}{tokens(totals.tokens)} tokens" if totals.tokens else ""
    return calls, count, _cost(totals, sign)


def _cost(totals: Totals, sign: str) -> str:
    if not totals.is_cost_known:
        return UNKNOWN if totals.unpriced else ""
    if totals.cost_nano_usd < 0:
        sign = "-"
    exact = format_usd(abs(totals.cost_nano_usd))
    amount = fine_usd(exact)
    less = "<" if amount.startswith("<") else ""
    shown = f"{less}{sign}${amount.removeprefix('<')}"
    return marked(exact, shown, at_least=totals.unpriced > 0)


def _name(trace: ChargedTrace, paint: Paint, room: int) -> str:
    """The agent, and the root where both fit; else what there is, in exactly `room` cells."""
    agent, root = plain(trace.agent), plain(trace.root)
    name = agent or root or plain(trace.owner.agent or "") or plain(trace.model) or "(no name)"
    beside = f" · {root}" if agent and root and agent not in root else ""
    if room - cells(name) >= _BESIDE_MIN:
        rest = left(beside, room - cells(name))
        return paint("bold", name) + paint("dim", rest)
    return paint("bold", left(abridge(name, room), room))


def _service(trace: ChargedTrace) -> str:
    return trace.service or trace.owner.service or ""


def _whose(trace: ChargedTrace) -> str:
    """Its id, by which it can be asked for, and its owner."""
    owner = trace.owner
    short = "log records" if is_of_logs(trace.trace_id) else trace.trace_id.hex()[:8]
    named = (plain(text) for text in (owner.user, owner.session, owner.task) if text)
    return " · ".join((short, *named))


def _notes(trace: ChargedTrace, *, goes_on: bool) -> list[Note]:
    notes = list(_crossings(trace.crossings, trace.hidden_crossings))
    notes += [_trouble_note(trouble, times) for trouble, times in trace.troubles.items()]
    if len(notes) > _NOTES_MAX:
        more = len(notes) - _NOTES_MAX + 1
        notes = [*notes[: _NOTES_MAX - 1], Note("dim", f"… and {more} more of these")]
    if goes_on:
        calls, count, cost = _figures(trace.total, is_signed=False)
        so_far = ", ".join(filter(None, (calls, count, cost)))
        notes.append(Note("dim", f"this trace so far: {so_far}"))
    return notes


def _crossings(crossings: Iterable[Crossing], hidden: int) -> Iterator[Note]:
    yield from (crossing_note(event_of(crossing, 0)) for crossing in crossings)
    if hidden:
        yield Note("dim", f"… and {counted(hidden, 'more budget event')}")


def _trouble_note(trouble: Trouble, times: int) -> Note:
    what = _STATUS_WORDS.get(trouble.status, trouble.status)
    model = f" of {trouble.model}" if trouble.model else ""
    says_more = trouble.reason and trouble.status != "usage_missing"
    reason = f": {trouble.reason}" if says_more else ""
    return Note("orange", f"! {counted(times, 'call')}{model} {what}{reason}")
