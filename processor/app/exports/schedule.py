"""Has files written whenever a day or month is over, and again later where that fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from processor.app.exports.child import write_in_child
from processor.app.exports.task import ExportTask
from processor.config import Settings
from processor.core.budgets.window import window_of
from processor.core.counters import ExportState
from processor.core.errors import ExportFailedError
from processor.core.model import Calendar
from processor.surfaces.exports.requests import calendar_of

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 60.0
"""How long nothing is looked at, at most: the clock may be set, or the machine may have slept."""
_DAY_S: Final = 86_400.0
_RETRY_MIN_S: Final = 60.0
_RETRY_MAX_S: Final = 3600.0

Write = Callable[[ExportTask, Callable[[str], None]], Awaitable[None]]


class _Export:
    """One export: when it is looked at next, and what has come of it."""

    def __init__(self, name: str) -> None:
        self.state = ExportState(name)
        self.due_s = 0.0
        self.failures_in_a_row = 0

    def note(self, line: str) -> None:
        """A file was written."""
        _LOG.info("export %s: %s", self.state.name, line)
        self.state = self.state._replace(written=self.state.written + 1)

    def succeed(self, now_s: float, due_s: float) -> None:
        """All that was due is written."""
        if self.state.failure:
            _LOG.info("export %s: all that was due is written now", self.state.name)
        self.failures_in_a_row, self.due_s = 0, due_s
        self.state = self.state._replace(last_success_s=now_s, failure="")

    def fail(self, why: str, now_s: float) -> None:
        """It is tried again, each time after twice the time; what is new about it is logged."""
        retry_s = min(_RETRY_MIN_S * 2**self.failures_in_a_row, _RETRY_MAX_S)
        if why != self.state.failure:
            name = self.state.name
            _LOG.error("export %s failed, and is tried again in %.0f s: %s", name, retry_s, why)
        self.failures_in_a_row = min(self.failures_in_a_row + 1, 30)
        self.due_s = now_s + retry_s
        failures = self.state.failures + 1
        self.state = self.state._replace(failures=failures, failure=why)


class ExportSchedule:
    """Runs the exports of the settings, one at a time, in processes of their own.

    What is written already is in the manifests alone. So all is looked at at the start, when a
    day or month is over, and once a day.
    """

    def __init__(
        self,
        settings: Settings,
        calendar: Callable[[], Calendar],
        *,
        clock_s: Callable[[], float] = time.time,
        write: Write = write_in_child,
    ) -> None:
        """`calendar` is that of the budgets in force, `clock_s` seconds since 1970."""
        self._settings, self._calendar = settings, calendar
        self._clock_s, self._write = clock_s, write
        self._exports = [_Export(name) for name in settings.exports]

    def states(self) -> tuple[ExportState, ...]:
        """What has come of each."""
        return tuple(each.state for each in self._exports)

    async def follow(self) -> None:
        """Write what is due, until this is cancelled."""
        while self._exports:
            wait_s = await self.look()
            await asyncio.sleep(wait_s)

    async def look(self) -> float:
        """Write what is due now; returns after how many seconds to look again."""
        for each in self._exports:
            now_s = self._clock_s()
            # A clock that was set back must not keep an export from its time.
            if each.due_s <= now_s or each.due_s > now_s + 2 * _DAY_S:
                await self._run(each)
        now_s = self._clock_s()
        return min(max(min(each.due_s for each in self._exports) - now_s, 0.01), _LOOK_S)

    async def _run(self, export: _Export) -> None:
        calendar, now_s = self._calendar(), self._clock_s()
        task = task_of(self._settings, export.state.name, calendar, now_s)
        try:
            await self._write(task, export.note)
        except ExportFailedError as error:
            export.fail(str(error), self._clock_s())
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are written
            _LOG.exception("export %s failed because of a mistake in it", export.state.name)
            export.fail(f"{type(error).__name__}: {error}", self._clock_s())
        else:
            export.succeed(self._clock_s(), self._next_s(task, calendar))

    def _next_s(self, task: ExportTask, calendar: Calendar) -> float:
        """When the next file is due, or a day later to look whether older ones have changed."""
        request = task.asked()
        _, end_s = window_of(request.file_time, int(task.until_s), calendar_of(request, calendar))
        return min(end_s + (task.now_s - task.until_s), task.now_s + _DAY_S)


def task_of(settings: Settings, name: str, calendar: Calendar, now_s: float) -> ExportTask:
    """What an export of the settings has to write at a moment."""
    export = settings.exports[name]
    return ExportTask(
        name=name,
        ledger=settings.ledger.path,
        budgets_zone=calendar.zone.key,
        own_dimensions=settings.dimension_names,
        now_s=now_s,
        until_s=now_s - export.delay_s,
        look_back=export.look_back,
        folder=export.folder,
        format=export.format,
        request={
            "dataset": export.dataset,
            "every": export.every,
            "grain": export.grain,
            "filters": {dimension: list(values) for dimension, values in export.filters.items()},
            "unpriced": export.unpriced,
            "account": export.account,
        },
        time_zone=export.time_zone,
    )
