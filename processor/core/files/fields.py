"""Reading a file that people write, field by field: every mistake is noted, with its mend.

    rule = Fields(document, ("budgets", 0), value, known=("name", "window"), problems=problems)
    window = rule.read("window", choice(("none", "day"), "window"), "none")

A *check* takes a value as it stands in the file and returns what it means, or raises `Wrong`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, TypeVar

from processor.core.errors import Problem
from processor.core.files.document import Document, Path

T = TypeVar("T")
Check = Callable[[Any], T]

_NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})
_SHOWN_CHARS_MAX = 40
_TEXT_CHARS_MAX = 4096
_WHOLE_MAX = 2**63 - 1


class Wrong(ValueError):  # noqa: N818 - not an error of the program: it always becomes a Problem
    """A value that will not do: what is wrong with it, and how to mend it."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class Untyped(str):
    """Text from outside a file, such as a command-line flag, that may stand for a number."""

    __slots__ = ()


class Concealed(Untyped):
    """Text that may be a secret, such as an environment variable: no message ever shows it."""

    __slots__ = ()


class Fields:
    """One map of a document. A map that is absent, or empty, has no fields and no problems."""

    def __init__(
        self,
        document: Document,
        path: Path,
        value: object,
        known: Collection[str],
        problems: list[Problem],
        *,
        elsewhere: Mapping[str, str] = _NOWHERE,
    ) -> None:
        """Note in `problems` whatever is wrong with `value`, now and when its fields are read.

        `elsewhere` says of keys that are known in other maps where those are.
        """
        self.document = document
        self.path = path
        self.problems = problems
        self.values: dict[str, Any] = value if isinstance(value, dict) else {}
        if value is not None and not isinstance(value, dict):
            self.note(None, f"must be a map, got {shown(value)}")
        for key in self.values:
            if key not in known:
                self.note(key, "unknown key", _mend(key, known, elsewhere))

    def read(self, key: str, check: Check[T], default: T) -> T:
        """What the field means; `default` when it is absent, empty or wrong."""
        value = self.values.get(key)
        if value is None:
            return default
        try:
            return check(value)
        except Wrong as wrong:
            self.note(key, wrong.what, wrong.fix)
            return default

    def require(self, key: str, check: Check[T], default: T, fix: str) -> T:
        """Like `read`, and an absent field is a problem whose mend is `fix`."""
        if self.values.get(key) is None:
            self.note(key, "is missing", fix)
        return self.read(key, check, default)

    def inner(self, key: str, known: Collection[str]) -> Fields:
        """The map that stands under `key`."""
        path = (*self.path, key)
        return Fields(self.document, path, self.values.get(key), known, self.problems)

    def items(self, key: str) -> Sequence[Any]:
        """The list that stands under `key`."""
        value = self.values.get(key)
        if value is None or isinstance(value, list):
            return value or ()
        self.note(key, f"must be a list, got {shown(value)}", "begin each item with a dash")
        return ()

    def note(self, key: str | int | None, what: str, fix: str = "") -> None:
        """Note a problem at a field, or at the map itself when `key` is None."""
        path = self.path if key is None else (*self.path, key)
        self.problems.append(self.document.problem(path, what, fix))


def _mend(key: str, known: Collection[str], elsewhere: Mapping[str, str]) -> str:
    """What to do about an unknown key."""
    if key in elsewhere:
        return f"it stands {elsewhere[key]}"
    near = nearest(key, known)
    return f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, whatever its case; ``""`` when none is like it."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word[:_SHOWN_CHARS_MAX].lower(), by_lower, n=1)
    return by_lower[near[0]] if near else ""


def shown(value: object) -> str:
    """A value as messages show it: short, and never a secret."""
    if isinstance(value, Concealed):
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
        mend = "put it in quotes" if isinstance(value, (bool, int, Decimal)) else ""
        raise Wrong(f"must be text, got {shown(value)}", mend)
    if not value.strip():
        raise Wrong("must not be empty")
    if len(value) > _TEXT_CHARS_MAX:
        raise Wrong(f"must be at most {_TEXT_CHARS_MAX} characters, has {len(value)}")
    return value.strip()


def optional(check: Check[str]) -> Check[str]:
    """A check that also takes the empty text, for "none"."""
    return lambda value: "" if value == "" else check(value)


def flag(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Untyped) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    raise Wrong(f"must be true or false, got {shown(value)}")


def number(value: object) -> Decimal:
    """A finite number."""
    found = _number(value)
    if found is None or not found.is_finite():
        mend = "remove the quotes" if isinstance(value, str) and _number(Untyped(value)) else ""
        raise Wrong(f"must be a number, got {shown(value)}", mend)
    return found


def whole(least: int = 0, most: int = _WHOLE_MAX) -> Check[int]:
    """A check for a whole number from `least` to `most`."""

    def check(value: object) -> int:
        found = number(value)
        if not (least <= found <= most):
            bound = f"at least {least}" if found < least else f"at most {most}"
            raise Wrong(f"must be {bound}, got {shown(value)}")
        if found != int(found):
            raise Wrong(f"must be a whole number, got {shown(value)}")
        return int(found)

    return check


def choice(valid: Collection[str], noun: str) -> Check[str]:
    """A check for one of the words in `valid`, in any case."""

    def check(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in valid:
            return word
        near = "" if isinstance(value, Concealed) else nearest(word, valid)
        guess = f"did you mean {near}? " if near else ""
        raise Wrong(f"unknown {noun} {shown(value)}", f"{guess}valid: {', '.join(valid)}")

    return check


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, Untyped)):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None
