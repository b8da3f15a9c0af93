"""What takes long, done in steps that stand between the turns."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final, Protocol

from processor.core.errors import LedgerUnavailableError

_LOG = logging.getLogger(__name__)
_STEP_INTERVAL_S: Final = 0.05
"""Between two steps while turns keep coming."""
_RETRY_S: Final = 5.0


class Work(Protocol):
    """Something that takes long."""

    @property
    def has_work(self) -> bool:
        """Whether `work` has something to do."""

    def work(self) -> None:
        """Do a step, in a transaction of its own; one that fails has changed nothing."""


class Background:
    """Takes the steps of several works in turn: all when nothing else waits, else now and then."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = list(works)
        self._next_step_s = 0.0
        self._has_failed = False

    @property
    def is_due(self) -> bool:
        """Whether a step may keep a turn waiting."""
        return time.monotonic() >= self._next_step_s

    def wait_s(self, most_s: float) -> float:
        """How long to wait for turns before the next step."""
        if not any(each.has_work for each in self._works):
            return most_s
        pause_s = self._next_step_s - time.monotonic() if self._has_failed else 0.0
        return min(max(pause_s, 0.0), most_s)

    def step(self) -> None:
        """Do a step of the work whose turn it is. Raises nothing."""
        work = next((each for each in self._works if each.has_work), None)
        if work is None:
            return
        self._works.remove(work)
        self._works.append(work)
        self._has_failed = False
        try:
            work.work()
        except LedgerUnavailableError as error:
            _LOG.warning("a step of the ledger's work is tried again: %s", error)
            self._has_failed = True
        except Exception:  # noqa: BLE001 - turns go on, whatever it is
            _LOG.exception("a step of the ledger's work failed; it is tried again")
            self._has_failed = True
        pause_s = _RETRY_S if self._has_failed else _STEP_INTERVAL_S
        self._next_step_s = time.monotonic() + pause_s
