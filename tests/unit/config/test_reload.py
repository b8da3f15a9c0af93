"""A watched file is used when it is good, and its last good value while it is not."""

import asyncio
import os

import pytest

from processor.config import Watcher
from processor.core.errors import ConfigError, LedgerUnavailableError, Problem


class Watched:
    """Parses numbers, and remembers what came into force; fails while `is_broken`."""

    def __init__(self, path, interval_s: float = 60.0) -> None:
        self.values: list[int] = []
        self.parsed: list[str] = []
        self.is_broken = False
        self.watcher = Watcher(path, self.parse, interval_s)
        self.state = self.watcher.state

    def parse(self, text: str, source: str) -> int:
        self.parsed.append(text)
        if text.startswith("bug"):
            raise RuntimeError("oops")
        try:
            return int(text)
        except ValueError:
            raise ConfigError([Problem(source, f"is not a number: {text}")]) from None

    async def use(self, value: int) -> None:
        if self.is_broken:
            raise LedgerUnavailableError("disk full")
        self.values.append(value)

    def check(self) -> bool:
        return asyncio.run(self.watcher.check(self.use))

    def look_twice(self) -> None:
        self.check()
        self.check()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "number"
    path.write_text("1")
    return path


def test_load_gives_the_value_and_an_unchanged_file_is_left_alone(path):
    watched = Watched(path)
    assert watched.watcher.load() == 1
    watched.look_twice()
    assert (watched.values, watched.parsed, watched.state.last_error) == ([], ["1"], "")


def test_load_refuses_a_broken_or_absent_file(path, tmp_path):
    path.write_text("x")
    with pytest.raises(ConfigError, match="is not a number: x"):
        Watched(path).watcher.load()
    with pytest.raises(ConfigError, match="cannot be read"):
        Watched(tmp_path / "none").watcher.load()


def test_new_content_comes_into_force_once_it_has_been_seen_twice(path):
    watched = Watched(path)
    watched.watcher.load()
    path.write_text("2")
    assert watched.check() is True
    assert watched.values == []
    assert watched.check() is False
    assert watched.values == [2]


def test_half_written_file_is_not_used(path):
    watched = Watched(path)
    watched.watcher.load()
    for text in ("", "2", "22", "222"):
        path.write_text(text)
        watched.check()
    assert (watched.values, watched.parsed) == ([], ["1"])
    watched.check()
    assert watched.values == [222]


def test_content_counts_and_not_the_date_of_the_file(path):
    watched = Watched(path)
    watched.watcher.load()
    before = path.stat()
    path.write_text("7")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    watched.look_twice()
    assert watched.values == [7]


def test_file_that_is_replaced_by_renaming_is_seen(path):
    watched = Watched(path)
    watched.watcher.load()
    other = path.with_name("other")
    other.write_text("3")
    other.replace(path)
    watched.look_twice()
    assert watched.values == [3]


def test_folder_swapped_behind_a_symbolic_link_is_seen(tmp_path):
    # Kubernetes mounts a ConfigMap as number -> ..data/number, and ..data -> a dated folder.
    for name, text in (("dated-1", "1"), ("dated-2", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "number").write_text(text)
    (tmp_path / "..data").symlink_to("dated-1")
    (tmp_path / "number").symlink_to("..data/number")
    watched = Watched(tmp_path / "number")
    assert watched.watcher.load() == 1
    (tmp_path / "..new").symlink_to("dated-2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    watched.look_twice()
    assert watched.values == [2]


def test_broken_file_keeps_the_last_good_value_and_is_logged_once(path, caplog):
    watched = Watched(path)
    watched.watcher.load()
    path.write_text("x")
    for _ in range(5):
        watched.check()
    assert watched.values == []
    assert watched.parsed == ["1", "x"]
    assert watched.state.last_error == f"{path}: is not a number: x"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "is not a number: x" in caplog.text


def test_another_mistake_is_logged_again_and_a_corrected_file_is_used(path, caplog):
    caplog.set_level("INFO")
    watched = Watched(path)
    watched.watcher.load()
    for text in ("x", "y", "5"):
        path.write_text(text)
        watched.look_twice()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "INFO"]
    assert watched.values == [5]
    assert watched.state.last_error == ""


def test_file_that_goes_back_to_what_is_in_force_clears_the_error(path):
    watched = Watched(path)
    watched.watcher.load()
    path.write_text("x")
    watched.look_twice()
    path.write_text("1")
    watched.look_twice()
    assert watched.state.last_error == ""


def test_deleted_file_keeps_the_last_good_value_until_it_comes_back(path, caplog):
    watched = Watched(path)
    watched.watcher.load()
    path.unlink()
    for _ in range(3):
        watched.check()
    assert watched.state.last_error == f"{path}: cannot be read: No such file or directory"
    assert len(caplog.records) == 1
    path.write_text("4")
    watched.look_twice()
    assert (watched.values, watched.state.last_error) == ([4], "")


def test_file_that_is_gone_for_one_look_only_is_not_an_error(path, caplog):
    watched = Watched(path)
    watched.watcher.load()
    path.unlink()
    watched.check()
    path.write_text("1")
    watched.look_twice()
    assert (watched.state.last_error, caplog.records, watched.values) == ("", [], [])


def test_mistake_in_the_parser_does_not_end_reloading(path):
    watched = Watched(path)
    watched.watcher.load()
    path.write_text("bug")
    watched.look_twice()
    assert watched.state.last_error == f"{path}: RuntimeError: oops"
    path.write_text("6")
    watched.look_twice()
    assert watched.values == [6]


async def test_run_brings_changes_into_force_in_the_event_loop(path):
    arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def use(value: int) -> None:
        arrived.set_result(value)

    watcher = Watcher(path, lambda text, _: int(text), 0.01)
    watcher.load()
    running = asyncio.create_task(watcher.run(use))
    try:
        path.write_text("9")
        assert await asyncio.wait_for(arrived, 30) == 9
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


def test_what_came_into_force_and_what_could_not_is_counted(path):
    watched = Watched(path)
    watched.watcher.load()
    loaded_s = watched.state.loaded_s
    assert loaded_s > 0
    for text in ("2", "x", "3"):
        path.write_text(text)
        watched.look_twice()
    assert (watched.state.reloads, watched.state.failures) == (2, 1)
    assert watched.state.loaded_s >= loaded_s


def test_a_value_that_cannot_be_put_into_force_is_an_error_until_the_file_is_saved_again(path):
    """Guarantees: what is reported as in force is in force."""
    watched = Watched(path)
    watched.watcher.load()
    watched.is_broken = True
    path.write_text("2")
    watched.look_twice()
    assert (watched.state.last_error, watched.state.reloads) == ("disk full", 0)
    watched.is_broken = False
    path.write_text("3")
    watched.look_twice()
    assert (watched.values, watched.state.last_error) == ([3], "")


async def test_a_thousand_reloads_leave_no_task_behind(path):
    watched = Watched(path)
    watched.watcher.load()
    tasks = len(asyncio.all_tasks())
    for number in range(1_000):
        path.write_text(str(number + 2))
        await watched.watcher.check(watched.use)
        await watched.watcher.check(watched.use)
    assert watched.state.reloads == 1_000
    assert len(asyncio.all_tasks()) == tasks


def test_a_file_that_the_file_names_is_followed_too(path, tmp_path):
    """Guarantees: what was refused for want of another file is used once that file is there."""
    named = tmp_path / "named"
    values = []

    def parse(text, source):
        if not named.exists():
            raise ConfigError([Problem(source, "the named file is not there")])
        return int(text) + int(named.read_text())

    async def use(value):
        values.append(value)

    def look_twice():
        for _ in range(2):
            asyncio.run(watcher.check(use))

    named.write_text("10")
    watcher = Watcher(path, parse, 60.0, lambda _text, _source: [named])
    assert watcher.load() == 11
    named.unlink()
    path.write_text("2")
    look_twice()
    assert "not there" in watcher.state.last_error
    named.write_text("20")
    look_twice()
    assert (values, watcher.state.last_error) == ([22], "")
    named.write_text("300")
    look_twice()
    assert values == [22, 302]


def test_a_named_file_that_changes_while_it_is_read_at_the_start_is_read_again(path, tmp_path):
    named = tmp_path / "named"
    named.write_text("10")
    values = []

    def parse(text, _source):
        value = int(text) + int(named.read_text())
        if value == 11:
            named.write_text("200")
        return value

    async def use(value):
        values.append(value)

    watcher = Watcher(path, parse, 60.0, lambda _text, _source: [named])
    assert watcher.load() == 11
    for _ in range(2):
        asyncio.run(watcher.check(use))
    assert values == [201]
