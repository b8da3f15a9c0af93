"""Checked access to the values of a price file: each wrong one becomes a problem with its mend."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from processor.core.errors import Problem
from processor.core.files.document import Document, Path

_MULTIPLIER_LIMIT = 1000


class Reader:
    """A document, and everything found wrong or doubtful in it so far."""

    def __init__(self, document: Document) -> None:
        """Start reading `document`."""
        self.document = document
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def wrong(self, path: Path, what: str, fix: str = "") -> None:
        """Note an error at a place."""
        self.problems.append(self.document.problem(path, what, fix))

    def doubt(self, path: Path, what: str, fix: str = "") -> None:
        """Note something that is allowed but looks like a slip."""
        self.warnings.append(self.document.problem(path, what, fix))

    def mapping(
        self, value: object, path: Path, known: Collection[str] | None = None
    ) -> Mapping[str, Any]:
        """A mapping, empty where it is absent or wrong; with `known`, other keys are wrong."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, "must be a mapping", "write it as `key: value` lines")
            return {}
        if known is None:
            return value
        for key in value.keys() - set(known):
            self.unknown((*path, key), key, known)
        return {key: item for key, item in value.items() if key in known}

    def unknown(self, path: Path, key: str, known: Collection[str]) -> None:
        """Note an unknown key, and the known one that was probably meant."""
        near = difflib.get_close_matches(key, sorted(known), n=1)
        fix = f"did you mean {near[0]}?" if near else "known are " + ", ".join(sorted(known))
        self.wrong(path, "is not a known key", fix)

    def items(self, value: object, path: Path) -> Sequence[Any]:
        """A list, empty where it is absent or wrong."""
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(path, "must be a list")
            return ()
        return value

    def texts(self, value: object, path: Path) -> list[str]:
        """A list of texts, in lower case and without the space around them."""
        found = (self.text(v, (*path, i)) for i, v in enumerate(self.items(value, path)))
        return [text for text in found if text]

    def text(self, value: object, path: Path) -> str:
        """A text in lower case; numbers are taken as they are written."""
        if isinstance(value, str) and value.strip():
            return value.strip().lower()
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        self.wrong(path, "must be a text", "put it in quotes")
        return ""

    def choice(self, value: object, path: Path, known: Sequence[str], default: str) -> str:
        """One of some words."""
        if value is None:
            return default
        if value in known:
            return str(value)
        self.wrong(path, f"is not one of {', '.join(known)}")
        return default

    def flag(self, value: object, path: Path) -> bool:
        """True or false; false where it is absent."""
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(path, "must be true or false")
        return False

    def number(self, value: object, path: Path) -> Decimal | None:
        """A finite decimal number that is not negative, None where it is wrong."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.wrong(path, "must be a number")
            return None
        try:
            number = Decimal(value)
        except ArithmeticError:
            self.wrong(path, "must be a number", "write it like 0.15")
            return None
        if not number.is_finite() or number < 0:
            self.wrong(path, "must be a finite number, not negative")
            return None
        return number

    def whole(self, value: object, path: Path, default: int) -> int:
        """A whole number that is not negative."""
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.wrong(path, "must be a whole number, not negative")
            return default
        return value

    def multiplier(self, value: object, path: Path) -> Fraction:
        """A factor for prices, 1 where it is wrong."""
        number = self.number(value, path)
        if number is not None and number > _MULTIPLIER_LIMIT:
            self.wrong(path, f"must be at most {_MULTIPLIER_LIMIT}")
            number = None
        return Fraction(1) if number is None else Fraction(number)

    def moment_ns(self, value: object, path: Path) -> int:
        """A date (midnight UTC) or a datetime (UTC unless it has an offset), since the epoch."""
        text = str(value)
        try:
            if len(text) == len("2024-05-13"):
                moment = datetime.combine(date.fromisoformat(text), time.min, UTC)
            else:
                moment = datetime.fromisoformat(text)
        except ValueError:
            self.wrong(
                path, "is not a date or datetime", "write 2026-08-16 or 2026-08-16T16:00:00Z"
            )
            return 0
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp()) * 10**9
