"""What is spent at this moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from processor.core.budgets import parse_budgets
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells
from processor.surfaces.terminal.top import (
    TopView,
    day_at_this_rate_usd,
    draw_top,
    figures_of,
    rate_usd_per_min,
)

BUDGETS = "budgets:\n- {name: all-daily, scope: total, window: day, limit_usd: 4, warn_at: [0.5]}\n"


@pytest.fixture
def view(api, given_calls):
    """At 08:00, with a call of an hour ago, one of half past, and two of the last minutes."""
    now_s = given_calls.NOW_S - given_calls.TODAY_S

    async def make(*more):
        made = given_calls.charged
        charges = (
            made(1, now_s - 5400, 1_000_000_000, model="gpt-4o", agent="writer", user="ada"),
            made(2, now_s - 120, 500_000_000, model="gpt-4o", input_tokens=900),
            made(3, now_s - 60, 0, model="who", unpriced=1, trace=3),
            *more,
        )
        ask = api(*charges, policy=parse_budgets(BUDGETS, "b.yaml"))
        start = datetime.fromtimestamp(given_calls.NOW_S, UTC)
        since = start.replace(minute=0).isoformat()
        minutes = datetime.fromtimestamp(given_calls.NOW_S - 300, UTC).isoformat()
        return TopView(
            today=await ask("/costs", ("window", "today")),
            hour=await ask("/costs", ("starting_at", since)),
            recent=await ask("/costs", ("starting_at", minutes)),
            calls=await ask("/calls"),
            budgets=await ask("/budgets"),
            now=start,
            source="answered by the test",
        )

    return make


async def test_the_day_at_this_rate_is_what_was_spent_and_the_rate_until_midnight(view):
    shown = await view()
    assert rate_usd_per_min(shown.recent) == Decimal("0.1")
    # 1.5 so far, and 16 hours of 0.1 a minute.
    assert day_at_this_rate_usd(shown) == Decimal("97.5")
    figures = figures_of(shown)
    assert figures["today_usd"] == "1.500000000"
    assert figures["rate_usd_per_min"] == "0.100000000"
    assert figures["day_at_this_rate_usd"] == "97.500000000"
    assert figures["at_least"] is True


async def test_the_picture_says_what_is_spent_and_by_whom(view):
    text = drawn(draw_top(await view(), 80, 24), 80, is_coloured=False)
    lines = text.splitlines()
    assert lines[0].split() == ["answered", "by", "the", "test", "2027-01-15", "08:00:00", "UTC"]
    assert "≥ $1.5000  3 calls, 1 of unknown cost, 900 tokens" in text
    assert "≥ $0.1000  a minute, 2 calls" in text
    assert "today at this rate" in text
    assert "all-daily  everything" in text
    assert [line.split()[0] for line in lines[-3:]] == ["07:59:00", "07:58:00", "06:30:00"]
    assert lines[-3].endswith("unknown")
    assert lines[-1].split() == ["06:30:00", "gpt-4o", "writer", "ada", "$1.0000"]


async def test_where_there_is_no_room_for_all_names_some_are_left_out_and_none_is_cut(
    view, given_calls
):
    """Guarantees: a model and an agent can be read at 80 columns; session and user need more."""
    call = given_calls.charged(
        9, 30_000, 10**9, trace=9, model="text-embedding-3-small", agent="knowledge-search",
        user="batch-importer", session="0123456789abcdef", input_tokens=10_881,
    )  # fmt: skip
    shown = {}
    for width in (80, 90, 120):
        text = drawn(draw_top(await view(call), width, 24), width, is_coloured=False)
        (shown[width],) = (line for line in text.splitlines() if "knowledge-search" in line)
        assert "text-embedding-3-small  knowledge-search" in shown[width]
    assert ["batch-importer" in line for line in shown.values()] == [False, True, True]
    assert ["0123456789abcdef" in line for line in shown.values()] == [False, False, True]


async def test_a_rate_that_is_at_least_next_to_nothing_is_not_less_than_it_too(view):
    shown = await view()
    recent = shown.recent.totals.model_copy(update={"cost_usd": "0.000000100"})
    shown = replace(shown, recent=shown.recent.model_copy(update={"totals": recent}))
    text = drawn(draw_top(shown, 80, 24), 80, is_coloured=False)
    assert "≥ $0.0000  a minute, 2 calls" in text


async def test_a_call_of_another_day_has_its_date(view, given_calls):
    shown = await view(given_calls.charged(9, -3600, 10**9, model="gpt-4o", trace=9))
    last = drawn(draw_top(shown, 80, 24), 80, is_coloured=False).splitlines()[-1]
    assert last.split()[:2] == ["01-14", "23:00"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 20)])
async def test_the_picture_fits(view, given_calls, width, height):
    many = [
        given_calls.charged(n, 10 + n, 1, model="m" * 60, agent="a" * 60, user="u" * 60, trace=n)
        for n in range(10, 60)
    ]
    lines = drawn(draw_top(await view(*many), width, height, "q ends"), width, is_coloured=False)
    assert len(lines.splitlines()) <= height
    assert all(cells(line) <= width for line in lines.splitlines())
    assert "q ends" in lines


async def test_without_calls_it_says_so(api, view):
    shown = await view()
    empty = await api()("/calls", ("window", "yesterday"), ("filter[model]", "nothing"))
    text = drawn(
        draw_top(
            TopView(
                shown.today, shown.hour, shown.recent, empty, shown.budgets, shown.now, "x",
                "no answer; what is shown is older",
            ), 80, 24,
        ), 80, is_coloured=False,
    )  # fmt: skip
    assert "none yet" in text
    assert "no answer; what is shown is older" in text
