"""What surfaces ask, as people and programs write it: `checks` makes questions of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

RESERVED_S: Final = 600.0
"""After how long a reservation lapses, where nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A time, in words or from a moment to a moment.

    Without all of them it is all time; what begins at `start_s` only ends with the
    second that is going on, as do lengths up to now.
    """

    window: str = ""
    """``today``, ``yesterday``, ``week``, ``last_week``, ``month``, ``last_month``, ``all``, or a
    length up to now, such as ``24h`` or ``7d``."""
    start_s: int | None = None
    """Epoch seconds; included."""
    end_s: int | None = None
    """Epoch seconds; excluded."""
    time_zone: str = ""
    """Where days begin, as an IANA name; ``""`` for the zone of the budgets file."""


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """How much was used: in all, in buckets of time, and by up to two dimensions."""

    time: TimeRange = TimeRange()
    bucket: str = ""
    """``15min``, ``hour``, ``day``, ``week`` or ``month``; ``""`` for none."""
    group_by: Sequence[str] = ()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Accepted values by dimension; ``""`` is what has none."""
    order_by: str = "cost"
    """Or ``calls``, ``tokens``."""
    limit: int = 20
    """Groups to list; the others are summed up."""
    compare: bool = False
    """Whether the range before is wanted as well."""
    with_parts: bool = False
    """Whether quantities and costs by class of token are wanted as well."""


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """What will have been used by the end of a window that is not over."""

    window: str = "month"
    """``today``, ``week`` or ``month``."""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    time_zone: str = ""
    """As of `TimeRange`."""


@dataclass(frozen=True, slots=True)
class WhatIfRequest:
    """What calls would have cost with other models, or at other prices."""

    time: TimeRange = TimeRange()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    models: Sequence[str] = ()
    """``gpt-4o=gpt-4o-mini``: a model as the ledger names it, and what is to stand for it, which
    may be ``provider:model``. Only calls of these are looked at; of all models without any."""


@dataclass(frozen=True, slots=True)
class AdviceRequest:
    """What would have cost less."""

    time: TimeRange = TimeRange()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limit: int = 20
    """Suggestions to list, and days."""


@dataclass(frozen=True, slots=True)
class CallsRequest:
    """Which calls there were, newest first."""

    time: TimeRange = TimeRange()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cursor: str = ""
    """Of the page before; ``""`` for the first one."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TracesRequest:
    """Which traces there were, the last that began to be charged first."""

    dimension: str = ""
    """Whose they are as a whole: ``session``, ``user``, ``task``, ``agent``, ``org``, ``service``;
    ``""`` for all."""
    value: str = ""
    cursor: str = ""
    """Of the page before; ``""`` for the first one."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ExcludeRequest:
    """Which calls are to leave all sums: all that is given has to hold, and something has to be."""

    trace: str = ""
    """Its id in hex."""
    span: str = ""
    """``trace id:span id`` in hex."""
    session: str = ""
    user: str = ""
    start_ns: int = 0
    end_ns: int = 0
    """Calls that ended in ``[start, end)``; 0 for no end."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BudgetCheckRequest:
    """Whether a call may be made, and what it is expected to use."""

    scopes: Mapping[str, str] = field(default_factory=dict)
    """Whose it is: ids by scope, and by other dimensions that filters of budgets look at."""
    cost_nano_usd: int | None = None
    tokens: int | None = None
    """Input and output together. What is expected is None where it is not known."""
    model: str = ""
    """Priced for the tokens below where `cost_nano_usd` is None."""
    provider: str = ""
    input_tokens: int = 0
    """With those from a cache."""
    output_tokens: int = 0
    cached_tokens: int = 0
    reserve: bool = False
    """Whether what is expected is to be held until the call is charged."""
    reservation_id: str = ""
    """Its id; ``""`` for a new one. The same request with the same id is the same reservation."""
    ttl_s: float = RESERVED_S
    """After how long a reservation lapses."""
