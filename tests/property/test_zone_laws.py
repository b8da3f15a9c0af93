"""Laws of the days of the reporting zone: a change of it moves nothing that was added up before.

Whenever a store is closed, its hours and days are compared with those that its charges would make
under the zones that it has had; see `agreement`.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from answers import total_of
from hypothesis import given
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import START_NS, batch_of, deliveries, expected_costs, policy

from processor.core.budgets.window import BUCKET_S
from processor.core.budgets.zones import ReportingZones
from processor.core.questions import Stored, UsageQuestion, plan_reading
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

START_S = START_NS // 10**9
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Pacific/Apia",
    )
]  # fmt: skip
changes = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(ZONES), st.integers(-2 * 86400, 3600)), max_size=3
)


@law(deliveries(), changes, examples=60)
async def test_a_change_of_zone_between_batches_leaves_every_sum_right(open_store, delivery, found):
    """Guarantees: also where charges of before the change move after it."""
    forest, batches = delivery
    store = open_store("ledger")
    ledger = Ledger(store, policy(), Limits())
    await ledger.start()
    for number, group in enumerate(batches):
        for at, zone, before_s in found:
            if at == number:
                zones = store.zones.with_zone(zone, START_S + before_s)
                await ledger._writer.ask(lambda zones=zones: change(store, zones))
        await ledger.post(batch_of(group))
    total = await total_of(ledger)
    assert total.cost_nano_usd == sum(expected_costs(forest).values())
    await ledger.close()


def change(store, zones):
    """As budgets with another zone do, for days that have no charge yet.

    A ledger never goes back in time: where charges are already, the zone that they have stays.
    """
    charged = store._db.execute("SELECT COALESCE(MAX(end_s), 0) FROM charges").get
    before, after = (
        [zone for zone in each.zones if zone.start_s <= charged] for each in (store.zones, zones)
    )
    if before == after:
        store.begin()
        store.set_zones(zones)
        store.commit()


histories = st.lists(
    st.tuples(st.sampled_from(ZONES), st.integers(0, 20 * 86400)), min_size=1, max_size=4
)
moments = st.integers(-10 * 86400, 40 * 86400).map(lambda offset_s: START_S + offset_s)


def history(drawn):
    """Zones that came into force one after the other."""
    zones, now_s = ReportingZones.of(drawn[0][0]), START_S
    for zone, later_s in drawn[1:]:
        now_s += later_s
        zones = zones.with_zone(zone, now_s)
    return zones


@given(histories, moments)
def test_every_moment_is_in_one_day_and_one_cell(drawn, time_s):
    zones = history(drawn)
    cells = [
        of(time_s) for of in (zones.month_of, zones.month_part_of, zones.day_of, zones.cell_of)
    ]
    for start_s, end_s in cells:
        assert start_s <= time_s < end_s
        assert start_s % BUCKET_S == end_s % BUCKET_S == 0
    for outer, inner in pairwise(cells):
        assert outer[0] <= inner[0]
        assert inner[1] <= outer[1], "each is made of whole ones of the next"


@given(
    histories, st.integers(1, 3600), st.tuples(moments, moments, moments, moments),
    st.sampled_from(["agent", "user"]),
)  # fmt: skip
def test_a_plan_has_every_moment_once_and_whole_cells_only(drawn, left_s, times_s, name):
    """Guarantees: also where zones came into force in the last hour of a day.

    What is read of a cell beyond the range is taken off again, or comes after the last charge.
    """
    zones = history(drawn)
    for zone in ZONES[:2]:
        _, end_s = zones.day_of(
            zones.zones[-1].start_s + 86400 if len(zones.zones) > 1 else START_S
        )
        zones = zones.with_zone(zone, end_s - left_s)
    one_s, other_s, until_s, last_s = times_s
    start_s, end_s = min(one_s, other_s), max(one_s, other_s) + 1
    until_s = zones.day_of(until_s)[0]
    plan = plan_reading(
        UsageQuestion(start_s, end_s, (name,)),
        Stored(zones, months_until_s=until_s, last_charge_s=last_s),
    )
    assert not plan.left_out
    steps = Counter[int]()
    cells = {
        "months": zones.month_of, "month_parts": zones.month_part_of, "days": zones.day_of,
        "user_days": zones.day_of, "hours": zones.cell_of,
    }  # fmt: skip
    for each in plan.segments:
        sign = -1 if each.is_taken_off else 1
        steps[each.start_s] += sign
        steps[each.end_s] -= sign
        if each.source in cells:
            of = cells[each.source]
            assert of(each.start_s)[0] == each.start_s
            assert of(each.end_s)[0] == each.end_s or (
                each.source.startswith("month") and each.end_s == until_s
            )
    covered = sorted((at, step) for at, step in steps.items() if step and at <= last_s)
    wanted = ((start_s, 1), (end_s, -1))
    assert covered == [(at, step) for at, step in wanted if at <= last_s]


@given(histories, moments)
def test_days_and_cells_follow_each_other(drawn, time_s):
    zones = history(drawn)
    for of in (zones.month_of, zones.month_part_of, zones.day_of, zones.cell_of):
        start_s, end_s = of(time_s)
        assert of(end_s)[0] == end_s
        assert of(start_s) == (start_s, end_s)
        assert of(start_s - 1)[1] == start_s


@given(histories, st.integers(0, 3600))
def test_a_change_moves_no_day_that_has_begun(drawn, later_s):
    zones = history(drawn)
    now_s = zones.zones[-1].start_s + 10 * 86400 + later_s if len(zones.zones) > 1 else START_S
    changed = zones.with_zone(ZoneInfo("Asia/Tokyo"), now_s)
    midnight = datetime.fromtimestamp(now_s, UTC) + timedelta(days=2)
    for time_s in range(now_s - 3 * 86400, now_s, 7200):
        assert changed.day_of(time_s)[0] == zones.day_of(time_s)[0]
    after_s = int(midnight.timestamp())
    start_s, end_s = changed.day_of(after_s)
    assert datetime.fromtimestamp(start_s, ZoneInfo("Asia/Tokyo")).hour == 0
    assert end_s - start_s == 86400
