"""Price files in a line or two, compiled."""

from __future__ import annotations

import pytest

from processor.core.insight import Prices
from processor.core.pricing import compile_catalog, parse_prices


def compiled(*entries, **more):
    """Prices of these entries alone, the catalogue aside."""
    lines = ["catalogue: {source: none}", "models:", *(f"  - {entry}" for entry in entries)]
    lines += [f"{key}: {value}" for key, value in more.items()]
    file = parse_prices("\n".join(lines if entries else [lines[0], *lines[2:]]), "prices.yaml")
    return Prices(file, compile_catalog(file))


@pytest.fixture(scope="session")
def prices():
    """Makes prices from entries."""
    return compiled
