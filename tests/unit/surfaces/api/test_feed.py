"""What is new reaches all who listen, once, in order, and a gap is named."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from processor.core.errors import OverloadedError
from processor.core.model import Totals
from processor.surfaces.api import feed as feeds
from processor.surfaces.api.feed import Feed
from processor.surfaces.queries import AsOf, CallsRequest, News, Position


class Costs:
    """A ledger of numbered calls, of which a test adds some."""

    def __init__(self, call):
        self.call = call
        self.calls = []
        self.asked = 0
        self.changed = asyncio.Event()

    def add(self, count):
        self.calls += [
            self.call._replace(
                id=len(self.calls) + at + 1, span_id=(len(self.calls) + at).to_bytes(8)
            )
            for at in range(count)
        ]

    async def news(self, known):
        self.asked += 1
        version = str(len(self.calls))
        if version == known.version:
            return None
        after = len(self.calls) if known.position is None else known.position.call
        new = self.calls[after:]
        is_cut = after > len(self.calls) or len(new) > 200
        totals = [Totals(cost_nano_usd=len(self.calls))] * 3
        position, moment = Position(len(self.calls), 0), AsOf(1, 1, version)
        return News(new[-200:], (), is_cut, position, totals, "UTC", 0, moment)


@pytest.fixture
async def costs(ask, given_calls):
    queries = ask(given_calls.charged(1, 10, 5, agent="a"))
    [call] = (await queries.calls(CallsRequest())).calls
    return Costs(call)


async def take(events, count):
    return [await asyncio.wait_for(anext(events), 10) for _ in range(count)]


async def test_who_listens_gets_the_totals_at_once_and_then_what_is_new(costs):
    costs.add(3)
    feed = Feed(costs, 0.01)
    async with aclosing(feed.listen()) as events:
        [first] = await take(events, 1)
        assert (first.name, first.id) == ("totals", "3.0")
        assert json.loads(first.data)["today"]["cost_usd"] == "0.000000003"
        await asyncio.sleep(0.05)
        costs.add(2)
        calls, totals = await take(events, 2)
        assert (calls.name, totals.name) == ("calls", "totals")
        assert [call["span_id"][-1] for call in json.loads(calls.data)["data"]] == ["3", "4"]


async def test_who_comes_back_goes_on_from_its_last_event(costs):
    """Guarantees: what came meanwhile is sent; also what the program did not see itself."""
    costs.add(5)
    async with aclosing(Feed(costs, 0.01).listen("3.0")) as events:
        calls, totals = await take(events, 2)
        assert len(json.loads(calls.data)["data"]) == 2
        assert (calls.id, totals.id) == ("5.0", "5.0")


@pytest.mark.parametrize("last_id", ["x", "99.0", "1", "9" * 30 + ".0"])
async def test_a_position_of_another_ledger_is_a_gap(costs, last_id):
    costs.add(1)
    async with aclosing(Feed(costs, 0.01).listen(last_id)) as events:
        [gap] = await take(events, 1)
        assert gap.name == "gap"


async def test_more_than_events_are_sent_of_is_a_gap(costs):
    costs.add(300)
    async with aclosing(Feed(costs, 0.01).listen("0.0")) as events:
        gap, calls, _ = await take(events, 3)
        assert (gap.name, calls.name, len(json.loads(calls.data)["data"])) == ("gap", "calls", 200)


async def test_a_slow_listener_misses_some_and_is_told(costs, monkeypatch):
    """Guarantees: what waits for one listener is bounded."""
    monkeypatch.setattr(feeds, "_WAITING_MAX", 2)
    async with aclosing(Feed(costs, 0.001).listen()) as events:
        await take(events, 1)
        for _ in range(5):
            costs.add(1)
            await asyncio.sleep(0.05)
        names = [event.name for event in await take(events, 3)]
        assert names == ["calls", "totals", "gap"]


async def test_nothing_falls_between_what_is_read_and_what_is_given(costs):
    """Guarantees: who begins to listen amid traffic gets each call that comes after its totals."""
    costs.add(1)
    news = costs.news

    async def news_amid_traffic(known):
        found = await news(known)
        costs.add(1)  # It is committed just after the ledger was read.
        await asyncio.sleep(0)
        return found

    costs.news = news_amid_traffic
    seen = []
    async with aclosing(Feed(costs, 0.005).listen()) as events:
        [first] = await take(events, 1)
        begun = int(first.id.partition(".")[0])
        for event in await take(events, 20):
            if event.name == "calls":
                seen += [int(call["span_id"], 16) for call in json.loads(event.data)["data"]]
    assert set(range(begun, max(seen) + 1)) <= set(seen)


async def test_nothing_is_read_while_nobody_listens(costs):
    feed = Feed(costs, 0.001)
    await asyncio.sleep(0.02)
    assert costs.asked == 0
    async with aclosing(feed.listen()) as events:
        await take(events, 1)
    asked = costs.asked
    await asyncio.sleep(0.05)
    assert costs.asked == asked


async def test_the_ledger_is_read_once_for_all(costs):
    feed = Feed(costs, 0.02)
    async with aclosing(feed.listen()) as first, aclosing(feed.listen()) as second:
        await take(first, 1)
        await take(second, 1)
        costs.add(1)
        assert [event.name for event in await take(first, 2)] == ["calls", "totals"]
        assert [event.name for event in await take(second, 2)] == ["calls", "totals"]
        asked = costs.asked
        await asyncio.sleep(0.1)
        assert costs.asked - asked <= 6


async def test_how_many_listen_is_bounded(costs, monkeypatch):
    monkeypatch.setattr(feeds, "_LISTENERS_MAX", 1)
    feed = Feed(costs, 0.01)
    async with aclosing(feed.listen()) as events:
        await take(events, 1)
        with pytest.raises(OverloadedError):
            await anext(feed.listen())


async def test_listeners_that_come_at_the_same_moment_are_no_more_than_may_be(costs):
    """Guarantees: between looking how many there are and being one of them, nobody else comes."""
    feed = Feed(costs, 60)
    many = [feed.listen() for _ in range(50)]
    found = await asyncio.gather(*(anext(each) for each in many), return_exceptions=True)
    assert sum(isinstance(each, OverloadedError) for each in found) == 18
    for each in many:
        await each.aclose()


async def test_a_listener_that_has_missed_some_counts_from_its_first_event_on(costs, monkeypatch):
    """Guarantees: the limit is not exceeded by those who begin with a gap."""
    monkeypatch.setattr(feeds, "_LISTENERS_MAX", 1)
    feed = Feed(costs, 0.01)
    async with aclosing(feed.listen("x")) as events:
        assert [event.name for event in await take(events, 1)] == ["gap"]
        with pytest.raises(OverloadedError):
            await anext(feed.listen())


async def test_listeners_stay_while_the_ledger_is_not_to_be_read(costs, caplog):
    async with aclosing(Feed(costs, 0.01).listen()) as events:
        await take(events, 1)
        news = costs.news

        async def fail(_):
            raise OSError("no disk")

        costs.news = fail
        await asyncio.sleep(0.05)
        costs.news = news
        costs.add(1)
        assert [event.name for event in await take(events, 2)] == ["calls", "totals"]
    assert len([record for record in caplog.records if record.exc_info]) == 1
