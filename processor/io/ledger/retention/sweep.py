"""What the ways through the ledger that delete what is old have in common.

Each goes once through what is kept of one kind, and deletes what is older than a moment. What is
kept lies in the order in which it came, so that the oldest stands first. A sweep ends where much of
what it meets is newer; what came late is met by a later sweep.
"""

from __future__ import annotations

from typing import Final, Protocol

from processor.core.model import NS_PER_S

STEP_S: Final = 0.005
"""How long a step goes on; a turn that comes meanwhile waits for its end."""
READ: Final = 256
_NEWER_MAX: Final = 4096
"""After so many that are newer, one after the other, a sweep ends."""


class Sweep(Protocol):
    """One way through what is kept of one kind."""

    is_done: bool

    def step(self) -> None:
        """Go on for some milliseconds; the caller commits.

        One that was undone must not go on.
        """

    def committed(self) -> None:
        """What the last step has deleted is gone for good."""


class Frontier:
    """Notices where what is newer begins. Times in the future, and 0, say nothing."""

    def __init__(self, mark_s: int, now_s: int) -> None:
        self._mark_ns, self._now_ns = mark_s * NS_PER_S, now_s * NS_PER_S
        self._newer = 0

    def is_reached(self, time_ns: int) -> bool:
        """Note the time of one more, and say whether it was the last to look at."""
        if self._mark_ns <= time_ns <= self._now_ns:
            self._newer += 1
        elif 0 < time_ns < self._mark_ns:
            self._newer = 0
        return self._newer >= _NEWER_MAX
