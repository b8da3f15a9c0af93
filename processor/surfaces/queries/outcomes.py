"""What has become of the requests of the last half minute, from counters that only grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from processor.core.flow import BUG, CALLER_LEFT, NOT_TAKEN, STOPPING, SWITCHED_OFF, FlowCounters
from processor.surfaces.queries.samples import NEARLY_ALL, NOTABLE, WINDOW_S, Samples, is_much

_REASONS_MAX: Final = 5
_OF_THE_SENDER: Final = frozenset({CALLER_LEFT, STOPPING, "slow_sender"})
"""Reasons to refuse a request now that say nothing about whether others are served."""
_MEANT: Final = frozenset({SWITCHED_OFF, NOT_TAKEN})
"""Reasons to drop a request that take nothing from anybody who wants it."""
_UNREAD: Final = "spans not read"
_UNWRITTEN: Final = "spans not written"


class _Tally(NamedTuple):
    """How many requests came to which end, since the start or in a time."""

    well: int
    failed: Counter[str]
    """What this processor, its ledger or its backends could not do, by reason."""
    rejected: Counter[str]
    """What its sender has to change."""
    bugs: Counter[str]
    """Spans that went on as they came because of a bug of ours."""

    def since(self, earlier: _Tally) -> _Tally:
        """What came after an earlier tally."""
        return _Tally(
            self.well - earlier.well,
            self.failed - earlier.failed,
            self.rejected - earlier.rejected,
            self.bugs - earlier.bugs,
        )

    @property
    def whole(self) -> int:
        """All requests but those that their senders have to change."""
        return self.failed.total() + self.well


class Verdict(NamedTuple):
    """What the outcomes say about the health."""

    is_failing: bool
    reasons: tuple[str, ...]


class RecentOutcomes:
    """Follows the counters of one processor; to be asked about once a second."""

    def __init__(self, flow: FlowCounters, clock_s: Callable[[], float]) -> None:
        self._flow = flow
        self._samples = Samples(clock_s, _tally(flow))

    def verdict(self) -> Verdict:
        """Whether nearly all that could be served has failed, and in words what has.

        A request that its sender has to change does not count as failed: else anybody who sends
        nonsense could take the processor out of service. It is a reason where there is little else.
        """
        total = _tally(self._flow)
        before = self._samples.before(total)
        window, lately = total.since(before.window), total.since(before.recent)
        has_come_right = bool(lately.well) and lately.failed.total() < NEARLY_ALL * lately.whole
        is_failing = is_much(window.failed.total(), window.whole, NEARLY_ALL)
        return Verdict(is_failing and not has_come_right, tuple(_reasons(window)))


def _reasons(window: _Tally) -> list[str]:
    found = []
    failed, rejected = window.failed.total(), window.rejected.total()
    everything = window.whole + rejected
    if is_much(failed, window.whole, NOTABLE):
        found.append(
            f"{failed} of {window.whole} requests failed in {WINDOW_S:g} s: {_by(window.failed)}"
        )
    if is_much(rejected, everything, NEARLY_ALL):
        why = _by(window.rejected)
        found.append(f"{rejected} of {everything} requests were rejected in {WINDOW_S:g} s: {why}")
    if window.bugs:
        found.append(f"a bug has kept spans from being charged or stamped: {_by(window.bugs)}")
    return found


def _by(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common(_REASONS_MAX))


def _tally(flow: FlowCounters) -> _Tally:
    well = 0
    failed: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for counts in flow.requests.values():
        well += counts.acknowledged + sum(counts.dropped[reason] for reason in _MEANT)
        for reason, count in (counts.refused + counts.returned).items():
            if reason not in _OF_THE_SENDER:
                failed[reason] += count
        for reason, count in counts.dropped.items():
            if reason not in _MEANT:
                failed[reason] += count
        for reason, count in counts.rejected.items():
            (failed if reason == BUG else rejected)[reason] += count
    outcomes = flow.outcomes
    bugs = Counter({_UNREAD: outcomes.unread, _UNWRITTEN: outcomes.unwritten})
    return _Tally(well, failed, rejected, bugs)
