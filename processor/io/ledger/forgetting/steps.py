"""What is done one after the other to forget a user."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Literal

from processor.core.errors import LedgerUnavailableError
from processor.core.model import ForgetRequest, Forgetting, JobProgress
from processor.io.ledger.forgetting.forgotten import new_tombstone
from processor.io.ledger.long_job import try_out
from processor.io.ledger.working_set import WorkingSet

_STEP_S: Final = 0.005
"""How long a step goes on; a turn that comes meanwhile waits for its end."""

Phase = Literal["owners", "names", "stamps", "requests", "done"]
"""What is looked at: what owners say beside names, read only; then all that is one transaction;
then stamps; then requests that are kept to be sent, which others do."""

BeginRename = Callable[[str, str], Future[Mapping[str, int]]]
"""Begins to take an id out of these: given with the tombstone, gives the result to be."""


@dataclass(slots=True)
class Forgetter:
    """Forgets one user."""

    working_set: WorkingSet
    asked: ForgetRequest
    begin_rename: BeginRename | None = None
    """None where there are no such requests, or others ask for them."""
    is_dry_run: bool = False
    number: int = 0
    """That of its row, which keeps the id while it lasts."""
    phase: Phase = "owners"
    position: int = 0
    tombstone: str = field(default_factory=new_tombstone)
    calls: int = 0
    places: dict[str, int] = field(default_factory=dict)
    is_renamed: bool = False
    """The last step has replaced the names, which what is in memory has to follow."""
    traces: list[bytes] = field(default_factory=list)
    """Traces in whose stamps the last step has changed something."""
    _owners: list[int] = field(default_factory=list)
    _requests: Future[Mapping[str, int]] | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.phase == "done"

    @property
    def is_waiting(self) -> bool:
        """Whether others have something to do before the next step."""
        return self._requests is not None and not self._requests.done()

    @property
    def progress(self) -> JobProgress:
        """How far it has come, in rows of what is looked at now."""
        return JobProgress("forget", "rows", self.position, 0, sum(self.places.values()))

    def result(self) -> Forgetting:
        """What was found so far."""
        places = tuple((name, count) for name, count in self.places.items() if count)
        return Forgetting(self.tombstone, self.calls, places)

    def to_json(self) -> str:
        """How far it has come, as text."""
        return json.dumps(
            {
                "phase": self.phase,
                "tombstone": self.tombstone,
                "calls": self.calls,
                "places": self.places,
            }
        )

    def go_on_from(self, position: int, text: str) -> None:
        """Continue what `to_json` has written."""
        for name, value in json.loads(text).items():
            setattr(self, name, value)
        # What was read of owners was not kept.
        self.position = position if self.phase == "stamps" else 0

    def step(self) -> None:
        """Do a little of what needs a transaction; the caller commits or undoes it."""
        self.is_renamed, self.traces = False, []
        ids = self.working_set.store.ids
        if not self.is_dry_run:
            ids.start_overwriting()
        end_s = time.monotonic() + _STEP_S
        while self.phase in {"owners", "stamps"}:
            if self.phase == "owners":
                self._read_owners()
            else:
                self._rename_stamps()
            if time.monotonic() >= end_s:
                return
        if self.phase == "names":
            self._rename()
        elif self.phase == "requests":
            self._rename_requests()

    def try_step(self) -> None:
        """Likewise, and undo it: what would change is counted, nothing is kept."""
        try_out(self.working_set, self.step)

    def _read_owners(self) -> None:
        ids = self.working_set.store.ids
        found, self.position, is_last = ids.owners_after(self.position, self.asked.user)
        self._owners += found
        if is_last:
            self.phase = "names"

    def _rename(self) -> None:
        """Replace it wherever turns look, in one transaction: so that no total is ever in two."""
        store, user = self.working_set.store, self.asked.user
        is_last = False
        while not is_last:
            found, self.position, is_last = store.ids.owners_after(self.position, user)
            self._owners += found
        self.calls = store.ids.calls_of(user)
        self.places = store.ids.rename(user, self.tombstone, self._owners)
        self.places["jobs"] = store.ids.rename_in_jobs(user, self.tombstone, self.number)
        self.places["waiting spans"], waiting = store.ids.rename_waiting(user, self.tombstone)
        # Also where nothing was found: a span that names it may come late for a trace of now.
        store.forgotten.add(user, self.tombstone, store.last_trace(), waiting)
        store.forget_ids()
        self.is_renamed = True
        self.phase, self.position = "stamps", 0

    def _rename_stamps(self) -> None:
        store = self.working_set.store
        found = store.ids.rename_stamps(self.position, self.asked.user, self.tombstone)
        self.position = found.position
        self.places["stamps"] = self.places.get("stamps", 0) + found.changed
        self.traces += found.traces
        if found.is_last:
            self.phase, self.position = "requests", 0

    def _rename_requests(self) -> None:
        """Have it done, and see what has come of it. Raises LedgerUnavailableError."""
        if self.begin_rename is None:
            self.phase = "done"
        elif self._requests is None:
            self._requests = self.begin_rename(self.asked.user, self.tombstone)
        elif not self.is_waiting:
            error = self._requests.exception()
            if error is not None:
                what = getattr(error, "strerror", None) or error
                raise LedgerUnavailableError(f"requests that are kept keep the id: {what}")
            self.places |= self._requests.result()
            self.phase = "done"

    def committed(self) -> None:
        """The last step is durable: what is in memory follows."""
        if self.is_renamed:
            self.working_set.renamed(self.asked.user, self.tombstone)
        self.working_set.forget(self.traces)

    def outcome(self) -> Mapping[str, str]:
        """What has come of it, for the audit."""
        return {"calls": str(self.calls), **{name: str(n) for name, n in self.places.items() if n}}
