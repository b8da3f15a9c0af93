"""A watched file is used when it is good, and its last good value while it is not."""

import asyncio
import os

import pytest

from processor.config import Watcher
from processor.core.errors import ConfigError, Problem


class Shop:
    """Parses numbers, and remembers what came into force."""

    def __init__(self, path, interval_s: float = 60.0) -> None:
        self.values: list[int] = []
        self.parsed: list[str] = []
        self.watcher = Watcher(path, self.parse, self.values.append, interval_s)

    def parse(self, text: str, source: str) -> int:
        self.parsed.append(text)
        if text.startswith("bug"):
            raise RuntimeError("oops")
        try:
            return int(text)
        except ValueError:
            raise ConfigError([Problem(source, f"is not a number: {text}")]) from None

    def look_twice(self) -> None:
        self.watcher.check()
        self.watcher.check()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "number"
    path.write_text("1")
    return path


def test_load_gives_the_value_and_an_unchanged_file_is_left_alone(path):
    shop = Shop(path)
    assert shop.watcher.load() == 1
    shop.look_twice()
    assert (shop.values, shop.parsed, shop.watcher.last_error) == ([], ["1"], "")


def test_load_refuses_a_broken_or_absent_file(path, tmp_path):
    path.write_text("x")
    with pytest.raises(ConfigError, match="is not a number: x"):
        Shop(path).watcher.load()
    with pytest.raises(ConfigError, match="cannot be read"):
        Shop(tmp_path / "none").watcher.load()


def test_new_content_comes_into_force_once_it_has_been_seen_twice(path):
    shop = Shop(path)
    shop.watcher.load()
    path.write_text("2")
    assert shop.watcher.check() is True
    assert shop.values == []
    assert shop.watcher.check() is False
    assert shop.values == [2]


def test_half_written_file_is_not_used(path):
    shop = Shop(path)
    shop.watcher.load()
    for text in ("", "2", "22", "222"):
        path.write_text(text)
        shop.watcher.check()
    assert (shop.values, shop.parsed) == ([], ["1"])
    shop.watcher.check()
    assert shop.values == [222]


def test_content_counts_and_not_the_date_of_the_file(path):
    shop = Shop(path)
    shop.watcher.load()
    before = path.stat()
    path.write_text("7")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    shop.look_twice()
    assert shop.values == [7]


def test_file_that_is_replaced_by_renaming_is_seen(path):
    shop = Shop(path)
    shop.watcher.load()
    other = path.with_name("other")
    other.write_text("3")
    other.replace(path)
    shop.look_twice()
    assert shop.values == [3]


def test_folder_swapped_behind_a_symbolic_link_is_seen(tmp_path):
    # Kubernetes mounts a ConfigMap as number -> ..data/number, and ..data -> a dated folder.
    for name, text in (("dated-1", "1"), ("dated-2", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "number").write_text(text)
    (tmp_path / "..data").symlink_to("dated-1")
    (tmp_path / "number").symlink_to("..data/number")
    shop = Shop(tmp_path / "number")
    assert shop.watcher.load() == 1
    (tmp_path / "..new").symlink_to("dated-2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    shop.look_twice()
    assert shop.values == [2]


def test_broken_file_keeps_the_last_good_value_and_is_logged_once(path, caplog):
    shop = Shop(path)
    shop.watcher.load()
    path.write_text("x")
    for _ in range(5):
        shop.watcher.check()
    assert shop.values == []
    assert shop.parsed == ["1", "x"]
    assert shop.watcher.last_error == f"{path}: is not a number: x"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "is not a number: x" in caplog.text


def test_another_mistake_is_logged_again_and_a_mended_file_is_used(path, caplog):
    caplog.set_level("INFO")
    shop = Shop(path)
    shop.watcher.load()
    for text in ("x", "y", "5"):
        path.write_text(text)
        shop.look_twice()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "INFO"]
    assert shop.values == [5]
    assert shop.watcher.last_error == ""


def test_file_that_goes_back_to_what_is_in_force_clears_the_error(path):
    shop = Shop(path)
    shop.watcher.load()
    path.write_text("x")
    shop.look_twice()
    path.write_text("1")
    shop.look_twice()
    assert shop.watcher.last_error == ""


def test_deleted_file_keeps_the_last_good_value_until_it_comes_back(path, caplog):
    shop = Shop(path)
    shop.watcher.load()
    path.unlink()
    for _ in range(3):
        shop.watcher.check()
    assert shop.watcher.last_error == f"{path}: cannot be read: No such file or directory"
    assert len(caplog.records) == 1
    path.write_text("4")
    shop.look_twice()
    assert (shop.values, shop.watcher.last_error) == ([4], "")


def test_file_that_is_gone_for_one_look_only_is_not_an_error(path, caplog):
    shop = Shop(path)
    shop.watcher.load()
    path.unlink()
    shop.watcher.check()
    path.write_text("1")
    shop.look_twice()
    assert (shop.watcher.last_error, caplog.records, shop.values) == ("", [], [])


def test_mistake_in_the_parser_does_not_end_reloading(path):
    shop = Shop(path)
    shop.watcher.load()
    path.write_text("bug")
    shop.look_twice()
    assert shop.watcher.last_error == f"{path}: RuntimeError: oops"
    path.write_text("6")
    shop.look_twice()
    assert shop.values == [6]


async def test_run_brings_changes_into_force_in_the_event_loop(path):
    arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    watcher = Watcher(path, lambda text, _: int(text), arrived.set_result, 0.01)
    watcher.load()
    running = asyncio.create_task(watcher.run())
    try:
        path.write_text("9")
        assert await asyncio.wait_for(arrived, 30) == 9
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


def test_what_came_into_force_and_what_could_not_is_counted(path):
    shop = Shop(path)
    shop.watcher.load()
    loaded_s = shop.watcher.loaded_s
    assert loaded_s > 0
    for text in ("2", "x", "3"):
        path.write_text(text)
        shop.look_twice()
    assert (shop.watcher.reloads, shop.watcher.failures) == (2, 1)
    assert shop.watcher.loaded_s >= loaded_s
