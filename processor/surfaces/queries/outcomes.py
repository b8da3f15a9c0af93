"""What has become of the requests of the last half minute, from counters that only grow."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final, NamedTuple

from processor.core.flow import BUG, CALLER_LEFT, STOPPING, SWITCHED_OFF, FlowCounters

WINDOW_S: Final = 30.0
_RECENT_S: Final = 5.0
"""What comes right again shows after this time, however much failed before."""
_SAMPLE_S: Final = 1.0
_LEAST: Final = 3
"""Fewer failures say nothing: one may come from a sender's short timeout."""
_NEARLY_ALL: Final = 0.9
_NOTABLE: Final = 0.1
_REASONS_MAX: Final = 5
_OF_THE_SENDER: Final = frozenset({CALLER_LEFT, STOPPING, "slow_sender"})
"""Reasons to refuse a request now that say nothing about whether others are served."""
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
    def share(self) -> float:
        """The share of requests that failed, of those that their senders had no part in."""
        failed = self.failed.total()
        return failed / (failed + self.well) if failed else 0.0


class Verdict(NamedTuple):
    """What the outcomes say about the health."""

    is_failing: bool
    reasons: tuple[str, ...]


class RecentOutcomes:
    """Follows the counters of one processor; to be asked about once a second."""

    def __init__(self, flow: FlowCounters, clock_s: Callable[[], float]) -> None:
        self._flow = flow
        self._clock_s = clock_s
        self._samples = deque([(clock_s(), _tally(flow))])

    def verdict(self) -> Verdict:
        """Whether nearly all that could be served has failed, and in words what has.

        A request that its sender has to change does not count as failed: else anybody who sends
        nonsense could take the processor out of service. It is a reason where there is little else.
        """
        now_s, total = self._clock_s(), _tally(self._flow)
        while len(self._samples) > 1 and self._samples[1][0] <= now_s - WINDOW_S:
            self._samples.popleft()
        window = total.since(self._samples[0][1])
        lately = total.since(self._before(now_s - _RECENT_S))
        if now_s - self._samples[-1][0] >= _SAMPLE_S:
            self._samples.append((now_s, total))
        has_come_right = bool(lately.well) and lately.share < _NEARLY_ALL
        is_failing = _is_much(window.failed.total(), window.share, _NEARLY_ALL)
        return Verdict(is_failing and not has_come_right, tuple(_reasons(window)))

    def _before(self, at_s: float) -> _Tally:
        """The last sample that is not after a time, or the first there is."""
        earlier = (tally for when_s, tally in reversed(self._samples) if when_s <= at_s)
        return next(earlier, self._samples[0][1])


def _is_much(count: int, share: float, least_share: float) -> bool:
    return count >= _LEAST and share >= least_share


def _reasons(window: _Tally) -> list[str]:
    found = []
    failed, rejected = window.failed.total(), window.rejected.total()
    everything = failed + rejected + window.well
    if _is_much(failed, window.share, _NOTABLE):
        whole = failed + window.well
        found.append(f"{failed} of {whole} requests failed in {WINDOW_S:g} s: {_by(window.failed)}")
    if rejected and _is_much(rejected, rejected / everything, _NEARLY_ALL):
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
        well += counts.acknowledged + counts.dropped[SWITCHED_OFF]
        for reason, count in (counts.refused + counts.returned).items():
            if reason not in _OF_THE_SENDER:
                failed[reason] += count
        for reason, count in counts.dropped.items():
            if reason != SWITCHED_OFF:
                failed[reason] += count
        for reason, count in counts.rejected.items():
            (failed if reason == BUG else rejected)[reason] += count
    outcomes = flow.outcomes
    bugs = Counter({_UNREAD: outcomes.unread, _UNWRITTEN: outcomes.unwritten})
    return _Tally(well, failed, rejected, bugs)
