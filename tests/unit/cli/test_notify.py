"""``llm-cost notify --test``, against a server that takes it and one that does not."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from unit.io.notify.receivers import HttpReceiver

from processor.cli import main


@pytest.fixture
def receiver():
    """A server in a thread of its own, since a command has an event loop of its own."""
    found, loop = HttpReceiver(), asyncio.new_event_loop()
    is_ready, stop = threading.Event(), asyncio.Event()

    async def serve():
        async with found.running():
            is_ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    is_ready.wait(10)
    yield found
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def settings(receiver, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(f"notifications: {{channels: {{ops: {{type: slack, url: '{receiver.url}'}}}}}}")
    return path


def test_a_message_that_arrives_says_that_it_is_a_test(receiver, settings, capsys):
    assert main(["notify", "--config", str(settings), "--test", "ops"]) == 0
    assert capsys.readouterr().out == "ops has taken a test message\n"
    assert "A test of the channel ops" in json.loads(receiver.requests[0][1])["text"]


def test_one_that_does_not_arrive_says_why_without_the_secret(receiver, settings, capsys):
    receiver.answers = [403]
    assert main(["notify", "--config", str(settings), "--test", "ops"]) == 1
    out = capsys.readouterr().out
    assert "answers HTTP 403: it does not allow this" in out
    assert "it says: words <of> the server" in out
    assert "secret" not in out


def test_an_unknown_channel_is_named_with_those_there_are(settings, capsys):
    assert main(["notify", "--config", str(settings), "--test", "opps"]) == 2
    assert "did you mean ops?" in capsys.readouterr().err
