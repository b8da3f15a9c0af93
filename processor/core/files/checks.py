"""What single values in a file have to look like.

A *check* takes a value as it stands in the file and returns what it means, or raises
`InvalidValueError`. A form of `validation` names the check of each of its fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from processor.core.files.document import Path
from processor.core.files.similar import nearest

T = TypeVar("T")
Check = Callable[[Any], T]

PARENT: Final = ".."
"""The map or list around a value, in `InvalidValueError.at`."""

_SHOWN_CHARS_MAX = 40
_TEXT_CHARS_MAX = 4096
_WHOLE_MAX = 2**63 - 1
_WITH_COMMAS: Final = re.compile(r"[+-]?[0-9]{1,20}(?:,[0-9]{1,20}){1,6}(?:\.[0-9]{1,20})?")
_GROUP_DIGITS: Final = 3


class InvalidValueError(ValueError):
    """A value that cannot be used: what is wrong with it, and how to fix it.

    `at` is where, relative to the value: `PARENT` for the map that it stands in.
    """

    def __init__(self, what: str, fix: str = "", at: Path = ()) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.at = at


class UnknownKeyError(InvalidValueError):
    """A key that is not among `known`, where what is known is not a form's own fields alone."""

    def __init__(self, known: Collection[str]) -> None:
        super().__init__("unknown key")
        self.known = known


class ExternalText(str):
    """Text from outside a file, such as a command-line flag, that may stand for a number."""

    __slots__ = ()


class SecretText(ExternalText):
    """Text that may be a secret, such as an environment variable: no message ever shows it."""

    __slots__ = ()


def shown(value: object) -> str:
    """A value as messages show it: short, and never a secret."""
    if isinstance(value, SecretText):
        return "the value from the environment"
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN_CHARS_MAX else value[:_SHOWN_CHARS_MAX] + "…"
        return repr(text)
    if isinstance(value, int) and abs(value) > _WHOLE_MAX:
        return "a number of more than 18 digits"
    if isinstance(value, (int, Decimal)):
        return str(value).lower()[:_SHOWN_CHARS_MAX]
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a map"
    return "nothing"


def text(value: object) -> str:
    """Text with something in it; spaces around it are dropped."""
    if not isinstance(value, str):
        fix = "put it in quotes" if isinstance(value, (bool, int, Decimal)) else ""
        raise InvalidValueError(f"must be text, got {shown(value)}", fix)
    if not value.strip():
        raise InvalidValueError("must not be empty")
    if len(value) > _TEXT_CHARS_MAX:
        raise InvalidValueError(f"must be at most {_TEXT_CHARS_MAX} characters, has {len(value)}")
    return value.strip()


def optional(check: Check[str]) -> Check[str]:
    """A check that also takes the empty text, for "none"."""
    return lambda value: "" if value == "" else check(value)


def flag(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, ExternalText) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    raise InvalidValueError(f"must be true or false, got {shown(value)}")


def number(value: object) -> Decimal:
    """A finite number."""
    found = _number(value)
    if found is None or not found.is_finite():
        is_quoted = isinstance(value, str) and _number(ExternalText(value)) is not None
        fix = "remove the quotes" if is_quoted else without_commas(value)
        raise InvalidValueError(f"must be a number, got {shown(value)}", fix)
    return found


def without_commas(value: object) -> str:
    """How to write a number that was written with commas; ``""`` where it was not."""
    if not isinstance(value, str) or isinstance(value, SecretText):
        return ""
    if not _WITH_COMMAS.fullmatch(value.strip()):
        return ""
    before, _, after = value.strip().partition(",")
    joined = value.strip().replace(",", "")
    if not after.isdigit():
        return f"write it without commas: {joined}"
    decimal = f"{before}.{after}"
    if len(after) == _GROUP_DIGITS:  # As often the comma of thousands.
        return f"write {joined}, or {decimal} if the comma begins the decimals"
    return f"a decimal comma? write {decimal}"


def whole(value: object) -> int:
    """A whole number."""
    found = number(value)
    if found != found.to_integral_value():
        raise InvalidValueError(f"must be a whole number, got {shown(value)}")
    return int(found)


def choice(valid: Collection[str], noun: str) -> Check[str]:
    """A check for one of the words in `valid`, in any case."""

    def check(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in valid:
            return word
        near = "" if isinstance(value, SecretText) else nearest(word, valid)
        guess = f"did you mean {near}? " if near else ""
        raise InvalidValueError(
            f"unknown {noun} {shown(value)}", f"{guess}valid: {', '.join(valid)}"
        )

    return check


def time_zone(value: object) -> ZoneInfo:
    """A time zone by its IANA name."""
    name = text(value)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder, such as Europe
        near = nearest(name, available_timezones())
        guess = f"did you mean {near}?" if near else "valid: names like UTC or Europe/Berlin"
        raise InvalidValueError(f"unknown time zone {shown(value)}", guess) from None


def one_version(value: object) -> int:
    """The version of a file's format; there is one so far."""
    if value != 1:
        fix = "later versions need a later program"
        raise InvalidValueError(f"must be 1, got {shown(value)}", fix)
    return 1


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, ExternalText)):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None
