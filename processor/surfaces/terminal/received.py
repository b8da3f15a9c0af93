"""Spans as a backend sees them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from processor.core.model import Event, Value


def exact_of(value: object) -> Decimal | None:
    """The decimal number that a double was made of; None for what is no number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Decimal(repr(value)) if is_number else None


class ReceivedSpan(NamedTuple):
    """One span that left the processor."""

    trace_id: str
    span_id: str
    parent_id: str
    """``""`` for a root."""
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    message: str
    """What its status says of the failure."""
    attributes: Mapping[str, Value]
    events: tuple[Event, ...] = ()

    def number(self, key: str) -> float | None:
        """A numeric attribute; None where there is none."""
        value = self.attributes.get(key)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if is_number else None  # type: ignore[return-value]  # mypy loses the check

    def amount(self, key: str) -> Decimal | None:
        """An amount in USD, as exact as its attribute; None where there is none."""
        return exact_of(self.number(key))

    def text(self, key: str) -> str:
        """A text attribute, ``""`` where there is none."""
        value = self.attributes.get(key)
        return value if isinstance(value, str) else ""
