"""What the values in a budgets file have to look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, get_args

from pydantic import ValidationInfo

from processor.core.budgets.window import BUCKET_S, rolling_s_of, rolling_text
from processor.core.files.checks import (
    ExternalText,
    InvalidValueError,
    UnknownKeyError,
    choice,
    number,
    shown,
    text,
    whole,
)
from processor.core.files.similar import nearest
from processor.core.model import Scope, WindowKind
from processor.core.money import parse_usd

SCOPES: tuple[Scope, ...] = get_args(Scope)
WINDOWS: tuple[WindowKind, ...] = get_args(WindowKind)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

OWN_DIMENSIONS: Final = "dimensions"
"""Where checks find the names of the operator's own dimensions in their context."""
CHANNELS: Final = "channels"
"""Where they find the names of channels; None where these are not known."""

_DIMENSION_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAME = re.compile(r"[^\s,][^,\x00-\x1f\x7f]{0,99}")
_LIMIT_USD_MAX = 9_000_000_000
"""In nano-USD it fits the 64 bits with a sign that a limit has in answers over gRPC."""
_LIMIT_TOKENS_MAX = 10**18
_ROLLING_MIN_S, _ROLLING_MAX_S = 3600, 31 * 86_400
_LAST_HOUR = 23
_SWITCH_OFF = "to switch a rule off, write enabled: false"
_PATTERN_CHARS_MAX = 200
_PATTERNS_MAX = 100
_MATCH_KEYS = (
    "service", "provider", "model", "session", "user", "org", "agent", "feature", "task",
    "task_type", "purpose",
)  # fmt: skip


def budget_name(value: object) -> str:
    """A name of up to 100 characters; names are written on spans in a list with commas."""
    name = text(value)
    if not _NAME.fullmatch(name):
        raise InvalidValueError(
            "must be at most 100 characters, without commas and control characters"
        )
    return name


def is_dimension_name(word: str) -> bool:
    """Whether an own dimension may be called so: a lower-case word that is no scope."""
    return bool(_DIMENSION_NAME.fullmatch(word)) and word not in SCOPES


def scope(value: object, info: ValidationInfo) -> str:
    """What kind of thing the budget is for: a scope, or one of the operator's own dimensions."""
    known = (*SCOPES, *_own_dimensions(info))
    word = value.strip() if isinstance(value, str) else ""
    if word not in known and is_dimension_name(word) and not nearest(word, known):
        fix = f"{dimension_advice(word)}; valid without it: {', '.join(known)}"
        raise InvalidValueError(f"unknown scope {shown(value)}", fix)
    return choice(known, "scope")(value)


def _own_dimensions(info: ValidationInfo) -> tuple[str, ...]:
    found: tuple[str, ...] = (info.context or {}).get(OWN_DIMENSIONS, ())
    return found


def dimension_advice(word: str) -> str:
    """How to make a word a dimension."""
    names = f"{{{word}: [{word}, {word}.id]}}"
    return f"add dimensions: {names} to the settings, with the attributes that name it"


def window(value: object) -> str:
    """The window the budget is renewed by: a word, or ``rolling 7d`` in its one spelling."""
    if isinstance(value, str) and value.strip().lower().startswith("rolling"):
        return _rolling(value)
    return choice((*WINDOWS, "rolling 7d"), "window")(value)


def _rolling(value: str) -> str:
    length_s = rolling_s_of(" ".join(value.lower().split()))
    if not length_s:
        fix = "write for example rolling 7d, with a number of minutes (m), hours (h) or days (d)"
        raise InvalidValueError(f"is no length of a rolling window, got {shown(value)}", fix)
    if length_s % BUCKET_S or not _ROLLING_MIN_S <= length_s <= _ROLLING_MAX_S:
        what = "must be quarters of an hour, at least rolling 1h and at most rolling 31d"
        raise InvalidValueError(f"{what}, got {shown(value)}")
    return rolling_text(length_s)


def reset_hour(value: object) -> int:
    """The hour of the clock at which days begin."""
    hour = whole(value)
    if not 0 <= hour <= _LAST_HOUR:
        raise InvalidValueError(f"must be an hour from 0 to {_LAST_HOUR}, got {shown(value)}")
    return hour


def week_start(value: object) -> int:
    """A weekday as its number, 0 for Monday."""
    return WEEKDAYS.index(choice(WEEKDAYS, "weekday")(value))


def limit_usd(value: object) -> int:
    """An amount of USD above 0, as nano-USD."""
    amount = number(value)
    if amount > _LIMIT_USD_MAX:
        raise InvalidValueError(f"must be at most {_LIMIT_USD_MAX}, got {shown(value)}")
    nano_usd = parse_usd(max(amount, Decimal(0)))
    if nano_usd == 0:
        raise InvalidValueError(f"must be > 0, got {shown(value)}", _SWITCH_OFF)
    return nano_usd


def limit_tokens(value: object) -> int:
    """A number of tokens above 0."""
    if number(value) <= 0:
        raise InvalidValueError(f"must be > 0, got {shown(value)}", _SWITCH_OFF)
    if number(value) > _LIMIT_TOKENS_MAX:
        raise InvalidValueError(f"must be at most {_LIMIT_TOKENS_MAX}, got {shown(value)}")
    return whole(value)


def warn_at(value: object) -> tuple[Decimal, ...]:
    """One share or a list of them, ascending and each only once."""
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return tuple(sorted({_share(each) for each in values}))


def _share(value: object) -> Decimal:
    share = number(value)
    if not 0 < share < 1:
        percent = share / 100
        fix = f"write {percent} for {share} %" if 1 < share < 100 else ""
        raise InvalidValueError(f"must be above 0 and below 1, got {shown(value)}", fix)
    return share


def patterns(value: object) -> tuple[str, ...]:
    """One glob pattern or a list of them."""
    if value is None:
        raise InvalidValueError("is missing", 'use "*" for any value')
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    if not values:
        raise InvalidValueError(
            "has no pattern, so that no call would count", 'use "*" for any value'
        )
    if len(values) > _PATTERNS_MAX:
        raise InvalidValueError(f"must be at most {_PATTERNS_MAX} patterns, has {len(values)}")
    found = tuple(text(each) for each in values)
    if any(len(each) > _PATTERN_CHARS_MAX for each in found):
        raise InvalidValueError(f"has a pattern of more than {_PATTERN_CHARS_MAX} characters")
    return found


def match_key(value: str, info: ValidationInfo) -> str:
    """What a filter may look at."""
    known = (*_MATCH_KEYS, *_own_dimensions(info))
    if value in known:
        return value
    if is_dimension_name(value) and not nearest(value, (*known, *SCOPES)):
        fix = f"{dimension_advice(value)}; known keys without it: {', '.join(known)}"
        raise InvalidValueError("is nothing that a call has", fix)
    raise UnknownKeyError(known)


def override(value: object, info: ValidationInfo) -> int:
    """The limit of a single id, in the unit of the one limit that the rule sets."""
    if value is None:
        raise InvalidValueError("is missing", "give it a limit")
    is_usd = info.data.get("limit_usd", 1) is not None
    return limit_usd(value) if is_usd else limit_tokens(value)


def channel(value: object, info: ValidationInfo) -> str:
    """The name of a channel that the settings declare."""
    name = text(value)
    known: tuple[str, ...] | None = (info.context or {}).get(CHANNELS)
    if known is None or name in known:
        return name
    near = nearest(name, known)
    fix = f"did you mean {near}?" if near else f"valid: {', '.join(known)}"
    if not known:
        declared = f"notifications: {{channels: {{{name}: {{type: slack, …}}}}}}"
        fix = f"declare it in the settings: {declared}"
    raise InvalidValueError(f"unknown channel {shown(value)}", fix)


def threshold(value: object) -> Decimal:
    """A share of the limit, as ``80%`` or 0.8."""
    is_percent = isinstance(value, str) and value.strip().endswith("%")
    try:
        share = number(ExternalText(str(value).strip()[:-1])) / 100 if is_percent else number(value)
    except InvalidValueError:
        share = Decimal(0)
    if not 0 < share <= 1:
        raise InvalidValueError(
            f"must be above 0 % and at most 100 %, got {shown(value)}", "write for example 80%"
        )
    return share
