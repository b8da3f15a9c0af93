"""Notes in the audit what is in force, whenever that has changed."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from processor.core.errors import LedgerUnavailableError
from processor.core.model import AuditEntry
from processor.io.ledger.audit_rows import as_json
from processor.io.ledger.store import Store

_LOG = logging.getLogger(__name__)
_VERSION: Final = "version"
_VALUES_MAX: Final = 50
"""Values that a line has at most; of more only those that have changed, as many as that."""
_VALUE_MAX_CHARS: Final = 500


class InForce(NamedTuple):
    """What is in force from now on."""

    time_ns: int
    actor: str
    action: str
    subject: str
    version: str
    """The same for the same values, and for no others."""
    values: Mapping[str, str]


class AuditLog:
    """Long work of the ledger: lines are written between turns, so that none of them waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[InForce] = deque()
        self._known: dict[str, InForce] = {}
        """What is in force, as this process has written it, by action."""

    @property
    def has_work(self) -> bool:
        """Whether something is to be written."""
        return bool(self._waiting)

    def note(self, found: InForce) -> None:
        """Have it noted, unless the last line of the action says the same."""
        self._waiting.append(found)

    def work(self) -> None:
        """Write a line if there is one to write; what fails is tried again."""
        found = self._waiting[0]
        line = self._line(found)
        if line is not None:
            self._store.begin()
            try:
                self._store.audit.add(line)
                self._store.commit()
            except BaseException:
                self._store.rollback()
                raise
        self._known[found.action] = found
        self._waiting.popleft()

    def close(self) -> None:
        """Write what still waits, the thread that writes having ended; it is lost if that fails."""
        while self.has_work:
            try:
                self.work()
            except LedgerUnavailableError as error:
                _LOG.warning("a line of the audit is lost: %s", error)
                self._waiting.popleft()

    def _line(self, found: InForce) -> AuditEntry | None:
        known, actor = self._known.get(found.action), found.actor
        before: Mapping[str, str]
        if known is not None:
            if (known.subject, known.version) == (found.subject, found.version):
                return None
            before, after = _changes(known, found)
        else:
            last = self._store.audit.last(found.action)
            before = {} if last is None else json.loads(last.after)
            if last is not None:
                if (last.subject, before.get(_VERSION)) == (found.subject, found.version):
                    return None
                actor = f"{actor}, while it was stopped"
            after = {_VERSION: found.version}
            if len(found.values) <= _VALUES_MAX:
                after |= {name: value[:_VALUE_MAX_CHARS] for name, value in found.values.items()}
            elif before:
                before = {_VERSION: before.get(_VERSION, "")}
        return AuditEntry(
            found.time_ns, actor, found.action, found.subject, as_json(before), as_json(after)
        )


def _changes(known: InForce, found: InForce) -> tuple[dict[str, str], dict[str, str]]:
    """Before and after; of many values those that have changed."""
    names = list(dict.fromkeys((*known.values, *found.values)))
    if max(len(known.values), len(found.values)) > _VALUES_MAX:
        names = [name for name in names if known.values.get(name) != found.values.get(name)]
    both = []
    for state in (known, found):
        shown = [name for name in names[:_VALUES_MAX] if name in state.values]
        values = {name: state.values[name][:_VALUE_MAX_CHARS] for name in shown}
        both.append({_VERSION: state.version, **values})
    return both[0], both[1]
