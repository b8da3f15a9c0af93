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
from processor.io.ledger.forgetting.searching import Searched
from processor.io.ledger.long_job import try_out
from processor.io.ledger.working_set import WorkingSet

_STEP_S: Final = 0.005
"""How long a step goes on; a turn that comes meanwhile waits for its end."""

Phase = Literal[
    "search", "names", "memory", "titles", "audit", "jobs", "stamps", "requests", "done"
]
"""What is done: rows are found that no index leads to, read only; what turns look at is replaced in
one transaction; then, in steps, what is in memory, the other texts that are kept, and stamps; then
requests that are kept to be sent, which others do."""
_NEXT: Final[Mapping[Phase, Phase]] = {
    "memory": "titles", "titles": "audit", "audit": "jobs", "jobs": "stamps", "stamps": "requests",
}  # fmt: skip
_SEARCHED: Final[tuple[Searched, ...]] = ("owners", "sets", "waiting")

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
    phase: Phase = "search"
    position: int = 0
    after: str = ""
    """The last task whose title was looked at."""
    tombstone: str = field(default_factory=new_tombstone)
    calls: int = 0
    places: dict[str, int] = field(default_factory=dict)
    is_renamed: bool = False
    """The last step has replaced the names, which what is in memory has to follow."""
    traces: list[bytes] = field(default_factory=list)
    """Traces in whose stamps the last step has changed something."""
    _found: dict[Searched, list[int]] = field(default_factory=lambda: {t: [] for t in _SEARCHED})
    _searched: dict[Searched, int] = field(default_factory=lambda: dict.fromkeys(_SEARCHED, 0))
    """Up to which key."""
    _last: tuple[int, int] | None = None
    """The last owner and the last span, as of when it began."""
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
        """How far it has come, in rows of owners and spans, of which there are most."""
        owners, spans = self._last or (0, 0)
        done = {"search": self._searched["owners"], "names": owners, "done": owners + spans}
        at = done.get(self.phase, owners)
        if self.phase in {"stamps", "requests"}:
            at += self.position if self.phase == "stamps" else spans
        whole = max(owners + spans, at)
        return JobProgress("forget", "rows", at, whole - at, sum(self.places.values()))

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
                "after": self.after,
            }
        )

    def go_on_from(self, position: int, text: str) -> None:
        """Continue what `to_json` has written."""
        for name, value in json.loads(text).items():
            setattr(self, name, value)
        self.position = position
        if self.phase == "names":
            # What was found was not kept.
            self.phase = "search"

    def step(self) -> None:
        """Do a little of what needs a transaction; the caller commits or undoes it."""
        self.is_renamed, self.traces = False, []
        ids = self.working_set.store.ids
        if not self.is_dry_run:
            ids.start_overwriting()
        if self._last is None:
            self._last = ids.search.last("owners"), ids.last_span()
        end_s = time.monotonic() + _STEP_S
        while True:
            phase = self.phase
            if phase == "search":
                self._search()
            elif phase == "names":
                self._rename()
            elif phase == "requests":
                self._rename_requests()
            else:
                self._rename_more(end_s)
            # After the names what is in memory follows before anything else.
            if phase in {"names", "requests"} or time.monotonic() >= end_s:
                return

    def try_step(self) -> None:
        """Likewise, and undo it: what would change is counted, nothing is kept."""
        try_out(self.working_set, self.step)

    def _search(self) -> None:
        """Look through the next rows of one table."""
        table = next((table for table in _SEARCHED if not self._search_in(table)), None)
        if table is None:
            self.phase = "names"

    def _search_in(self, table: Searched) -> bool:
        """Returns whether there are no more."""
        search = self.working_set.store.ids.search
        found = search.find(table, self._searched[table], self.asked.user)
        self._found[table] += found.keys
        self._searched[table] = found.until
        return found.is_last

    def _rename(self) -> None:
        """Replace it wherever turns look, in one transaction: so that no total is ever in two."""
        store, user = self.working_set.store, self.asked.user
        for table in _SEARCHED:
            while not self._search_in(table):
                pass
        self.calls = store.ids.calls_of(user)
        self.places = store.ids.rename(user, self.tombstone, self._found)
        self.places["waiting spans"], waiting = store.ids.rename_waiting(
            user, self.tombstone, self._found["waiting"]
        )
        # Also where nothing was found: a span that names it may come late for a trace of now.
        store.forgotten.add(user, self.tombstone, store.last_trace(), waiting)
        store.forget_ids()
        self.is_renamed = True
        self.phase, self.position = "memory", 0

    def _rename_more(self, end_s: float) -> None:
        """Replace it in the next of the other rows, or in some of what is in memory."""
        user, tombstone = self.asked.user, self.tombstone
        ids, goes_on = self.working_set.store.ids, False
        if self.phase == "memory":
            goes_on = not self.is_dry_run and not self.working_set.rename_more(end_s)
        elif self.phase == "titles":
            count, last = ids.rename_titles(self.after, user, tombstone)
            goes_on, self.after = last is not None, last or ""
            self._add("tasks", count)
        elif self.phase in {"audit", "jobs"}:
            table = self.phase
            count, at = ids.rename_texts(table, self.position, user, tombstone, self.number)
            goes_on, self.position = at is not None, at or 0
            self._add(table, count)
        else:
            found = ids.rename_stamps(self.position, user, tombstone)
            goes_on, self.position = not found.is_last, found.position
            self._add("stamps", found.changed)
            self.traces += found.traces
        if not goes_on:
            self.phase, self.position = _NEXT[self.phase], 0

    def _add(self, place: str, count: int) -> None:
        self.places[place] = self.places.get(place, 0) + count

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
