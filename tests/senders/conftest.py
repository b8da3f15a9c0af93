"""Senders, each built once, in front of processors that a module's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cache import NoEnvironmentError
from senders.runs import Line, Run, line, send
from senders.table import Sender


@pytest.fixture(scope="module")
def open_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line as it is without any settings."""
    with line(tmp_path_factory.mktemp("line")) as running:
        yield running


@pytest.fixture(scope="session")
def send_or_skip() -> Callable[..., Run]:
    """Run a sender; where its toolchain or libraries cannot be had, the test is skipped."""

    def get(line: Line, sender: Sender, **more: str) -> Run:
        try:
            return send(line, sender, **more)
        except NoEnvironmentError as problem:
            pytest.skip(f"NO {sender.language.upper()}, so nothing is proven with it: {problem}")

    return get
