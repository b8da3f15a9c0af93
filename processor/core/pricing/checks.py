"""What the values in a price file have to look like."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction

from processor.core.files.checks import (
    InvalidValueError,
    UnknownKeyError,
    choice,
    shown,
    text,
    without_commas,
)
from processor.core.files.similar import nearest
from processor.core.pricing.rates import RATE_KEYS, RATE_SPELLINGS
from processor.core.pricing.shapes import GENAI_PRICES, CatalogueName

_LITELLM = "write `- litellm: model_prices.json`, the path of LiteLLM's price file"
_MULTIPLIER_MAX = 1000
_FACTOR = "write a factor: 0.85 takes 15 % off"
_FRACTION = re.compile(r"([0-9]{1,99})/([0-9]{1,99})")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def name(value: object) -> str:
    """A name in lower case; numbers are taken as they are written."""
    if isinstance(value, str) and value.strip():
        return value.strip().lower()
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise InvalidValueError(f"must be text, got {shown(value)}", "put it in quotes")


def price(value: object) -> Decimal:
    """A finite number that is not negative; also as text, for what YAML takes for one."""
    return _number(value, "write it like 0.15")


def _number(value: object, fix: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise InvalidValueError(f"must be a number, got {shown(value)}", fix)
    try:
        number = Decimal(value)
    except ArithmeticError:
        what = f"must be a number, got {shown(value)}"
        raise InvalidValueError(what, without_commas(value) or fix) from None
    if not number.is_finite() or number < 0:
        raise InvalidValueError(f"must be a finite number, not negative, got {shown(value)}")
    return number


def multiplier(value: object) -> Fraction:
    """A factor for prices: a number, or a fraction like ``1/3``."""
    fraction = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    if fraction is not None and int(fraction[2]):
        number = Fraction(int(fraction[1]), int(fraction[2]))
    else:
        number = Fraction(_number(value, _FACTOR))
    if number > _MULTIPLIER_MAX:
        raise InvalidValueError(f"must be at most {_MULTIPLIER_MAX}, got {shown(value)}")
    return number


def moment_ns(value: object) -> int:
    """A date (midnight UTC) or a datetime (UTC unless it has an offset), since the epoch."""
    written = str(value)
    try:
        if len(written) == len("2024-05-13"):
            moment = datetime.combine(date.fromisoformat(written), time.min, UTC)
        else:
            moment = datetime.fromisoformat(written)
    except ValueError:
        what = f"is not a date or datetime, got {shown(value)}"
        raise InvalidValueError(what, "write 2026-08-16 or 2026-08-16T16:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * 10**9


def minute(value: object) -> int:
    """A time of day as its minute, 24:00 included."""
    hour, colon, rest = str(value).partition(":")
    if colon and hour.isdecimal() and rest.isdecimal():
        total = int(hour) * 60 + int(rest)
        if int(rest) < 60 and total <= 24 * 60:
            return total
    raise InvalidValueError(
        f"is not a time of day, got {shown(value)}", 'write it in quotes: "16:30"'
    )


def weekday(value: object) -> int:
    """A day of the week, by its first three letters, as its number: 0 for Monday."""
    day = name(value)
    if day[:3] not in DAYS:
        raise InvalidValueError(f"{day} is not a day", f"valid: {', '.join(DAYS)}")
    return DAYS.index(day[:3])


def catalogue(value: object) -> CatalogueName:
    """One of ``catalogues``: ``genai-prices``, or a map from the kind of a file to its path."""
    if isinstance(value, dict) and len(value) == 1:
        [(kind, path)] = value.items()
        if kind == "genai-prices":
            raise InvalidValueError("has no path", "write `- genai-prices`", at=(kind,))
        if kind != "litellm":
            unknown = UnknownKeyError(("litellm",))
            unknown.at = (kind,)
            raise unknown
        try:
            return CatalogueName("litellm", text(path))
        except InvalidValueError as error:
            raise InvalidValueError(error.what, _LITELLM, at=(kind,)) from error
    if isinstance(value, str) and value.strip().lower() == "litellm":
        raise InvalidValueError("has no path", _LITELLM)
    choice(("genai-prices",), "catalogue")(value)
    return GENAI_PRICES


def rate_key(key: str) -> str:
    """The key of a price."""
    if key not in RATE_SPELLINGS:
        near = nearest(key, RATE_SPELLINGS)
        raise UnknownKeyError((near,) if near else RATE_KEYS)
    return key
