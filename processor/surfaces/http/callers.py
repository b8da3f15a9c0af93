"""How much of one caller may be under way, so that one leaves room for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from processor.surfaces.http.problems import TooManyError


class Callers:
    """Counts what is under way for each caller, by its address."""

    def __init__(self, most: int, what: str) -> None:
        """`most` for one caller; `what` they are, in words."""
        self._most = most
        self._what = what
        self._under_way = Counter[str]()

    @contextmanager
    def counted(self, caller: str) -> Iterator[None]:
        """Raises TooManyError beside too many others of the same caller."""
        if self._under_way[caller] >= self._most:
            whose = caller or "this caller"
            raise TooManyError(f"{self._most} {self._what} of {whose} are under way")
        self._under_way[caller] += 1
        try:
            yield
        finally:
            self._under_way[caller] -= 1
            if not self._under_way[caller]:
                del self._under_way[caller]
