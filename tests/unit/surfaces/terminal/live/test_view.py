import asyncio
import io
import threading

import pytest

from processor.surfaces.terminal.live.view import LiveView
from processor.surfaces.terminal.paint import Paint

PLAIN = Paint(enabled=False)
ONE = b"1" * 16


class Stuck(io.StringIO):
    """A terminal that somebody has stopped with Ctrl-S."""

    def __init__(self):
        super().__init__()
        self.goes_on = threading.Event()

    def write(self, text):
        self.goes_on.wait(10)
        return super().write(text)


async def run(view, *turns):
    showing = asyncio.create_task(view.run())
    await asyncio.sleep(0)
    for turn in turns:
        view.note(*turn)
    showing.cancel()
    view.finish()


@pytest.mark.parametrize("is_verbose", [False, True])
def test_what_is_left_is_drawn_at_the_end(turns, is_verbose):
    out = io.StringIO()
    view = LiveView(out, PLAIN, is_verbose=is_verbose)
    asyncio.run(run(view, turns.call(ONE), turns.agent(ONE)))
    assert "0.001000" in out.getvalue()
    assert ("└─" in out.getvalue() or "trace 31313131" in out.getvalue()) == is_verbose


@pytest.mark.parametrize("is_running", [False, True])
def test_what_is_said_is_shown_in_lines_that_fit(is_running):
    """Guarantees: also where the processor never came to run."""
    out = io.StringIO()
    view = LiveView(out, PLAIN)
    view.say("! " + "word " * 30 + "\x1b[2J", "bold orange", 2)
    if is_running:
        asyncio.run(run(view))
    else:
        view.finish()
    lines = out.getvalue().splitlines()
    assert len(lines) > 1
    assert all(line.startswith("  ") for line in lines[1:])
    assert "\x1b" not in out.getvalue()


def test_terminal_that_stands_still_holds_up_nobody(turns, monkeypatch):
    """Guarantees: batches go on, memory is bounded, and the end comes all the same."""
    monkeypatch.setattr("processor.surfaces.terminal.live.view._FINISH_S", 0.05)
    monkeypatch.setattr("processor.surfaces.terminal.live.view._LOOK_S", 0.001)
    stuck = Stuck()
    view = LiveView(stuck, PLAIN)

    async def flood():
        showing = asyncio.create_task(view.run())
        for number in range(1, 2001):
            view.note(*turns.call(number.to_bytes(16, "big")))
            if number % 100 == 0:
                await asyncio.sleep(0.002)
        showing.cancel()
        view.finish()

    asyncio.run(asyncio.wait_for(flood(), 20))
    assert stuck.getvalue() == ""
    assert view.is_stuck
    stuck.goes_on.set()
