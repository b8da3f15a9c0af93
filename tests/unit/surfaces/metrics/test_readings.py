"""When metrics read the ledger, and what they show when that fails."""

import asyncio
import dataclasses

import pytest

from processor.core.errors import LedgerUnavailableError, StoppingError
from processor.core.questions import CrossingCount
from processor.surfaces.metrics import Exposition
from processor.surfaces.metrics import readings as module
from processor.surfaces.metrics.budget_metrics import read_budgets
from processor.surfaces.metrics.declaration import PREFIX


@pytest.fixture
def clock(monkeypatch):
    """Moves both clocks; returns a function that lets seconds pass."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "time", lambda: 1.8e9 + now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


async def test_scrapes_that_follow_each_other_closely_read_once(readings, costs, clock):
    for _ in range(3):
        await readings.renew()
    assert costs.asked == 1
    clock(1.1)
    await readings.renew()
    assert costs.asked == 2


async def test_scrapes_at_the_same_time_share_one_reading(readings, costs):
    await asyncio.gather(*(readings.renew() for _ in range(5)))
    assert costs.asked == 1


async def test_what_takes_long_is_read_the_less_often(readings, costs, clock):
    """Guarantees: in a large ledger too, reading for metrics takes 2 % of a reader's time."""
    spend = costs.spend

    async def slow():
        clock(0.4)
        return await spend()

    readings.spend._read = slow
    await readings.renew()
    clock(19)
    await readings.renew()
    assert costs.asked == 1
    clock(2)
    await readings.renew()
    assert costs.asked == 2


async def test_a_scrape_does_not_wait_for_what_takes_long(readings, costs, monkeypatch):
    """Guarantees: it shows what it has, and the next one what comes."""
    monkeypatch.setattr(module, "_WAITED_S", 0.01)
    costs.delay_s = 0.1
    await readings.renew()
    assert readings.spend.value is None
    await readings.spend.renew()
    assert readings.spend.value is not None
    assert costs.asked == 1


async def test_a_scrape_that_is_given_up_ends_no_reading(readings, costs):
    costs.delay_s = 0.05
    scrape = asyncio.create_task(readings.renew())
    await asyncio.sleep(0.01)
    scrape.cancel()
    await readings.spend.renew()
    assert readings.spend.value is not None


async def test_a_failed_reading_is_counted_and_the_last_one_is_shown_for_a_minute(
    readings, costs, clock, caplog
):
    """Guarantees: what could not be read is never shown as zero, and never for long as it was."""
    await readings.renew()
    costs.error = LedgerUnavailableError("the disk is gone")
    clock(30)
    await readings.renew()
    assert readings.spend.value is not None
    clock(31)
    await readings.renew()
    assert readings.spend.value is None
    shown = {(each.metric.name, *each.labels): each.value for each in readings.samples()}
    assert shown[f"{PREFIX}costs_failed_reads_total", "spend"] == 2
    assert shown[f"{PREFIX}costs_failed_reads_total", "budgets"] == 0
    assert shown[f"{PREFIX}costs_last_success_timestamp_seconds", "spend"] == 1.8e9 + 1000
    assert caplog.text.count("the disk is gone") == 1
    costs.error = None
    clock(2)
    await readings.renew()
    assert readings.spend.value is not None


def test_what_was_never_read_is_left_out(sources, costs):
    costs.error = LedgerUnavailableError("no")
    sources.costs.spend._value = None
    text = Exposition(sources).render().decode()
    assert "llm_cost_total_dollars" not in text
    assert "llm_budget_ratio" in text


async def test_a_scrape_while_the_process_stops_is_no_failure(readings, costs, clock, caplog):
    await readings.renew()
    costs.error = StoppingError("the ledger is closed")
    clock(2)
    await readings.renew()
    assert readings.spend.value is not None
    assert (readings.spend.failures, caplog.text) == (0, "")


async def test_where_it_is_switched_off_nothing_is_read_or_shown(costs):
    readings = module.CostReadings(costs, lambda: costs.policy, is_shown=False)
    await readings.renew()
    assert (costs.asked, readings.spend.value, readings.budgets.value) == (0, None, None)
    assert list(readings.samples()) == []


async def shown_of(readings):
    """Values by name without its beginning, budget and further labels."""
    await readings.renew()
    found = readings.budgets.value
    return {
        (each.metric.name.removeprefix("llm_budget_"), each.labels[0], *each.labels[3:]): each.value
        for each in read_budgets(*found, readings.crossings)
    }


async def test_budgets_are_shown_in_their_unit(readings, costs):
    costs.states.append(costs.state("user-day", "user", 1000, "tokens", 250))
    costs.states.append(costs.state("user-day", "user", 2000, "tokens", 100))
    shown = await shown_of(readings)
    assert shown["spent_dollars", "month"] == 9.0
    assert shown["limit_dollars", "month"] == 10.0
    assert shown["ratio", "month"] == 0.9
    assert shown["at_least", "month"] is True
    assert (shown["spent_tokens", "user-day"], shown["limit_tokens", "user-day"]) == (250, 1000)
    assert shown["ratio", "user-day"] == 0.25


@pytest.mark.parametrize("at_least", [False, True])
async def test_what_was_spent_is_at_least_where_every_other_answer_says_so(
    readings, costs, at_least
):
    """Guarantees: a budget that is being filled is exact where other sums have what was spent."""
    state = costs.state("user-day", "user", 1000, "tokens", 250, at_least=at_least)
    costs.states = [dataclasses.replace(state, progress=0.5)]
    assert (await shown_of(readings))["at_least", "user-day"] is at_least


async def test_a_budget_that_nobody_has_used_is_at_zero(readings):
    shown = await shown_of(readings)
    assert (shown["spent_tokens", "user-day"], shown["ratio", "user-day"]) == (0, 0)


async def test_of_sessions_only_crossings_are_shown(readings):
    """Guarantees: a session that was over its limit last year alerts nobody today."""
    shown = await shown_of(readings)
    assert [key for key in shown if key[1] == "session"] == [("crossings_total", "session", "1")]


async def test_crossings_are_counted_for_ever_and_ids_in_the_window_of_now(readings, costs, clock):
    today = int(1.8e9) // 86_400 * 86_400
    limits = {"limit": 1000, "unit": "tokens", "threshold": 1.0}
    costs.crossings = [
        CrossingCount("user-day", "user", today - 86_400, ids=5, **limits),
        CrossingCount("user-day", "user", today, ids=2, **limits),
        CrossingCount("user-day", "user", today, ids=4, **limits | {"limit": 7}),
    ]
    shown = await shown_of(readings)
    assert shown["crossings_total", "user-day", "1"] == 11
    assert shown["crossed_ids", "user-day", "1"] == 2
    assert shown["crossings_total", "month", "0.8"] == 0
    costs.crossings.append(CrossingCount("user-day", "user", today, ids=1, **limits))
    clock(6)
    shown = await shown_of(readings)
    assert shown["crossings_total", "user-day", "1"] == 12
    assert shown["crossed_ids", "user-day", "1"] == 3
