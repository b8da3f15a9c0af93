"""Places are shared out fairly, and what arrives without progress gives way to others."""

from __future__ import annotations

import asyncio

import pytest
from conditions import until

from processor.core.errors import MemoryFullError, OverloadedError, SlowSenderError
from processor.core.memory import MemoryLimit
from processor.io.receiver.place import Peer
from processor.io.receiver.places import Places


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def peer(address, connection=1):
    return Peer(address, f"{address}:{connection}")


def make_places(clock, requests=8, arriving=8, memory=1000, wait_s=0.02):
    budget = MemoryLimit(memory)
    return Places(budget, max_requests=requests, max_arriving=arriving, wait_s=wait_s, now_s=clock)


async def at_work(places, who, size=0):
    place = await places.enter(who, size)
    place.begin_work(size)
    return place


async def test_one_that_finds_no_place_waits_and_is_then_refused(clock):
    places = make_places(clock, requests=1)
    first = await at_work(places, peer("a"))
    with pytest.raises(OverloadedError):
        await places.enter(peer("b"), 0)
    waiting = asyncio.ensure_future(places.enter(peer("b"), 0))
    await asyncio.sleep(0)
    first.close()
    assert (await waiting).peer == peer("b")
    assert len(places) == 1


async def test_who_has_least_under_way_is_served_first(clock):
    """Guarantees: a flood that waits in great numbers does not keep a small sender waiting."""
    places = make_places(clock, requests=4, wait_s=5)
    flood = [await at_work(places, peer("flood", number)) for number in range(3)]
    flood.append(await at_work(places, peer("other")))
    served = []

    async def enter(who):
        served.append((await places.enter(who, 0)).peer.address)

    waiting = [asyncio.ensure_future(enter(peer("flood", number))) for number in range(50)]
    await asyncio.sleep(0)
    waiting.append(asyncio.ensure_future(enter(peer("small"))))
    await asyncio.sleep(0)
    for place in flood[:2]:
        place.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert served[0] == "small"
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_behind_one_address_connections_share_alike(clock):
    places = make_places(clock, requests=3, wait_s=5)
    busy = [await at_work(places, peer("proxy", 1)) for _ in range(2)]
    again = asyncio.ensure_future(places.enter(peer("proxy", 1), 0))
    await asyncio.sleep(0)
    other = asyncio.ensure_future(places.enter(peer("proxy", 2), 0))
    await asyncio.sleep(0)
    busy[0].close()
    assert (await other).peer == peer("proxy", 2)
    busy[1].close()
    await again


async def test_a_part_of_the_places_is_kept_for_connections_with_little(clock):
    places = make_places(clock, requests=16)
    for _ in range(14):
        await at_work(places, peer("flood"))
    with pytest.raises(OverloadedError):
        await places.enter(peer("flood"), 0)
    await at_work(places, peer("small"))


async def test_streams_that_send_nothing_give_way_to_another_sender_at_once(clock):
    places = make_places(clock, arriving=4, wait_s=5)
    held = [await places.enter(peer("flood"), 0) for _ in range(4)]
    waiting = asyncio.ensure_future(places.enter(peer("small"), 0))
    await asyncio.sleep(0)
    ended = [place for place in held if place.reason]
    assert len(ended) == 1
    ended[0].close()
    assert (await waiting).peer == peer("small")


async def test_of_those_that_have_stalled_the_slowest_gives_way(clock):
    places = make_places(clock, arriving=3, wait_s=5)
    held = [await places.enter(peer("a", number), 0) for number in range(3)]
    for place, received in zip(held, (5000, 10, 300), strict=True):
        place.receive(received)
    clock.now_s = 2.0
    waiting = asyncio.ensure_future(places.enter(peer("b"), 0))
    await asyncio.sleep(0)
    assert [bool(place.reason) for place in held] == [False, True, False]
    waiting.cancel()


async def test_a_flood_does_not_end_the_slow_request_of_another(clock):
    places = make_places(clock, requests=4, arriving=4)
    slow = await places.enter(peer("slow"), 0)
    for _ in range(2):
        await at_work(places, peer("flood"))
    clock.now_s = 4.0
    for _ in range(3):
        with pytest.raises(OverloadedError):
            await places.enter(peer("flood"), 2000)
    assert not slow.reason


async def test_memory_is_taken_from_the_slowest_that_arrive(clock):
    places = make_places(clock, memory=1000)
    slow, quick = await places.enter(peer("a"), 400), await places.enter(peer("b"), 100)
    quick.receive(90_000)
    slow.receive(2000)
    clock.now_s = 1.5
    quick.hold(900)
    assert (slow.reason, slow.holding.size_bytes) == ("memory was needed for others", 0)
    await at_work(places, peer("c"), 50)
    with pytest.raises(MemoryFullError):
        quick.hold(5000)


async def test_nobody_is_cut_off_where_that_would_not_be_enough(clock):
    places = make_places(clock, memory=1000)
    worker = await at_work(places, peer("b"), 800)
    slow = await places.enter(peer("a"), 100)
    clock.now_s = 3.0
    with pytest.raises(MemoryFullError):
        worker.begin_work(2000)
    assert not slow.reason


async def test_a_body_that_crawls_is_refused(clock):
    places = make_places(clock)
    place = await places.enter(peer("a"), 0)
    clock.now_s = 4.0
    place.receive(1)
    clock.now_s = 5.0
    with pytest.raises(SlowSenderError):
        place.receive(1)


async def test_half_of_the_memory_is_the_most_for_what_has_not_come(clock):
    places = make_places(clock, memory=1000)
    held = [await places.enter(peer("a", number), 250) for number in range(2)]
    with pytest.raises(OverloadedError):
        await places.enter(peer("a", 3), 250)
    held[0].begin_work(10)
    await places.enter(peer("a", 3), 250)


async def test_while_enough_is_worked_on_others_wait_until_some_is_charged(clock, monkeypatch):
    """Guarantees: a flood waits where senders are served in turn, and not before the ledger."""
    monkeypatch.setattr("processor.io.receiver.places._WORKING_MAX", 2)
    places = make_places(clock, memory=2**30)
    first, second = [await at_work(places, peer("a")) for _ in range(2)]
    with pytest.raises(OverloadedError):
        await places.enter(peer("b"), 0)
    first.holding.finish_work(10)
    third = await at_work(places, peer("b"))
    assert places.memory.used_bytes == 10
    for place in (first, second, third):
        place.close()
    assert len(places) == 0


async def test_one_that_leaves_while_it_waits_takes_no_place(clock):
    places = make_places(clock, requests=1, wait_s=5)
    first = await at_work(places, peer("a"))
    waiting = asyncio.ensure_future(places.enter(peer("b"), 0))
    await asyncio.sleep(0)
    first.close()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert len(places) == 0
    assert places.memory.used_bytes == 0


async def test_of_too_many_that_wait_the_last_of_whoever_waits_most_is_refused(clock, monkeypatch):
    monkeypatch.setattr("processor.io.receiver.places._WAITING_MAX", 5)
    places = make_places(clock, requests=1, wait_s=5, memory=2**30)
    first = await at_work(places, peer("flood", 2))
    flood = [asyncio.ensure_future(places.enter(peer("flood"), 0)) for _ in range(5)]
    await asyncio.sleep(0)
    small = asyncio.ensure_future(places.enter(peer("small"), 0))
    await asyncio.sleep(0.01)
    assert [each.done() for each in flood] == [False] * 4 + [True]
    assert isinstance(flood[-1].exception(), OverloadedError)
    for each in (small, *flood[:-1]):
        each.cancel()
    await asyncio.gather(small, *flood, return_exceptions=True)
    first.close()
    assert len(places) == 0


async def test_a_body_that_is_there_keeps_its_place(clock):
    """Guarantees: while it is unpacked or converted, neither others nor memory end it."""
    places = make_places(clock, arriving=4, wait_s=5)
    held = [await places.enter(peer("a"), 250) for _ in range(2)]
    for place in held:
        place.finish_arriving(100)
    assert places.memory.used_bytes == 200
    clock.now_s = 3.0
    await places.enter(peer("b"), 0)
    with pytest.raises(MemoryFullError):
        held[0].hold(1000)
    assert not held[1].reason
    held[0].begin_work(700)


async def test_one_whose_time_is_over_already_can_be_ended(clock):
    """Guarantees: whoever needs the place does not get the error of another's timer."""
    place = await make_places(clock).enter(peer("a"), 0)

    async def arrive():
        async with asyncio.timeout(60) as place.deadline:
            await asyncio.Event().wait()

    arriving = asyncio.ensure_future(arrive())
    await asyncio.sleep(0)
    place.deadline.reschedule(0)
    # Called after the timer, and before the task that it ends goes on.
    asyncio.get_running_loop().call_soon(place.end, "its place was needed for others")
    with pytest.raises(TimeoutError):
        await arriving
    assert place.reason


async def test_a_body_whose_progress_is_not_known_is_not_the_slowest_at_once(clock):
    """gRPC does not say how much of a message has come."""
    places = make_places(clock)
    place = await places.enter(peer("a"), 0)
    place.received_bytes = None
    clock.now_s = 4.0
    assert place.rate(clock.now_s) == float("inf")
    clock.now_s = 5.0
    assert place.rate(clock.now_s) == 0
    place.end("its place was needed for others")
    with pytest.raises(OverloadedError, match="before the request body had arrived"):
        place.ensure_kept()


async def test_one_that_stalls_later_gives_way_to_those_who_wait(clock, monkeypatch):
    monkeypatch.setattr("processor.io.receiver.places._LOOK_AGAIN_S", 0.001)
    places = make_places(clock, arriving=2, wait_s=5, memory=2**30)
    slow, quick = [await places.enter(peer(name), 0) for name in "ab"]
    slow.receive(10)
    quick.receive(10_000)
    waiting = [asyncio.ensure_future(places.enter(peer("c", number), 0)) for number in range(3)]
    await asyncio.sleep(0)
    assert not slow.reason
    clock.now_s = 2.0
    await until(lambda: slow.reason)
    slow.close()
    assert (await waiting[0]).peer == peer("c", 0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_waiting_takes_the_same_effort_however_many_wait(clock, monkeypatch):
    """Guarantees: while nobody has to make way, only the first who waits looks for one who has."""
    monkeypatch.setattr("processor.io.receiver.places._LOOK_AGAIN_S", 0.001)
    places = make_places(clock, requests=1, wait_s=5, memory=2**30)
    first = await at_work(places, peer("a"))
    looked = []
    monkeypatch.setattr(places, "_make_way", looked.append)
    waiting = [asyncio.ensure_future(places.enter(peer("b", each), 0)) for each in range(500)]
    await until(lambda: len(looked) >= 510)
    assert {who.connection for who in looked[500:]} == {"b:0"}
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    first.close()
