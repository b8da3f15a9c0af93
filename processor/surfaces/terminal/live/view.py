"""Draws what passes, on a thread of its own: a terminal that stands still holds up nobody."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TextIO

from processor.core.model import Intake, Plan
from processor.surfaces.terminal.live.brief import render_brief, render_left_out
from processor.surfaces.terminal.live.charged import ChargedTrace, ChargedTraces, LeftOut
from processor.surfaces.terminal.live.kept_spans import KeptSpans
from processor.surfaces.terminal.paint import Paint, columns, plain, wrap
from processor.surfaces.terminal.received import ReceivedSpan
from processor.surfaces.terminal.tree import render_trace

_LOG = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_BRIEF_MAX: Final = 10
_TREES_MAX: Final = 3
"""Traces that are drawn each time: more than anybody reads, and little work."""
_WAITING_MAX: Final = 2
"""Drawings that may wait for the terminal; then traces gather, and of too many only the sums."""
_FINISH_S: Final = 2.0
"""How long the last drawing may take."""


LABEL_CELLS: Final = 13
"""What the first lines of a program take to say what they are about."""
_SAID_MAX: Final = 100
_SAID_LINES_MAX: Final = 12


class _Drawing(NamedTuple):
    traces: list[tuple[ChargedTrace, list[ReceivedSpan]]]
    left_out: LeftOut
    at_s: float


class LiveView:
    """Shows each trace with its costs as it completes."""

    def __init__(self, stream: TextIO, paint: Paint, *, is_verbose: bool = False) -> None:
        """In a line or few for each trace, or as a tree of all its spans if `is_verbose`."""
        self._stream = stream
        self._paint = paint
        self._at_most = _TREES_MAX if is_verbose else _BRIEF_MAX
        self._charged = ChargedTraces()
        self._spans = KeptSpans() if is_verbose else None
        self._said: deque[tuple[str, str, int]] = deque(maxlen=_SAID_MAX)
        self._drawings: queue.Queue[_Drawing | None] = queue.Queue(_WAITING_MAX)
        self._is_finished = False
        self._thread = threading.Thread(target=self._draw_all, name="terminal", daemon=True)

    def note(self, intake: Intake, plan: Plan) -> None:
        """Take in what was charged for a batch. It never waits."""
        self._charged.note(intake, plan)
        if self._spans is not None:
            self._spans.note(intake, plan)

    def say(self, text: str, style: str = "", hang: int = LABEL_CELLS) -> None:
        """Show a sentence soon; its lines after the first begin with `hang` blanks.

        Of too many that wait for the terminal the oldest go.
        """
        self._said.append((text, style, hang))

    async def run(self) -> None:
        """Draw what is ready, until it is cancelled."""
        self._thread.start()
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._drawings.full():
                self._put(is_last=False)

    def finish(self) -> None:
        """Draw what is left; returns when that is done, or the terminal takes too long."""
        if self._is_finished:
            return
        self._is_finished = True
        if not self._thread.is_alive():
            self._write(self._lines(_Drawing([], LeftOut(), time.time())))
            return
        try:
            end_s = time.monotonic() + _FINISH_S
            self._put(is_last=True)
            self._drawings.put(None, timeout=_FINISH_S)
            self._thread.join(max(end_s - time.monotonic(), 0.0))
        except queue.Full:
            _LOG.debug("the terminal does not take what is left to be shown")

    @property
    def is_stuck(self) -> bool:
        """Whether the terminal takes nothing, although all is finished."""
        return self._is_finished and self._thread.is_alive()

    def _put(self, *, is_last: bool) -> None:
        traces, left_out = self._charged.take(self._at_most, is_last=is_last)
        take = self._spans.take if self._spans is not None else lambda _: []
        drawn = [(trace, take(trace.trace_id)) for trace in traces]
        self._drawings.put(_Drawing(drawn, left_out, time.time()), timeout=_FINISH_S)

    def _draw_all(self) -> None:
        while (drawing := self._drawings.get()) is not None:
            try:
                self._write(self._lines(drawing))
            except OSError:  # The terminal is gone; what runs here goes on.
                return
            except Exception:  # noqa: BLE001 - a bug in the drawing must not end it
                _LOG.exception("what was charged cannot be shown")

    def _write(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        if text:
            self._stream.write(text)
            self._stream.flush()

    def _lines(self, drawing: _Drawing) -> Iterator[str]:
        width = columns()
        for trace, spans in drawing.traces:
            if spans:
                yield from render_trace(spans, self._paint, width)
                yield ""
            else:
                yield from render_brief(trace, self._paint, width, drawing.at_s)
        yield from render_left_out(drawing.left_out, self._paint, width)
        while self._said:
            text, style, hang = self._said.popleft()
            for line in wrap(plain(text), width, _SAID_LINES_MAX, hang):
                yield self._paint(style, line)
