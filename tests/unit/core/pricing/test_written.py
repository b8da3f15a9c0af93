"""Entries as lines of a price file."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from unit.core.pricing.test_litellm import TEXT

from processor.core.pricing import parse_prices
from processor.core.pricing.litellm import LitellmPrices
from processor.core.pricing.shapes import BEGINNING_NS, PriceEntry, PriceStep, ServiceTier
from processor.core.pricing.written import entry_lines


def without_zeros(entry):
    """An entry as prices see it: 0 for input or output may be written out or not."""
    [step] = entry.steps
    rates = {name: rate for name, rate in step.rates.items() if rate}
    return replace(entry, steps=(step._replace(rates=rates),))


def test_what_is_written_is_read_as_the_same_entries():
    """Guarantees: an import changes no price, tier, region or schedule."""
    entries = [entry for model in LitellmPrices(TEXT, "x") if (entry := model.entry)]
    lines = ["models:", *(f"  {line}" for entry in entries for line in entry_lines(entry))]
    file = parse_prices("\n".join(lines), "pricing.yaml")
    assert len(entries) > 15
    assert [*map(without_zeros, file.entries)] == [*map(without_zeros, entries)]


def test_prices_are_written_as_people_write_them():
    [entry] = [model.entry for model in LitellmPrices(TEXT, "x") if model.name == "speech-x"]
    assert list(entry_lines(entry)) == [
        "- provider: openai",
        "  model: speech-x",
        "  prices: [{character: 0.000015}]",
    ]


@pytest.mark.parametrize(
    ("multiplier", "written"),
    [
        (Fraction(1, 3), "1/3"),
        (Fraction(11, 10), "1.1"),
        (Fraction(1), "1"),
        (Fraction(20), "20"),
        (Fraction(1, 2**30), "0.000000000931322574615478515625"),
        (Fraction(123_456_789_012_345, 10**14), "1.23456789012345"),
        (Fraction(10**20 + 1, 3 * 10**20), "100000000000000000001/300000000000000000000"),
    ],
)
def test_a_multiplier_is_written_exactly(multiplier, written):
    """Guarantees: what is read again is the same number, however many places it has."""
    step = PriceStep(BEGINNING_NS, {"input": 10**9, "output": 10**9})
    entry = PriceEntry(
        "openai", "m", steps=(step,), service_tiers={"flex": ServiceTier({}, multiplier)}
    )
    entry = replace(entry, regions={"eu": multiplier})
    lines = list(entry_lines(entry))
    assert f"  regions: {{eu: {written}}}" in lines
    (read,) = parse_prices("\n".join(["models:", *lines]), "pricing.yaml").entries
    assert (read.regions["eu"], read.service_tiers["flex"].multiplier) == (multiplier, multiplier)
