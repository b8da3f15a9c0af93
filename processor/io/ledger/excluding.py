"""Taking stored calls out of all sums, and putting them back.

Rows are never edited: a call that is excluded, or is no longer, gets a further row, its totals the
difference, and the difference a correction row. What was stamped on spans stays.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from processor.core.model import NS_PER_S, Exclusion, ExclusionRequest, RepriceProgress, Selection
from processor.io.ledger.long_job import try_out
from processor.io.ledger.reprice_sums import RepriceSums
from processor.io.ledger.working_set import WorkingSet

_STEP_S: Final = 0.005
"""How long a step looks for what it changes; that is written after it."""
_TRACES_CHANGED: Final = 32
_SPANS_CHANGED: Final = 1000
"""Most that a step changes, all of them in one trace that was asked for."""
_SPANS_READ: Final = 128
"""Likewise of others: more than those of as many small traces."""

_Spans = dict[bytes, list[bytes]]
"""Ids of spans by that of their trace."""


def to_json(asked: ExclusionRequest, audit: int) -> str:
    """What is to be done, and the number of its line in the audit, as text."""
    trace_id, span_id, *rest = asked.selection
    selection = [trace_id.hex(), span_id.hex(), *rest]
    return json.dumps(asked._asdict() | {"selection": selection, "audit": audit})


def from_json(text: str) -> tuple[ExclusionRequest, int]:
    """What `to_json` has written."""
    values = json.loads(text)
    trace, span, *rest = values["selection"]
    audit = values.pop("audit")
    selection = Selection(bytes.fromhex(trace), bytes.fromhex(span), *rest)
    return ExclusionRequest(**values | {"selection": selection}), audit


@dataclass(slots=True)
class Counts:
    """What was taken out, or put back, so far."""

    calls: int = 0
    agents: int = 0
    lost: int = 0
    sums: RepriceSums = field(default_factory=RepriceSums)

    def to_json(self) -> str:
        """As text."""
        counts = {"calls": self.calls, "agents": self.agents, "lost": self.lost}
        return json.dumps(counts | {"sums": self.sums.to_json()})

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """What `to_json` has written."""
        values = json.loads(text)
        return cls(**values | {"sums": RepriceSums.from_json(values["sums"])})


@dataclass(slots=True)
class _Steps(ABC):
    """Does what is asked, some traces at a time."""

    working_set: WorkingSet
    asked: ExclusionRequest
    number: int = 0
    """That of its row; 0 for a dry run."""
    position: int = 0
    counts: Counts = field(default_factory=Counts)
    is_done: bool = False
    last: int = 0
    """The highest position, as far as it is known."""

    @property
    def progress(self) -> RepriceProgress:
        """How far it has come."""
        left = max(self.last - self.position, 0)
        return RepriceProgress(self.position, left, self.counts.calls)

    def result(self) -> Exclusion:
        """What has changed so far."""
        changed = self.counts.sums.result()
        kept_from_s = self.working_set.kept_from.calls
        return Exclusion(
            self.asked.undoes or self.number,
            self.counts.calls,
            self.counts.agents,
            changed.before_nano_usd,
            changed.after_nano_usd,
            changed.models,
            changed.budgets,
            self.counts.lost,
            changed.is_partial,
            0
            if self.asked.undoes or self.asked.selection.start_ns >= kept_from_s * NS_PER_S
            else kept_from_s,
        )

    @abstractmethod
    def find_last(self) -> None:
        """Find the highest position."""

    @abstractmethod
    def step(self) -> None:
        """Change some traces; the caller commits or undoes it."""

    def try_step(self) -> None:
        """Likewise, and undo it: what would change is added up, nothing is kept."""
        try_out(self.working_set, self.step)

    def _change(
        self, spans: Mapping[bytes, Sequence[bytes]], *, is_excluded: bool
    ) -> Mapping[bytes, Sequence[bytes]]:
        """Take spans out or put them back; returns which of them have changed."""
        if not spans:
            return {}
        followed = self.working_set.exclude(spans, self.asked.now_ns, is_excluded=is_excluded)
        changed: _Spans = {}
        for trace_id, node in followed.posted.amended:
            changed.setdefault(trace_id, []).append(node.span_id)
            self.counts.calls += node.entry is not None and not node.is_reference
            self.counts.agents += node.entry is None
        self.counts.sums.add(followed, self.working_set.budgets.spent)
        return changed


class Excluder(_Steps):
    """Takes charges out in the order of their ids; what comes meanwhile and matches as well."""

    def step(self) -> None:
        """Exclude what matches in some traces."""
        store = self.working_set.store
        limit = _SPANS_CHANGED if self.asked.selection.trace_id else _SPANS_READ
        found = store.exclusions.charges(self.asked.selection, self.position, limit)
        self.position, self.is_done = found.position, found.is_last
        spans: _Spans = {}
        end_s = time.monotonic() + _STEP_S
        for at, (trace_id, span_id) in found.spans:
            is_new = trace_id not in spans
            if is_new and spans and (len(spans) >= _TRACES_CHANGED or time.monotonic() >= end_s):
                self.is_done = False
                break
            if is_new:
                self.working_set.look_at(trace_id)
            spans.setdefault(trace_id, []).append(span_id)
            self.position = at if at != found.spans[-1][0] else found.position
        changed = self._change(spans, is_excluded=True)
        if self.number:
            for trace_id, span_ids in changed.items():
                store.exclusions.add(self.number, trace_id, span_ids)
        self.find_last()

    def find_last(self) -> None:
        """Find the highest position: an id of charges, of which there come more meanwhile."""
        self.last = self.working_set.store.exclusions.last()


class Restorer(_Steps):
    """Puts back what an exclusion has taken out, in the order of its traces."""

    def step(self) -> None:
        """Put back some traces."""
        store, number = self.working_set.store, self.asked.undoes
        found = store.exclusions.spans_of(number, self.position, _TRACES_CHANGED)
        end_s = time.monotonic() + _STEP_S
        spans: _Spans = {}
        self.position, self.is_done = found.position, found.is_last
        for trace, trace_id, span_ids in found.traces:
            self.working_set.look_at(trace_id)
            spans[trace_id] = list(span_ids)
            if time.monotonic() >= end_s and trace != found.traces[-1].trace:
                self.position, self.is_done = trace, False
                break
        self._change(spans, is_excluded=False)
        for trace, trace_id, _ in found.traces:
            if trace_id in spans:
                store.exclusions.drop(number, trace)
        if self.is_done:
            self.counts.lost = self._excluded() - self.counts.calls - self.counts.agents
        self.find_last()

    def _excluded(self) -> int:
        """How many calls and agents were taken out: the rows of some may be deleted by now."""
        jobs = self.working_set.store.exclusions.jobs()
        job = next(each for each in jobs if each.id == self.asked.undoes)
        counts = Counts.from_json(job.progress)
        return counts.calls + counts.agents

    def find_last(self) -> None:
        """Find the highest position: the number of a trace."""
        self.last = self.working_set.store.last_trace()


def steps_of(
    working_set: WorkingSet,
    asked: ExclusionRequest,
    number: int = 0,
    position: int = 0,
    counts: Counts | None = None,
) -> Excluder | Restorer:
    """What does that, from a position on."""
    kind = Restorer if asked.undoes else Excluder
    return kind(working_set, asked, number, position, counts or Counts())
