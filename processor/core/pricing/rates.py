"""Prices as an operator writes them -> femto-USD per unit, and the check for slips of scale."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from processor.core.files.document import Path
from processor.core.pricing.reading import Reader
from processor.core.pricing.shapes import Partial

UNITS: dict[str, int] = {"per_1m": 10**6, "per_1k": 10**3, "per_token": 1}

_FEMTO_PER_USD = 10**15

TOKEN_KEYS: dict[str, str] = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "reasoning": "reasoning",
    "audio_input": "audio_input",
    "image_input": "image_input",
    "audio_output": "audio_output",
    "image_output": "image_output",
}
FEE_KEYS: dict[str, str] = {"request": "requests", "web_search": "web_searches"}
"""Keys of a price -> fields of `model.Usage`. Fees are in USD for one, whatever the unit."""

RATE_KEYS = frozenset(TOKEN_KEYS) | frozenset(FEE_KEYS)

_DEAREST_USD = Decimal(1_000_000)
_DOUBTFUL_FEMTO = 500 * 10**9  # 500 USD for a million tokens
_LEAST_OUTPUT_SHARE = 10


class Scale:
    """The unit and currency of the prices in one entry; no two units may be mixed in it."""

    def __init__(self, unit: str, usd_rate: Decimal, *, explicit: bool) -> None:
        """Prices without a unit of their own are for `unit`; one of money is `usd_rate` USD.

        `explicit` says that the entry itself names the unit, so that it counts as used.
        """
        self.unit = unit
        self.usd_rate = usd_rate
        self.used: set[str] = {unit} if explicit else set()


def read_rates(reader: Reader, raw: Mapping[str, object], path: Path, scale: Scale) -> Partial:
    """Read the prices of one mapping, such as ``{input: 2.5, output_per_1k: 0.01}``."""
    rates: dict[str, int] = {}
    for key, value in raw.items():
        here = (*path, key)
        name, unit = _split(key)
        if name in TOKEN_KEYS:
            field = TOKEN_KEYS[name]
            scale.used.add(unit or scale.unit)
            per = UNITS[unit or scale.unit]
        elif name in FEE_KEYS:
            field = FEE_KEYS[name]
            per = UNITS[unit] if unit else 1
        else:
            reader.unknown(here, key, RATE_KEYS)
            continue
        if field in rates:
            reader.wrong(here, f"gives {name} a second price", "keep one of them")
        number = reader.number(value, here)
        if number is not None:
            rates[field] = _femto(reader, number * scale.usd_rate / per, here)
    return rates


def _split(key: str) -> tuple[str, str]:
    """A key without its unit, and the unit: ``input_per_1k`` -> ``("input", "per_1k")``."""
    for unit in UNITS:
        if key.endswith(f"_{unit}"):
            return key.removesuffix(f"_{unit}"), unit
    return key, ""


def _femto(reader: Reader, usd: Decimal, path: Path) -> int:
    if usd > _DEAREST_USD:
        reader.wrong(path, f"is more than {_DEAREST_USD:,} USD for one unit")
        return 0
    return int((usd * _FEMTO_PER_USD).to_integral_value())


def check_units(reader: Reader, path: Path, scale: Scale) -> None:
    """Refuse an entry that mixes units: one of its prices is then likely off by a factor 1000."""
    if len(scale.used) > 1:
        both = " and ".join(sorted(scale.used))
        reader.wrong(path, f"mixes prices {both}", "use one unit within an entry")


def check_complete(reader: Reader, rates: Partial, path: Path) -> None:
    """Refuse prices that leave a question open: neither or only one of input and output."""
    has_input, has_output = "input" in rates, "output" in rates
    if has_input and not has_output:
        reader.wrong(path, "has no output price", "write output: 0 if output is not billed")
    elif has_output and not has_input:
        reader.wrong(path, "has no input price", "write input: 0 if input is not billed")
    elif not rates:
        reader.wrong(path, "has no price", "write input and output prices")


def check_plausible(reader: Reader, rates: Partial, path: Path) -> None:
    """Warn of prices that look a thousandfold off, or swapped."""
    for name in ("input", "output"):
        if rates.get(name, 0) > _DOUBTFUL_FEMTO:
            reader.doubt((*path, name), "is over 500 USD for a million tokens", "check the unit")
    given, produced = rates.get("input", 0), rates.get("output", 0)
    if rates.get("cache_read", 0) > given:
        reader.doubt((*path, "cache_read"), "is dearer than input", "check the unit")
    if 0 < produced < given / _LEAST_OUTPUT_SHARE:
        reader.doubt((*path, "output"), "is less than a tenth of input", "check the unit")
