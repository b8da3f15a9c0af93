"""Deletes names, owners and details that no row uses any more."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator

from processor.core.wording import counted
from processor.io.ledger.deleted_rows import DeletedRows
from processor.io.ledger.retention.sweep import STEP_S
from processor.io.ledger.shared_rows import USERS_OF_NAMES, USERS_OF_OWNERS, Shared, Uses

_LOG = logging.getLogger(__name__)


class SharedSweep:
    """Notes what all rows use, then deletes the rest: owners first, which use names.

    What it has noted is in memory, so a restart begins it again.
    """

    def __init__(self, rows: DeletedRows, mark_s: int) -> None:
        """`mark_s` is from when on the calls are kept by now."""
        self._rows = rows
        self._mark_s = mark_s
        self._pieces = self._go_through()
        self._deleted = Counter[Shared]()
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        while not self.is_done:
            self.is_done = next(self._pieces, self) is self
            if time.monotonic() >= end_s:
                break

    def committed(self) -> None:
        """See `Sweep`."""
        if self.is_done and self._deleted.total():
            _LOG.info(
                "%s, %s and %s that no call uses any more are deleted",
                counted(self._deleted["names"], "name"),
                counted(self._deleted["owners"], "owner"),
                counted(self._deleted["call_details"], "set of details", "sets of details"),
            )

    def _go_through(self) -> Iterator[None]:
        rows = self._rows.shared
        uses = rows.follow()
        for user in USERS_OF_OWNERS:
            yield from rows.note(user, uses)
        yield from self._delete("owners", uses)
        yield from self._delete("call_details", uses)
        for user in USERS_OF_NAMES:
            yield from rows.note(user, uses)
        yield from rows.note_user_days(uses["names"])
        yield from self._delete("names", uses)
        rows.follow_no_longer()
        self._rows.move("shared", self._mark_s)

    def _delete(self, table: Shared, uses: Uses) -> Iterator[None]:
        for count in self._rows.shared.delete(table, uses[table]):
            self._deleted[table] += count
            yield
