"""Connections are renewed, and never lost over it."""

from __future__ import annotations

import pytest

from processor.io.exporter.connection import Renewed


class Connections:
    """Opens and closes what is no more than a number; both may fail."""

    def __init__(self):
        self.opened = 0
        self.closed = []
        self.fails = False

    def open_one(self, _made_from):
        if self.fails:
            raise OSError("cannot be opened")
        self.opened += 1
        return self.opened

    async def close_one(self, number):
        self.closed.append(number)
        if self.fails:
            raise OSError(f"{number} cannot be closed")


@pytest.fixture
def connections():
    return Connections()


async def test_where_the_next_cannot_be_opened_the_current_one_stays(connections):
    made_from = [object()]
    renewed = Renewed(
        connections.open_one,
        connections.close_one,
        made_from=lambda: made_from[0],
        max_age_s=60,
    )
    renewed.open()
    made_from[0] = object()
    connections.fails = True
    with pytest.raises(OSError, match="cannot be opened"), renewed.use():
        pass
    connections.fails = False
    with renewed.use() as first:
        assert first == 2
    await renewed.close()
    assert sorted(connections.closed) == [1, 2]


async def test_all_are_closed_though_closing_one_fails(connections):
    made_from = [object()]
    renewed = Renewed(
        connections.open_one,
        connections.close_one,
        made_from=lambda: made_from[0],
        max_age_s=60,
    )
    renewed.open()
    with renewed.use():
        made_from[0] = object()
        with renewed.use():
            connections.fails = True
            with pytest.raises(OSError, match="cannot be closed"):
                await renewed.close()
    assert sorted(connections.closed) == [1, 2]
