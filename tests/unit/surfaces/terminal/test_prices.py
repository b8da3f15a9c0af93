"""The models that are used with their prices, and the lines for what has none."""

from __future__ import annotations

import pytest

from processor.surfaces.api.documents import PricesDocument
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells
from processor.surfaces.terminal.prices import draw_prices


@pytest.fixture
def picture(api, given_calls):
    made = given_calls.charged

    async def draw(width, *charges):
        usual = (
            made(1, 10, 1_000_000_001, model="gpt-4o", provider="openai", input_tokens=1_200_000),
            made(2, 20, 5, model="gpt-4o-with-a-very-long-name-of-2026-11-30", provider="openai"),
            made(
                3,
                30,
                model="new-1",
                provider="acme",
                service="a",
                unpriced=1,
                status="unpriced",
                trace=3,
            ),
            made(
                4,
                40,
                model="new-1",
                provider="acme",
                service="b",
                unpriced=1,
                status="unpriced",
                trace=4,
            ),
        )
        ask = api(*(charges or usual))
        document = draw_prices(await ask("/prices"), await ask("/unpriced"), width)
        return drawn(document, width, is_coloured=False)

    return draw


async def test_a_model_has_its_rates_and_the_line_that_says_them(picture):
    text = await picture(120)
    row = next(line for line in text.splitlines() if line.startswith(" gpt-4o "))
    assert row.split() == [
        "gpt-4o", "openai", "1", "1.20M", "1.0000", "2.50", "10.00", "1.25", "2.50",
        "bundled,", "line", "1",
    ]  # fmt: skip


async def test_what_has_no_price_comes_once_with_the_lines_that_give_it_one(picture):
    """Guarantees: two services with the same model need one entry."""
    text = await picture(80)
    assert "2 calls without a price" in text
    assert text.count('model: "new-1"') == 1
    assert "llm-cost reprice --since 2027" in " ".join(text.split())
    row = next(line for line in text.splitlines() if line.startswith(" new-1 "))
    assert row.endswith("no price")


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_no_line_of_the_table_is_wider_than_the_terminal(picture, width):
    assert all(cells(line) <= width for line in (await picture(width)).splitlines())


async def test_a_time_without_calls_says_so(picture, given_calls):
    text = await picture(80, given_calls.charged(1, -400 * given_calls.DAY_S, 1, model="m"))
    assert "No model was used in this time." in text


async def test_the_age_of_the_catalogue_is_named_where_it_is_asked(api):
    document = await api()("/prices")
    assert isinstance(document, PricesDocument)
    assert document.catalogue_age_days is not None
    assert document.data[0].source_line == 1
