"""Health by what the backends make of requests that were acknowledged or taken in part."""

from dataclasses import replace

import pytest
from unit.surfaces.metrics.conftest import BACKLOG

from processor.core.counters import DestinationCounters, DestinationState
from processor.surfaces.queries.deliveries import RecentDeliveries


class Observed:
    """Backends whose counters a test moves, and a clock that it moves too."""

    def __init__(self):
        self.now_s = 1000.0
        self.counters = {"a": DestinationCounters(), "b": DestinationCounters()}
        self.aside = dict.fromkeys(self.counters, 0)
        self.deliveries = RecentDeliveries(lambda: self.now_s)
        self.names = ["a"]
        assert self.verdict == (False, ())

    def wait(self, seconds):
        for _ in range(seconds):
            self.now_s += 1.0
            self.deliveries.verdict(self.states())

    def states(self):
        return [
            DestinationState(
                name, self.counters[name], replace(BACKLOG, set_aside={"x": self.aside[name]})
            )
            for name in self.names
        ]

    def take(self, count, in_part=0, items=0, name="a"):
        self.counters[name].sent += count
        self.counters[name].sent_in_part += in_part
        self.counters[name].rejected_items += items

    @property
    def verdict(self):
        return self.deliveries.verdict(self.states())


@pytest.fixture
def seen():
    return Observed()


def test_a_backend_that_rejects_every_item_is_named_and_is_no_failure(seen):
    seen.take(60, in_part=60, items=600)
    reason = "a rejected 600 items, of 60 of 60 requests, in 30 s"
    assert seen.verdict == (False, (reason,))
    seen.wait(40)
    assert seen.verdict == (False, ())


def test_few_that_are_taken_in_part_say_nothing(seen):
    seen.take(2, in_part=2, items=2)
    assert seen.verdict == (False, ())
    seen.take(98, in_part=3, items=3)
    assert seen.verdict == (False, ())


def test_nearly_all_set_aside_is_a_failure_until_others_are_taken(seen):
    seen.aside["a"] = 60
    seen.take(2)
    reason = "a refused 60 of 62 requests in 30 s that were acknowledged, and they are set aside"
    assert seen.verdict == (True, (reason,))
    seen.wait(6)
    assert seen.verdict == (True, (reason,))
    seen.take(1)
    is_failing, reasons = seen.verdict
    assert not is_failing
    assert reasons
    seen.wait(40)
    assert seen.verdict == (False, ())


def test_another_backend_that_takes_requests_is_enough(seen):
    seen.names = ["a", "b"]
    seen.aside["a"] = 60
    seen.take(5, name="b")
    is_failing, reasons = seen.verdict
    assert not is_failing
    assert len(reasons) == 1
