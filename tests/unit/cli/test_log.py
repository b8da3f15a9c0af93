"""A line of the log is one record, and a failure that repeats does not fill the disk."""

import io
import logging

import pytest

from processor.cli.log import EpisodeHandler, log_to


class _Log:
    """A logger whose output is kept, by a clock that stands."""

    def __init__(self):
        self.now_s = 0.0
        self.stream = io.StringIO()
        self.log = logging.getLogger("tests.log")
        self.log.handlers = [EpisodeHandler(self.stream, lambda: self.now_s)]
        self.log.setLevel("INFO")
        self.log.propagate = False

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()


@pytest.fixture
def log():
    return _Log()


def fail(text="lost"):
    raise ValueError(text)


def log_failure(log, text="lost"):
    try:
        fail(text)
    except ValueError:
        log.log.exception("no luck with %s", text)


def test_a_name_from_outside_stays_in_its_line(log):
    """Guarantees: no model, agent or file can forge a line, clear the terminal or reorder it."""
    log.log.error("model %s", "x\n2026-01-01 00:00:00 ERROR forged \x1b[2J \u202egnp \x85")
    [line] = log.lines
    assert line.endswith(r"model x\n2026-01-01 00:00:00 ERROR forged \x1b[2J \u202egnp \x85")


def test_lines_of_a_traceback_cannot_be_taken_for_lines_of_the_log(log):
    log_failure(log, "a\n2026-01-01 00:00:00 ERROR forged \x1b[2J")
    assert len(log.lines) > 3
    assert all(line.startswith("    ") for line in log.lines[1:])
    assert "\x1b" not in log.stream.getvalue()


def test_a_traceback_that_repeats_is_written_once_and_counted_when_it_is_over(log):
    for at_s in range(1000):
        log.now_s = at_s / 100
        log_failure(log, f"number {at_s}")
    assert sum(line == "    Traceback (most recent call last):" for line in log.lines) == 1
    log.now_s = 100.0
    log.log.info("something else")
    assert "happened 1000 times in 10 s" in log.lines[-2]
    log_failure(log)
    assert sum(line == "    Traceback (most recent call last):" for line in log.lines) == 2


def test_another_failure_is_logged_beside_one_that_repeats(log):
    log_failure(log)
    try:
        {}["key"]
    except KeyError:
        log.log.exception("another")
    assert "    KeyError: 'key'" in log.lines


def test_an_endless_traceback_is_cut_in_its_middle(log):
    try:
        fail("\n" * 100_000)
    except ValueError:
        log.log.exception("long")
    assert len(log.lines) < 70


@pytest.mark.parametrize("is_same", [False, True])
def test_warnings_are_on_the_screen_and_in_the_log(is_same, monkeypatch):
    """Guarantees: each is seen on the terminal once, and is in the log where that is elsewhere."""
    said = []
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_same)
    logger = logging.getLogger()
    monkeypatch.setattr(logger, "handlers", [])
    log_to(stream, "info", lambda text, style, _hang: said.append((text, style)))
    logging.getLogger("a").info("nothing special")
    logging.getLogger("a").warning("look at %s", "this")
    logging.getLogger("a").error("and this")
    assert said == [("! look at this", "bold orange"), ("! and this", "bold red")]
    assert "nothing special" in stream.getvalue()
    assert ("look at this" in stream.getvalue()) == (not is_same)
