"""An id of a user in longer texts: in JSON, and in sentences of the audit."""

from __future__ import annotations

import json
from typing import Any

from processor.core.wording import replace_name
from processor.io.ledger.shared import dump


def as_in_json(text: str, depth: int = 1) -> str:
    """How a text stands in JSON, or in JSON within so much other JSON."""
    for _ in range(depth):
        text = dump(text)[1:-1]
    return text


class Replacement:
    """Puts a tombstone in the place of an id."""

    def __init__(self, user: str, tombstone: str) -> None:
        self._user = user
        self._tombstone = tombstone

    def in_sentence(self, text: str) -> str:
        """A sentence with the tombstone wherever the id stands by itself."""
        return replace_name(text, self._user, self._tombstone)

    def in_json(self, text: str) -> str:
        """The same of every text in a JSON value; of what is no JSON, of all of it."""
        try:
            return json.dumps(self._value(json.loads(text)), ensure_ascii=False)
        except ValueError:
            return self.in_sentence(text)

    def in_values(self, text: str | None) -> str | None:
        """JSON in which only whole texts are replaced; None where nothing is."""
        if text is None:
            return None
        value = json.loads(text)
        changed = self._whole(value)
        return dump(changed) if changed != value else None

    def in_stamp(self, text: str) -> str | None:
        """A stamp in whose crossings the id is a scope's; None where it is in none."""
        parts = json.loads(text)
        found = False
        for crossing in parts.get("x", ()):
            if crossing[2] == self._user:
                crossing[2], found = self._tombstone, True
        return dump(parts) if found else None

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - JSON has no type before it is read
        if isinstance(value, str):
            return self.in_sentence(value)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, dict):
            return {self.in_sentence(name): self._value(each) for name, each in value.items()}
        return value

    def _whole(self, value: Any) -> Any:  # noqa: ANN401 - JSON has no type before it is read
        if isinstance(value, list):
            return [self._whole(each) for each in value]
        if isinstance(value, dict):
            return {name: self._whole(each) for name, each in value.items()}
        if value == self._user and isinstance(value, str):
            return self._tombstone
        if isinstance(value, str) and value[:1] == "[":
            # An owner is JSON within that of the spans that wait.
            try:
                return dump(self._whole(json.loads(value)))
            except ValueError:
                return value
        return value
