"""What waits is sent, again where it has to be, by each channel for itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from unit.core.notices.test_message import crossing

from processor.core.budgets import Policy
from processor.core.errors import LedgerUnavailableError
from processor.core.notices import Message, Notice, Taken, Waiting
from processor.io.notify import SendError, Senders
from processor.io.notify.backoff import LEAST_S, MOST_S, delay_s
from processor.io.notify.sender import Clock


class MemoryOutbox:
    """The outbox in memory, which can refuse as a full disk would."""

    def __init__(self, channels, count=1):
        self.rows = {
            name: [Waiting(n, crossing(scope_id=f"u{n}"), "", 100, 0) for n in range(count)]
            for name in channels
        }
        self.due_s = {}
        self.log = []
        self.refuse = 0
        self.wake = None

    def watch(self, wake):
        self.wake = wake

    async def start(self, channels):
        self.known = list(channels)

    async def take(self, channel, now_s, limit):
        self._refuse()
        rows = self.rows[channel]
        due = [each for each in rows if self.due_s.get((channel, each.seq), 0) <= now_s]
        waits = [self.due_s.get((channel, each.seq), 0) for each in rows]
        return Taken(due[:limit], min(waits, default=None))

    async def sent(self, taken, now_s):  # noqa: ARG002 - as the outbox has it
        self._refuse()
        for rows in self.rows.values():
            rows[:] = [each for each in rows if all(each is not other for other in taken)]
        self.log.append(("sent", [each.seq for each in taken]))

    async def failed(self, channel, taken, now_s, next_s, error):
        self._refuse()
        for each in taken:
            self.due_s[channel, each.seq] = next_s
        self.log.append(("failed", error, next_s - now_s))
        return 0

    def _refuse(self):
        if self.refuse:
            self.refuse -= 1
            raise LedgerUnavailableError("refuses as the test asked")


async def report(period, written_s):
    if period == "day 0000-00-00":
        raise LedgerUnavailableError("cannot be read")
    return Notice(f"report {period}", "report.day", written_s, lambda _: Message("", ()), {})


class FakeChannel:
    def __init__(self, name="ops", folded_max=500, outcomes=()):
        self.name, self.folded_max, self.interval_s = name, folded_max, 0.0
        self.outcomes = list(outcomes)
        self.sent = []
        self.is_held = asyncio.Event()
        self.is_held.set()
        self.is_closed = False

    async def send(self, notice):
        await self.is_held.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.sent.append(notice.id)

    async def close(self):
        self.is_closed = True


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it waits for is in objects under test
            await asyncio.sleep(0.01)


@pytest.fixture
async def run():
    """Start senders whose clock runs a thousand times as fast; they are closed in the end."""
    begun = []

    async def start(outbox, *channels):
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        clock = Clock(lambda: 1000 + (loop.time() - start_s) * 1000, lambda: 0.5)
        senders = Senders(outbox, channels, Policy, report, clock)
        await senders.start()
        begun.append(senders)
        return senders

    yield start
    for senders in begun:
        await senders.close()


async def test_what_waits_is_sent_once_and_noted(run):
    outbox = MemoryOutbox(["ops"], 3)
    channel = FakeChannel()
    senders = await run(outbox, channel)
    await until(lambda: outbox.log)
    assert outbox.log == [("sent", [0, 1, 2])]
    assert len(channel.sent) == 1
    assert senders.states()[0].sent == 3


async def test_programs_are_sent_one_at_a_time(run):
    outbox = MemoryOutbox(["hook"], 3)
    channel = FakeChannel("hook", folded_max=1)
    await run(outbox, channel)
    await until(lambda: len(outbox.log) == 3)
    assert len(set(channel.sent)) == 3


async def test_a_channel_that_hangs_holds_no_other_one_up(run):
    outbox = MemoryOutbox(["slow", "ops"])
    slow, quick = FakeChannel("slow"), FakeChannel("ops")
    slow.is_held.clear()
    await run(outbox, slow, quick)
    await until(lambda: quick.sent)
    assert not slow.sent
    slow.is_held.set()
    await until(lambda: slow.sent)


async def test_news_wakes_a_sender_that_rests(run):
    outbox = MemoryOutbox(["ops"], 0)
    channel = FakeChannel()
    await run(outbox, channel)
    await asyncio.sleep(0.05)
    outbox.rows["ops"].append(Waiting(9, crossing(), "", 100, 0))
    outbox.wake()
    await until(lambda: channel.sent)


async def test_what_failed_is_noted_with_when_it_is_tried_again(run, monkeypatch):
    monkeypatch.setattr("processor.io.notify.sender.delay_s", lambda *_, **__: 0.05)
    outbox = MemoryOutbox(["ops"])
    channel = FakeChannel(outcomes=[SendError("HTTP 500"), SendError("HTTP 500")])
    senders = await run(outbox, channel)
    await until(lambda: channel.sent)
    assert [each[0] for each in outbox.log] == ["failed", "failed", "sent"]
    [state] = senders.states()
    assert (state.sent, state.failures, state.failure) == (1, 2, "")


async def test_a_ledger_that_is_away_repeats_no_delivery(run, monkeypatch):
    """Guarantees: what was delivered is noted as soon as that can be, and not sent meanwhile."""
    monkeypatch.setattr("processor.io.notify.sender.LEAST_S", 0.02)
    outbox = MemoryOutbox(["ops"])
    channel = FakeChannel()
    channel.is_held.clear()
    await run(outbox, channel)
    await asyncio.sleep(0.02)
    outbox.refuse = 3
    channel.is_held.set()
    await until(lambda: outbox.log)
    assert len(channel.sent) == 1
    assert outbox.log == [("sent", [0])]


async def test_a_bug_in_a_channel_ends_it_not(run, monkeypatch, caplog):
    monkeypatch.setattr("processor.io.notify.sender.LEAST_S", 0.02)
    channel = FakeChannel(outcomes=[ZeroDivisionError("a bug")])
    await run(MemoryOutbox(["ops"]), channel)
    await until(lambda: channel.sent)
    assert "a bug" in caplog.text


async def test_the_end_waits_for_a_message_under_way_and_for_no_other(run):
    outbox = MemoryOutbox(["ops"], 2)
    channel = FakeChannel(folded_max=1)
    channel.is_held.clear()
    senders = await run(outbox, channel)
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(senders.close())
    await asyncio.sleep(0.02)
    channel.is_held.set()
    await closing
    assert outbox.log == [("sent", [0])]
    assert channel.is_closed


def test_pauses_double_up_to_a_quarter_of_an_hour_and_honour_what_is_asked():
    def pauses(chance):
        return [delay_s(n, lambda: chance) for n in range(1, 12)]

    assert pauses(0.5) == [5, 10, 20, 40, 80, 160, 320, 640, MOST_S, MOST_S, MOST_S]
    assert min(pauses(0.0)) == LEAST_S
    assert max(pauses(0.999)) == MOST_S
    assert delay_s(1, lambda: 0.5, asked_s=3600) == 3600
    assert delay_s(1, lambda: 0.5, asked_s=1) == 5
    assert delay_s(1, lambda: 0.5, asked_s=1e18) == timedelta(days=1).total_seconds()
    assert delay_s(1, lambda: 0.5, is_gone=True) == MOST_S
    assert delay_s(10_000, lambda: 0.5) == MOST_S


async def test_a_report_is_made_when_it_is_sent_and_tried_again_where_that_fails(run):
    outbox = MemoryOutbox(["ops"], 0)
    outbox.rows["ops"] = [Waiting(1, None, "day 0000-00-00", 100, 0)]
    channel = FakeChannel(folded_max=1)
    await run(outbox, channel)
    await until(lambda: outbox.log)
    assert outbox.log[0][:2] == ("failed", "the report could not be made: cannot be read")
    outbox.rows["ops"] = [Waiting(2, None, "day 2026-11-29", 100, 0)]
    outbox.due_s.clear()
    await until(lambda: channel.sent)
    assert channel.sent == ["report day 2026-11-29"]
