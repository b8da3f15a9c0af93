"""Budgets as plain values: what is limited, for whom, and over which window."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from functools import cached_property, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from processor.core.budgets.window import BUCKET_S, rolling_s_of, window_of
from processor.core.model import Calendar

Unit = Literal["usd", "tokens"]

_DAY_S = 86_400
_LONGEST_DAYS = {"day": 2, "week": 8, "month": 32}
"""More than the longest one has, with a clock that is set back."""
_DIGEST_CHARS = 12
"""48 bits: a file would need millions of filters before two of them shared a digest by chance."""


@dataclass(frozen=True)
class Budget:
    """One limit under one rule. Each id of the scope (each user, …) has its own total under it."""

    name: str
    scope: str
    """One of `Scope`, or a dimension of the operator's own."""
    window: str
    """One of `WindowKind`, or a rolling one as `rolling_text` spells it."""
    limit: int
    """Nano-USD, or tokens when `unit` is ``tokens``; greater than 0."""
    unit: Unit
    calendar: Calendar
    warn_at: tuple[Decimal, ...] = ()
    """Shares of the limit, ascending, each above 0 and below 1."""
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Patterns by what they look at; a call counts when each is met by one of its patterns."""
    overrides: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Limits of single scope ids, in the unit of `limit`."""
    notify: Mapping[float, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """The channels that a crossing is sent by, by threshold."""
    source_line: int = field(default=0, compare=False)
    """Where the rule stands in its file."""

    def limit_for(self, scope_id: str) -> int:
        """The limit of one scope id, in the unit of `limit`."""
        return self.overrides.get(scope_id, self.limit)

    def window_at(self, time_s: int) -> tuple[int, int]:
        """The window ``[start, end)`` that holds a moment, in epoch seconds; (0, 0) without one."""
        return window_of(self.window, time_s, self.calendar)

    def crossed_from_s(self, time_s: int) -> int:
        """The earliest start of a window in which something was crossed in that of a moment."""
        start_s, end_s = self.window_at(time_s)
        is_rolling = rolling_s_of(self.window) > 0
        return max(2 * start_s - end_s + BUCKET_S, 0) if is_rolling else start_s

    @cached_property
    def smallest_limit(self) -> int:
        """The lowest limit that any scope id has."""
        return min((self.limit, *self.overrides.values()))

    @cached_property
    def thresholds(self) -> tuple[float, ...]:
        """The shares of the limit that are watched for, ascending; the last one is 1.0."""
        return (*(float(share) for share in self.warn_at), 1.0)

    @cached_property
    def least_amount(self) -> int:
        """The least amount that reaches a threshold, whatever the scope id."""
        return amount_at(self.smallest_limit, self.thresholds[0])

    @cached_property
    def digest(self) -> str:
        """A short name of the totals this budget looks at; ``""`` when it counts every call.

        It depends on scope and filter only, so that totals outlive a changed name or limit.
        """
        if not self.match:
            return ""
        parts = [self.scope, sorted((key, sorted(each)) for key, each in self.match.items())]
        content = json.dumps(parts, separators=(",", ":")).encode()
        return hashlib.sha256(content).hexdigest()[:_DIGEST_CHARS]


@dataclass(frozen=True)
class Policy:
    """All budgets in force. Immutable: a reload puts another one in its place."""

    budgets: tuple[Budget, ...] = ()
    version: str = ""
    """Digest of the file's text."""
    warnings: tuple[str, ...] = ()
    """What was accepted but has no effect, for the log."""
    calendar: Calendar = Calendar(ZoneInfo("UTC"))  # noqa: RUF009 - an immutable value
    """The file's time zone and week, for questions that name a window but no budget."""
    dimensions: tuple[str, ...] = ()
    """Names of the operator's own dimensions, which are scopes as well."""

    @cached_property
    def quarter_hours_s(self) -> int:
        """For how long up to now budgets need totals by quarter hour, in seconds.

        Windows that begin with days of the file's zone need them for none of what is over.
        """
        return max(map(self._needed_s, self.budgets), default=0)

    def _needed_s(self, budget: Budget) -> int:
        length_s = rolling_s_of(budget.window)
        if length_s:
            return 2 * length_s  # Whether a crossing stands is found from the window before.
        calendar = budget.calendar
        is_of_days = not calendar.reset_hour and calendar.zone.key == self.calendar.zone.key
        return 0 if is_of_days else _LONGEST_DAYS.get(budget.window, 0) * _DAY_S


def version_of(text: str) -> str:
    """The version of a policy: a short digest of the text it was read from."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]


@lru_cache(maxsize=1024)
def amount_at(limit: int, threshold: float) -> int:
    """The least amount that reaches a share of a limit."""
    if threshold >= 1.0:
        return limit
    # The shortest text of a double is the decimal that it was read from.
    return int((limit * Decimal(repr(threshold))).to_integral_value(ROUND_CEILING))
