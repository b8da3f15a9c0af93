"""The cost of a call under the names that other tools read, where the operator asks for them.

A backend that adds up one of these names over all its spans has to get the ledger's total. So
they stand on priced leaf calls only, never on an agent, chain or wrapper that repeats what is
below it. What somebody else wrote under such a name is not replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from processor.core.model import Stamp, Value
from processor.core.money import NANO_PER_USD, ZERO, Amount

Parts = Mapping[str, Value]


class _Family(NamedTuple):
    """Attributes that one reader takes together."""

    names: tuple[str, ...]
    """A span that has one of them keeps what it has."""
    write: Callable[[int, Amount], Parts]
    """From the total in nano-USD, and its parts as far as they are known."""


def _usd(nano_usd: int) -> float:
    # Integer division by an integer is correctly rounded.
    return nano_usd / NANO_PER_USD


def _single(name: str) -> _Family:
    return _Family((name,), lambda total, _: {name: _usd(total)})


def _triple(name: str, prompt: str, completion: str) -> _Family:
    """A total and its two sides; fees by request are in the total alone."""

    def write(total: int, parts: Amount) -> dict[str, Value]:
        prompted = parts.input + parts.cache_read + parts.cache_write
        sides = {prompt: prompted, completion: parts.output}
        return {name: _usd(total), **{side: _usd(part) for side, part in sides.items() if part}}

    return _Family((name, prompt, completion), write)


def _packed(name: str, write: Callable[[int, Amount], Parts]) -> _Family:
    """The same in one attribute, as JSON."""
    return _Family((name,), lambda total, parts: {name: json.dumps(write(total, parts))})


def _langfuse(total: int, parts: Amount) -> dict[str, Value]:
    """Langfuse takes parts of any name, and shows those that contain "input" as input."""
    named = {
        "input": parts.input,
        "input_cache_read": parts.cache_read,
        "input_cache_creation": parts.cache_write,
        "output": parts.output,
        "request": parts.fees,
    }
    shown = {name: _usd(part) for name, part in named.items() if part}
    return {**shown, "total": _usd(total)}


_FAMILIES: Final[Mapping[str, _Family]] = {
    # Latitude reads the same three.
    "agentops": _triple(
        "gen_ai.usage.total_cost", "gen_ai.usage.input_cost", "gen_ai.usage.output_cost"
    ),
    "langfuse": _packed("langfuse.observation.cost_details", _langfuse),
    "logfire": _single("operation.cost"),
    "mlflow": _packed("mlflow.llm.cost", _triple("total_cost", "input_cost", "output_cost").write),
    # Arize AX reads these; Phoenix works costs out itself.
    "openinference": _triple("llm.cost.total", "llm.cost.prompt", "llm.cost.completion"),
    # Laminar reads it as well, and Langfuse where there are no details.
    "openlit": _single("gen_ai.usage.cost"),
    # Amounts of money, whatever they are called.
    "sentry": _triple(
        "gen_ai.cost.total_tokens", "gen_ai.cost.input_tokens", "gen_ai.cost.output_tokens"
    ),
}

READERS: Final = tuple(_FAMILIES)
"""What may be asked for: each stands for the attributes that this reader looks for."""


def emitted(stamp: Stamp, readers: Collection[str], present: Collection[str]) -> Parts:
    """What `readers` look for on one span, in USD; nothing unless it is a priced leaf call.

    `present` are the names that the span itself carries. Where the call's arrival took back what
    an older leaf call was charged, that stands on the older one already: only the rest is
    written, as a total without parts.
    """
    entry = stamp.entry
    if entry is None or entry.amount is None or not entry.is_leaf_charge:
        return {}
    if entry.adopted_nano_usd is not None:  # It is for the processor that has charged it.
        return {}
    total, parts = entry.amount.total, entry.amount
    if stamp.leaf_corrections_nano_usd:
        total, parts = total + stamp.leaf_corrections_nano_usd, ZERO
        if total <= 0:
            return {}
    attributes: dict[str, Value] = {}
    for reader in readers:
        family = _FAMILIES[reader]
        if not any(name in present for name in family.names):
            attributes.update(family.write(total, parts))
    return attributes
