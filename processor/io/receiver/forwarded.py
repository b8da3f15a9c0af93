"""The headers of a request that travel on with it: those that the operator has named, no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from processor.core.errors import UndecodableError
from processor.core.model import Metadata

_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_VALUE_CHARS_MAX: Final = 4096
"""Enough for a signed token; a name that is sent more than once has this for all together."""


class ForwardedHeaders:
    """Picks the named headers out of all."""

    def __init__(self, names: Collection[str]) -> None:
        """`names` are in lower case, and few."""
        self._names = frozenset(names)

    def pick(self, read: Callable[[], Iterable[tuple[str, object]] | None]) -> Metadata:
        """The headers to pass on; of a name that is there more than once, the values in a list.

        They are not even read where none are named. Raises UndecodableError for a value that
        cannot be passed on: to leave it out could make one tenant's data another's.
        """
        if not self._names:
            return ()
        found: dict[str, str] = {}
        for name, value in read() or ():
            key = name.lower()
            if key in self._names:
                text = str(value).strip()
                found[key] = f"{found[key]}, {text}" if key in found else text
        for name, value in found.items():
            if len(value) > _VALUE_CHARS_MAX or not _VALUE.fullmatch(value):
                what = f"is no printable ASCII of at most {_VALUE_CHARS_MAX} characters"
                raise UndecodableError(f"the header {name} has to be passed on, but {what}")
        return tuple(sorted(found.items()))
