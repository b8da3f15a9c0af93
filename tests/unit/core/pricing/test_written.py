"""Entries as lines of a price file."""

from __future__ import annotations

from dataclasses import replace

from unit.core.pricing.test_litellm import TEXT

from processor.core.pricing import parse_prices
from processor.core.pricing.litellm import LitellmPrices
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
