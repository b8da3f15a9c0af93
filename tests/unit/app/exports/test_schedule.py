"""When exports are looked at, and what is said where one fails."""

import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from processor.app.exports.schedule import ExportSchedule
from processor.app.exports.task import ExportTask
from processor.config import load_settings
from processor.core.errors import ExportFailedError
from processor.core.model import Calendar

NOON_S = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()
HOUR_S = 3600.0


class Runs:
    """A schedule whose clock and writer are the test's own."""

    def __init__(self, folder, text, zone="UTC"):
        path = folder / "processor.yaml"
        path.write_text(text)
        settings = load_settings(path, {"data_dir": str(folder)}, {})
        self.now_s = NOON_S
        self.tasks = []
        self.error = None
        self.lines = ["a.csv: written"]
        self.schedule = ExportSchedule(
            settings, lambda: Calendar(ZoneInfo(zone)), clock_s=lambda: self.now_s,
            write=self.write,
        )  # fmt: skip

    async def write(self, task, say):
        assert ExportTask.read(task.write()).asked() == task.asked()
        self.tasks.append(task)
        if self.error:
            raise self.error
        for line in self.lines:
            say(line)

    async def until(self, hours):
        """Let time pass as `follow` does; returns how many hours after noon each run began."""
        before, end_s = len(self.tasks), NOON_S + hours * HOUR_S
        while self.now_s <= end_s:
            self.now_s += await self.schedule.look()
        return [round((task.now_s - NOON_S) / HOUR_S, 2) for task in self.tasks[before:]]


@pytest.fixture
def runs(tmp_path):
    return lambda text, **more: Runs(tmp_path, text, **more)


async def test_a_file_is_written_at_the_start_and_some_minutes_after_each_end(runs):
    found = runs("exports: {a: {}}")
    assert await found.until(50) == [0, 12.25, 36.25]
    assert [task.until_s - task.now_s for task in found.tasks] == [-900] * 3


async def test_the_zone_and_the_delay_are_those_of_the_settings(runs):
    assert await runs("exports: {a: {time_zone: Asia/Kathmandu}}").until(13) == [0, 6.5]
    found = runs("exports: {a: {delay: 1h}}", zone="Europe/Berlin")
    assert await found.until(13) == [0, 12]
    assert await runs("exports: {a: {dataset: focus}}", zone="Asia/Tokyo").until(13) == [0, 12.25]


async def test_months_are_looked_at_each_day_since_their_calls_may_change(runs):
    assert await runs("exports: {a: {every: month}}").until(49) == [0, 12.25, 36.25]


async def test_what_fails_is_tried_again_each_time_later_and_said_once(runs, caplog):
    found = runs("exports: {a: {}, b: {}}")
    found.error = ExportFailedError("disk full")
    times = await found.until(2)
    assert times[::2] == [0, 0.02, 0.05, 0.12, 0.25, 0.52, 1.05]
    assert caplog.text.count("export a failed, and is tried again in 60 s: disk full") == 1
    found.error = ExportFailedError("no such folder")
    await found.until(5)
    assert caplog.text.count("no such folder") == 2
    first, second = found.schedule.states()
    assert (first.failure, first.last_success_s, second.failures) == (
        "no such folder", 0, first.failures,
    )  # fmt: skip
    found.error = None
    with caplog.at_level(logging.INFO):
        await found.until(7)
    assert "export a: all that was due is written now" in caplog.text
    [state, _] = found.schedule.states()
    assert (state.failure, state.written) == ("", 1)
    assert state.last_success_s > NOON_S


async def test_a_mistake_of_ours_keeps_no_other_export_from_its_files(runs, caplog):
    found = runs("exports: {a: {}}")
    found.error = RuntimeError("odd")
    await found.schedule.look()
    assert found.schedule.states()[0].failure == "RuntimeError: odd"
    assert "Traceback" in caplog.text


async def test_a_clock_that_is_set_back_delays_nothing_for_long(runs):
    found = runs("exports: {a: {}}")
    await found.schedule.look()
    found.now_s -= 400 * 24 * HOUR_S
    await found.schedule.look()
    assert len(found.tasks) == 2


async def test_without_exports_nothing_runs(runs):
    found = runs("{}")
    await found.schedule.follow()
    assert found.tasks == []
    assert found.schedule.states() == ()
