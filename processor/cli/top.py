"""``llm-cost top``: what is spent at this moment, again and again until it is stopped."""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, TextIO, cast

from rich.console import RenderableType
from rich.live import Live

from processor.cli.choice import NoAnswerError, RefusedError
from processor.cli.picture import check_form, is_coloured, with_time_zone
from processor.cli.questions import Query, Questions, open_questions
from processor.surfaces.api import Table, write_csv
from processor.surfaces.api.documents import (
    BudgetsDocument,
    CallsDocument,
    CostsDocument,
    StatusDocument,
)
from processor.surfaces.terminal.drawing import console_for, drawn
from processor.surfaces.terminal.output import write_exactly
from processor.surfaces.terminal.paint import columns
from processor.surfaces.terminal.top import RATE_MIN, TopView, draw_top, figures_of

_CALLS_ASKED: Final = 50
_STANDING_S: Final = 10.0
_LINES_ONCE: Final = 40
"""Lines of a picture where there is no terminal."""
_QUIT: Final = frozenset(b"qQ\x04")
_HINT: Final = "q ends"
_DOCUMENTS: Final = ("today", "hour", "recent", "calls", "budgets")


class TopQuestions:
    """Asks what one picture needs, and asks again only for what can have changed."""

    def __init__(self, questions: Questions, source: str, zone: Query) -> None:
        self._questions = questions
        self._source = source
        self._zone = list(zone)
        self._seen: tuple[str, str, int] | None = None
        self._view: TopView | None = None
        self._standing: tuple[datetime, str, BudgetsDocument] | None = None
        """How budgets stand, of when, and under which budgets."""

    def ask(self) -> TopView:
        """The answers of now. Raises what `Questions` raises."""
        status = self._questions.get(StatusDocument, "/status", self._zone)
        read_at = status.as_of.read_at
        now = datetime.now(UTC) if read_at is None else datetime.fromisoformat(read_at)
        minute = int(now.timestamp()) // 60
        seen = status.as_of.version, status.budgets_version, minute
        view = self._view
        if view is None or seen != self._seen or view.recent.totals.calls:
            view = self._asked(now, status.budgets_version)
        # Else the ledger is as it was, and no call of the last minutes leaves them.
        self._seen, self._view = seen, replace(view, now=now)
        return self._view

    def _asked(self, now: datetime, budgets_version: str) -> TopView:
        get, zone = self._questions.get, self._zone
        return TopView(
            today=get(CostsDocument, "/costs", [*zone, ("window", "today")]),
            hour=self._costs_since(now.replace(minute=0, second=0, microsecond=0)),
            recent=self._costs_since(now - timedelta(minutes=RATE_MIN)),
            calls=get(CallsDocument, "/calls", [*zone, ("limit", str(_CALLS_ASKED))]),
            budgets=self._budgets(now, budgets_version),
            now=now,
            source=self._source,
        )

    def _budgets(self, now: datetime, version: str) -> BudgetsDocument:
        """How budgets stand, not asked again at once: each is a ranking of the whole window."""
        known = self._standing
        if known is None or known[1] != version or (now - known[0]).total_seconds() >= _STANDING_S:
            document = self._questions.get(BudgetsDocument, "/budgets", self._zone)
            self._standing = known = now, version, document
        return known[2]

    def _costs_since(self, start: datetime) -> CostsDocument:
        query = [*self._zone, ("starting_at", start.isoformat(timespec="seconds"))]
        return self._questions.get(CostsDocument, "/costs", query)


def run(arguments: argparse.Namespace) -> int:
    """Show what is spent until it is stopped; once where stdout is no terminal.

    Raises ConfigError, NoAnswerError, RefusedError.
    """
    form = check_form(arguments)
    with open_questions(arguments) as answer:
        answer.warn()
        asking = TopQuestions(answer.value, answer.source, with_time_zone(arguments, []))
        view = asking.ask()
        if form is not None:
            write_exactly(_as_csv(view) if form == "csv" else _as_json(view))
        elif arguments.once or not sys.stdout.isatty():
            picture = _picture(view, _LINES_ONCE)
            print(drawn(picture, columns(), is_coloured=is_coloured(arguments)))
        else:
            _follow(asking, view, arguments)
    return 0


def _picture(view: TopView, lines: int, hint: str = "") -> RenderableType:
    return draw_top(view, columns(), lines, hint)


def _as_json(view: TopView) -> str:
    documents = {name: getattr(view, name).model_dump(mode="json") for name in _DOCUMENTS}
    return json.dumps({**figures_of(view), **documents}, ensure_ascii=False) + "\n"


def _as_csv(view: TopView) -> str:
    figures = figures_of(view)
    figures["at_least"] = str(figures["at_least"]).lower()
    return write_csv(Table(list(figures), [list(figures.values())]))


def _follow(asking: TopQuestions, view: TopView, arguments: argparse.Namespace) -> None:
    """Draw again and again, until q or Ctrl-C."""
    # What is drawn here is escaped already, and moving about the screen is more than colours.
    terminal = cast("TextIO", sys.__stdout__)
    console = console_for(terminal, columns(), is_coloured=is_coloured(arguments))
    with _single_keys() as quits, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            size = shutil.get_terminal_size()
            console.size = (columns(), size.lines)
            live.update(_picture(view, size.lines - 1, _HINT), refresh=True)
            if quits(arguments.interval):
                return
            try:
                view = asking.ask()
            except (NoAnswerError, RefusedError) as error:
                view = replace(view, trouble=f"{error}; what is shown is older")


@contextmanager
def _single_keys() -> Iterator[Callable[[float], bool]]:
    """Gives what waits for some seconds, and says whether a key was pressed that ends it."""
    if not sys.stdin.isatty():
        yield _sleep
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def quits(seconds: float) -> bool:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left_s)[0]:
                pressed = os.read(descriptor, 64)
                if not pressed or _QUIT & {*pressed}:
                    return True
        return False

    try:
        tty.setcbreak(descriptor)
        yield quits
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
