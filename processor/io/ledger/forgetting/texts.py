"""An id of a user in what the ledger keeps as text, and nothing else that reads like it.

An id may be a number, or a word that these texts have anyway, such as ``calls``. So each is
replaced where an id stands in it, as those know who write it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from processor.core.wording import replace_name
from processor.io.ledger.shared import dump

_SELECTIONS: Final = {"exclude", "undo"}
"""Actions of the audit of which the subject names a session or user."""
_VERSION: Final = "version"


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
        name = re.escape(user)
        self._actor = re.compile(rf"(\A){name}(?=\Z|, owner of the file|, while it was stopped)")
        self._subject = re.compile(
            rf"((?:\A| )(?:session|user) ){name}(?=\Z| user | from \d{{4}}-| until \d{{4}}-)"
        )
        # A filter, ``user ada or bob``, and the limit of one, ``ada 5.00 USD``.
        self._filter = re.compile(rf"(; \S+ | or ){name}(?=\Z|; | or )")
        self._override = re.compile(rf"(; ){name}(?= \S+ (?:USD|tokens)(?:\Z|; ))")

    def in_line(
        self, action: str, actor: str, subject: str, before: str, after: str
    ) -> tuple[str, ...]:
        """A line of the audit."""
        if action in _SELECTIONS:
            subject = self._sub(self._subject, subject)
        elif action == "forget":
            subject = self._name(subject)
        values = (self._in_audited(action, each) for each in (before, after))
        return action, self._sub(self._actor, actor), subject, *values

    def in_job(self, parameters: str, progress: str) -> tuple[str, ...]:
        """A row of ``jobs``: an exclusion's selection, and ids whose budgets have changed."""
        return self._in_parameters(parameters), self._in_progress(progress)

    def in_own(self, text: str | None) -> str | None:
        """Values of own dimensions by their names; None where it is none of them."""
        if text is None:
            return None
        values = json.loads(text)
        changed = {name: self._name(value) for name, value in values.items()}
        return dump(changed) if changed != values else None

    def in_marks(self, text: str) -> str | None:
        """Spans that wait, as `pending_columns` has them; None where none names it."""
        marks = json.loads(text)
        changed = [
            [row, time_ns, self._in_owner(own), self._in_owner(inherited), service]
            for row, time_ns, own, inherited, service in marks
        ]
        return dump(changed) if changed != marks else None

    def in_stamp(self, text: str) -> str | None:
        """A stamp in whose crossings the id is a scope's; None where it is in none."""
        parts = json.loads(text)
        found = False
        for crossing in parts.get("x", ()):
            if crossing[2] == self._user:
                crossing[2], found = self._tombstone, True
        return dump(parts) if found else None

    def _in_audited(self, action: str, text: str) -> str:
        values: dict[str, str] = json.loads(text)
        if action in _SELECTIONS and "reason" in values:
            values["reason"] = self._in_sentence(values["reason"])
        elif action == "budgets":
            for name in values.keys() - {_VERSION}:
                values[name] = self._sub(self._override, self._sub(self._filter, values[name]))
        return _rewritten(text, values)

    def _in_parameters(self, text: str) -> str:
        values = json.loads(text) if text else None
        if not isinstance(values, dict) or "selection" not in values:
            return text
        values["selection"] = [self._name(each) for each in values["selection"]]
        values["reason"] = self._in_sentence(values["reason"])
        values["actor"] = self._sub(self._actor, values["actor"])
        return _rewritten(text, values)

    def _in_progress(self, text: str) -> str:
        values = json.loads(text) if text else {}
        if "sums" in values:
            values["sums"] = self._in_progress(values["sums"])
        if "tombstone" in values:
            values["tombstone"] = self._name(values["tombstone"])
        for key, _ in values.get("budgets", ()):
            key[1] = self._name(key[1])
        return _rewritten(text, values)

    def _in_sentence(self, text: str) -> str:
        """A sentence with the tombstone wherever the id stands by itself."""
        return replace_name(text, self._user, self._tombstone)

    def _in_owner(self, text: str | None) -> str | None:
        """An owner, as `pending_columns` has it."""
        if text is None:
            return None
        parts = json.loads(text)
        changed = [
            [[name, self._name(value)] for name, value in part]
            if isinstance(part, list)
            else self._name(part)
            for part in parts
        ]
        return dump(changed) if changed != parts else text

    def _name(self, value: Any) -> Any:  # noqa: ANN401 - JSON has no type before it is read
        return self._tombstone if value == self._user else value

    def _sub(self, pattern: re.Pattern[str], text: str) -> str:
        return pattern.sub(lambda found: found[1] + self._tombstone, text)


def _rewritten(text: str, values: object) -> str:
    """A text as it is, unless its values are others now."""
    return (
        text if not text or json.loads(text) == values else json.dumps(values, ensure_ascii=False)
    )
