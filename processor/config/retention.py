"""How long the ledger keeps what it has."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field, PlainValidator, model_validator

from processor.config.values import Section
from processor.core.files.checks import InvalidValueError, shown

_DAY_S: Final = 86_400
_DAYS_MAX: Final = 36_500
_AGE: Final = re.compile(r"([1-9][0-9]{0,5})([hd])")
_UNITS_S: Final = {"h": 3600, "d": _DAY_S}


class Age(int):
    """An age in seconds, written as in a file; 0 for no limit."""

    def __str__(self) -> str:
        if not self:
            return "never"
        days, rest_s = divmod(int(self), _DAY_S)
        return f"{int(self) // 3600}h" if rest_s else f"{days}d"


def age(value: object) -> Age:
    """An age such as ``90d`` or ``36h``; ``0`` or ``never`` for what is kept for ever."""
    if value in (0, "0", "never") and not isinstance(value, bool):
        return Age(0)
    found = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        fix = "write 90d or 36h, or never to keep all of it"
        raise InvalidValueError(
            f"must be an age of at least one hour, in hours or days, got {shown(value)}", fix
        )
    seconds = int(found[1]) * _UNITS_S[found[2]]
    if seconds > _DAYS_MAX * _DAY_S:
        fix = "write never to keep all of it"
        raise InvalidValueError(f"must be at most {_DAYS_MAX}d, got {shown(value)}", fix)
    return Age(seconds)


_Age = Annotated[Age, PlainValidator(age)]


class Retention(Section):
    """How long the ledger keeps what it has, such as 90d or 36h; `never` deletes nothing.

    Sums stay whatever is deleted: those by day, of users, sessions and tasks, and what budgets
    have spent.
    """

    calls: _Age = Field(
        default=Age(90 * _DAY_S),
        description="Single calls, with what each was charged and stamped: what lists of calls, "
        "trees of traces and a reprice need. A trace is deleted once all of it is older.",
    )
    keys: _Age = Field(
        default=Age(30 * _DAY_S),
        description="How much longer the ids of these calls are kept, at 8 bytes each, which tell "
        "a span that is sent again from a new one. A call of before that is charged nothing, and "
        'totals with it say "at least".',
    )
    traces: _Age = Field(
        default=Age(400 * _DAY_S),
        description="What each trace has cost as a whole, and whose it is; at least as long as "
        "`calls` and `keys` together.",
    )

    hours: _Age = Field(
        default=Age(400 * _DAY_S),
        description="Sums by hour and quarter hour; of before there are sums by day. Those of a "
        "time of which there are calls stay, and those that windows of budgets need.",
    )

    def describe(self) -> str:
        """What is kept for how long, in words."""
        if not (self.calls or self.traces or self.hours):
            return "everything, for ever"
        more = f"{self.keys} more" if self.keys else "never deleted"
        kept = {
            "single calls": self.calls,
            "ids of their spans": more,
            "traces": self.traces,
            "sums by hour": self.hours,
        }
        if not self.calls:
            del kept["ids of their spans"]
        said = (f"{what} {age or 'never deleted'}" for what, age in kept.items())
        return ", ".join(said)

    @model_validator(mode="after")
    def _traces_are_kept_long_enough(self) -> Retention:
        if not self.calls or not self.traces:
            return self
        if not self.keys:
            what = "must be never where keys is never"
            raise InvalidValueError(what, "set ledger.retention.traces: never", at=("traces",))
        least = Age(self.calls + self.keys)
        if self.traces < least:
            what = f"must be at least calls and keys together, {least}, got {self.traces}"
            fix = f"set ledger.retention.traces to {least} or more"
            raise InvalidValueError(what, fix, at=("traces",))
        return self
