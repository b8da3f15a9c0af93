"""Prices as an operator writes them -> femto-USD per unit, and the check for mistakes of scale."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from processor.core.files.document import Findings, Path
from processor.core.model import Usage
from processor.core.money import FEMTO_PER_USD
from processor.core.pricing.shapes import Partial
from processor.core.pricing.tariff import UNIT_FIELDS

UNITS: dict[str, int] = {"per_1m": 10**6, "per_1k": 10**3, "per_token": 1}

_MAIN_KEYS = ("input", "output")
TOKEN_KEYS = (
    *_MAIN_KEYS,
    *(name for name in Usage._fields if name not in {*UNIT_FIELDS, *_MAIN_KEYS}),
)
"""Keys of prices for tokens, those that every entry has first; each is a field of `model.Usage`."""
UNIT_KEYS: dict[str, tuple[str, int]] = {
    "request": ("requests", 1),
    "web_search": ("web_searches", 1),
    "search": ("searches", 1),
    "character": ("characters", 1),
    "second": ("duration_ms", 1000),
    "image": ("images", 1),
    "page": ("pages", 1),
}
"""Keys of all other prices, in USD for one whatever the unit of the entry: the field of
`model.Usage`, and how many of it make one."""

RATE_KEYS = (*TOKEN_KEYS, *UNIT_KEYS)
RATE_SPELLINGS: dict[str, tuple[str, str]] = {key: (key, "") for key in RATE_KEYS} | {
    f"{key}_{unit}": (key, unit) for key in RATE_KEYS for unit in UNITS
}
"""Each key of a price, also with its unit: ``input_per_1k`` -> ``("input", "per_1k")``."""

_MAX_USD = Decimal(1_000_000)
_DOUBTFUL_FEMTO = 500 * 10**9  # 500 USD for a million tokens
_LEAST_OUTPUT_SHARE = 10


class GivenPrice(NamedTuple):
    """One price as it stands in a file."""

    place: Path
    name: str
    """One of `RATE_KEYS`."""
    unit: str
    """One of `UNITS`, ``""`` where the key names none."""
    amount: Decimal


class Scale:
    """The unit and currency of the prices in one entry; no two units may be mixed in it."""

    def __init__(self, unit: str, usd_rate: Decimal, *, explicit: bool) -> None:
        """Prices without a unit of their own are for `unit`; one of money is `usd_rate` USD.

        `explicit` says that the entry itself names the unit, so that it counts as used.
        """
        self.unit = unit
        self.usd_rate = usd_rate
        self.used: set[str] = {unit} if explicit else set()


def rates_of(given: Iterable[GivenPrice], scale: Scale, findings: Findings) -> Partial:
    """The rates that the prices of one map mean."""
    rates: dict[str, int] = {}
    for price in given:
        if price.name in TOKEN_KEYS:
            unit = price.unit or scale.unit
            scale.used.add(unit)
            field, per = price.name, UNITS[unit]
        else:
            field, size = UNIT_KEYS[price.name]
            per = size * (UNITS[price.unit] if price.unit else 1)
        usd = price.amount * scale.usd_rate / per
        if usd > _MAX_USD:
            findings.problem(price.place, f"is more than {_MAX_USD:,} USD for one unit")
            usd = Decimal(0)
        rates[field] = int((usd * FEMTO_PER_USD).to_integral_value())
    return rates


def check_units(scale: Scale, place: Path, findings: Findings) -> None:
    """Refuse an entry that mixes units: one of its prices is then likely off by a factor 1000."""
    if len(scale.used) > 1:
        both = " and ".join(sorted(scale.used))
        findings.problem(place, f"mixes prices {both}", "use one unit within an entry")


def check_plausible(rates: Partial, place: Path, findings: Findings) -> None:
    """Warn of prices that look a thousandfold off, or swapped."""
    fix = "check the unit"
    for name in ("input", "output"):
        if rates.get(name, 0) > _DOUBTFUL_FEMTO:
            findings.warning((*place, name), "is over 500 USD for a million tokens", fix)
    given, produced = rates.get("input", 0), rates.get("output", 0)
    if rates.get("cache_read", 0) > given:
        findings.warning((*place, "cache_read"), "is more expensive than input", fix)
    if 0 < produced < given / _LEAST_OUTPUT_SHARE:
        findings.warning((*place, "output"), "is less than a tenth of input", fix)
