"""The program's log on stderr: a line is a line, and an exception that repeats is logged once."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final, TextIO

from processor.core.episodes import Episodes
from processor.core.escaping import escape

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LINES_MAX: Final = 60
"""Of one traceback; its first and last ones stay."""


class LineFormatter(logging.Formatter):
    """Escapes what names from outside may hold, so that nobody can forge a line or hide one.

    A record is one line; the lines of its traceback follow, indented. That is what tells them from
    lines of the log, whatever the message of an exception says.
    """

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, and its traceback if it has one."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        lines = [escape(self.formatMessage(record))]
        if record.exc_info and record.exc_info[1] is not None:
            lines += _traceback(record.exc_info[1])
        return "\n".join(lines)


def _traceback(error: BaseException) -> list[str]:
    lines = "".join(traceback.format_exception(error)).rstrip("\n").split("\n")
    if len(lines) > _LINES_MAX:
        half = _LINES_MAX // 2
        left_out = f"… {len(lines) - _LINES_MAX} lines …"
        lines = [*lines[:half], left_out, *lines[-half:]]
    return [f"    {escape(line)}" for line in lines]


class EpisodeHandler(logging.StreamHandler[TextIO]):
    """Writes an exception when it begins to happen, and how often it did when that is over.

    One that happens at every request would fill the disk with tracebacks. It is known by what was
    raised where, and by where it was logged.
    """

    def __init__(self, stream: TextIO, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self.setFormatter(LineFormatter())
        self._clock_s = clock_s
        self._episodes = Episodes()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless it repeats the exception of an episode that lasts."""
        now_s = self._clock_s()
        for over in self._episodes.end_quiet(now_s):
            if over.count > 1:
                super().emit(_repeats(over.kind, over.count, over.lasted_s))
        error = record.exc_info[1] if record.exc_info else None
        if error is None or self._episodes.note(_kind(record, error), now_s):
            super().emit(record)


def _kind(record: logging.LogRecord, error: BaseException) -> str:
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        place = f" at {frame.f_code.co_filename}:{line}"
    return f"{type(error).__name__}{place}, logged by {record.name}:{record.lineno}"


def _repeats(kind: str, count: int, lasted_s: float) -> logging.LogRecord:
    text = "%s: it happened %d times in %.0f s, of which the first is above"
    values = (kind, count, lasted_s)
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, values, None)


class ScreenHandler(logging.Handler):
    """Shows warnings and errors where the traces of the running processor are shown."""

    def __init__(self, say: Callable[[str, str, int], None]) -> None:
        """`say` shows a sentence in a style, with so many blanks before its second line."""
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record; the traceback of one that has it is for the log alone."""
        style = "bold red" if record.levelno >= logging.ERROR else "bold orange"
        self._say(f"! {record.getMessage()}", style, 2)


def _is_not_shown(record: logging.LogRecord) -> bool:
    return record.levelno < logging.WARNING or bool(record.exc_info)


def log_to(stream: TextIO, level: str, say: Callable[[str, str, int], None] | None = None) -> None:
    """Log to a stream, whatever logs; `level` is the least that is written.

    Where there is a screen, `say` shows warnings there; the stream has them as well, unless it is
    the same terminal.
    """
    handlers: list[logging.Handler] = [EpisodeHandler(stream)]
    if say is not None:
        handlers.append(ScreenHandler(say))
        if stream.isatty():
            handlers[0].addFilter(_is_not_shown)
    logging.basicConfig(level=level.upper(), handlers=handlers)
