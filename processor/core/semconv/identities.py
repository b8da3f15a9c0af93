"""An id of a user, found and replaced wherever a span, scope or resource may say whose it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from processor.core.semconv.dialects.owners import INHERITED_OWNERS
from processor.core.semconv.dimensions import NO_OWN_DIMENSIONS, OwnDimensions
from processor.core.semconv.owners import hash_user, read_name
from processor.core.semconv.values import TEXT_MAX, parse_literal

_SCOPE_ID: Final = "budget.scope_id"
"""What our own events call the owner whose budget was crossed."""
_AS_IT_IS: Final = re.compile(r"(?!-?[0-9]+$)[A-Za-z0-9@._: -]+", re.ASCII)
"""Texts that are the same bytes wherever they stand: no writer of JSON escapes these, and a whole
number is written in many ways."""
_TEXT: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_TOKEN: Final = re.compile(
    rf"(?P<name>{_TEXT})(?:(?P<between>\s*:\s*)(?P<value>{_TEXT}|-?[0-9]+))?", re.DOTALL
)
"""A text in JSON, or in the printed form of a Python value, with the value that it names."""


def _sources() -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
    """Attributes that are read as an owner, and names inside the JSON of others."""
    whole: set[str] = set()
    inside: dict[str, set[str]] = {}
    for source in (source for sources in INHERITED_OWNERS.values() for source in sources):
        if source.paths:
            names = {str(path[-1]) for path in source.paths}
            for key in source.keys:
                inside.setdefault(key, set()).update(names)
        else:
            whole.update(source.keys)
    return frozenset(whole), {key: frozenset(names) for key, names in inside.items()}


_WHOLE, _INSIDE = _sources()


class IdentityRename:
    """What stands in the place of an id, for `wire.rename_values`.

    It is replaced where it is the whole of what is read as a user, session, agent, organisation,
    feature, task or dimension of the operator's: the ledger has one name for one text.
    """

    def __init__(
        self,
        user: str,
        tombstone: str,
        *,
        dimensions: OwnDimensions = NO_OWN_DIMENSIONS,
        user_hash_salt: str | None = None,
    ) -> None:
        """With a salt the id is the pseudonym that is made of what stands there."""
        self._user = user
        self._tombstone = tombstone
        self._salt = user_hash_salt
        self._keys = _WHOLE | dimensions.keys | {_SCOPE_ID}

    @property
    def having(self) -> bytes:
        """Bytes that are in whatever has the id; empty where no bytes are in all of it."""
        is_found = self._salt is None and len(self._user) < TEXT_MAX
        is_found = is_found and self._user == self._user.strip()
        return self._user.encode() if is_found and _AS_IT_IS.fullmatch(self._user) else b""

    def __call__(self, keys: tuple[str, ...], value: str | int) -> str | None:
        """What stands in the place of a value; None where it stays."""
        if not keys:
            return None
        names = _INSIDE.get(keys[0], frozenset())
        is_whole = keys[0] in self._keys if len(keys) == 1 else keys[-1] in names
        if is_whole and self._is_id(value):
            return self._tombstone
        if len(keys) == 1 and names and isinstance(value, str):
            return self._inside(value, names)
        return None

    def _is_id(self, value: object) -> bool:
        text = read_name(value)
        if text is None:
            return False
        return text == self._user or (
            self._salt is not None and hash_user(text, self._salt) == self._user
        )

    def _inside(self, text: str, names: frozenset[str]) -> str | None:
        """JSON with the tombstone; None where it stays. Its other characters are the same."""

        def token(match: re.Match[str]) -> str:
            name, value = match["name"], match["value"]
            if value is None or _read(name) not in names or not self._is_id(_read(value)):
                return match[0]
            quote = value[0] if value[0] in "\"'" else '"'
            return f"{name}{match['between']}{quote}{self._tombstone}{quote}"

        changed = _TOKEN.sub(token, text)
        return changed if changed != text else None


def _read(token: str) -> object:
    """The text or number that a token stands for."""
    if token[0] == "'":
        token = json.dumps(token[1:-1].replace("\\'", "'"))
    return parse_literal(token)
