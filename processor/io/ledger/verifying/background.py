"""Goes through the sums of a ledger once a day, slowly, in a thread of the process that writes."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from processor.core.counters import CheckState
from processor.core.errors import LedgerUnavailableError
from processor.io.ledger.reading.log_pause import LogPause
from processor.io.ledger.verifying.verifier import Progress, Verifier, checks_of_sums

_LOG = logging.getLogger(__name__)
_FIRST_S: Final = 60.0
"""How long after the start the first pass begins."""
_INTERVAL_S: Final = 86_400.0
"""From the start of a pass to that of the next one."""
_RETRY_S: Final = 3600.0
"""From the end of a pass to the start of the next one at least."""
_PAUSE_TIMES: Final = 20
"""So many times as long as a step took nothing is done after it."""
_PAUSE_MIN_S: Final = 0.2
_CACHE_KIB: Final = 8_192


class BackgroundCheck:
    """The checks of `verify` that only add up, one step after the other with long pauses."""

    def __init__(self, path: Path, pause: LogPause) -> None:
        """`pause` says when the write-ahead log is too large to begin a step.

        Questions do not wait for a step that is under way.
        """
        self._path = path
        self._pause = pause
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ledger-check", daemon=True)
        self.state = CheckState()
        """What it has found. A value, which may be read from any thread."""

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    async def close(self) -> None:
        """Stop at once."""
        self._ended.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        wait_s = _FIRST_S
        while not self._ended.wait(wait_s):
            start_s = time.monotonic()
            try:
                self.look_through()
            except (LedgerUnavailableError, apsw.Error) as error:
                if not self._ended.is_set():
                    _LOG.warning("the ledger's sums could not be checked this time: %s", error)
            except Exception:  # noqa: BLE001 - whatever it is, spans are received all the same
                _LOG.exception("the check of the ledger's sums failed; it is tried again")
            wait_s = max(start_s + _INTERVAL_S - time.monotonic(), _RETRY_S)

    def look_through(self) -> None:
        """Do one pass. Raises LedgerUnavailableError, and apsw.InterruptError once it has ended."""
        checks = checks_of_sums()
        found = CheckState(self.state.verified_s)
        with closing(Verifier(self._path, cache_kib=_CACHE_KIB, ends=self._ended.is_set)) as file:
            for at, check in enumerate(checks):
                steps = file.run(check)
                while True:
                    with self._pause.reading():
                        pass  # This has waited while the log is too large.
                    start_s = time.monotonic()
                    progress = next(steps, None)
                    if progress is None:
                        break
                    found = _with(found, progress, (at + progress.step.share) / len(checks))
                    # What the last pass has found holds until this one is over.
                    differences = max(found.differences, self.state.differences)
                    first = found.first or self.state.first
                    self.state = found._replace(differences=differences, first=first)
                    took_s = time.monotonic() - start_s
                    if self._ended.wait(max(_PAUSE_TIMES * took_s, _PAUSE_MIN_S)):
                        return
        if found.differences:
            _LOG.error(
                "%d of the ledger's sums differ from its charges, such as: %s. llm-cost verify "
                "names them, and says what to do",
                found.differences,
                found.first,
            )
            self.state = found
        else:
            self.state = found._replace(verified_s=time.time())


def _with(found: CheckState, progress: Progress, share: float) -> CheckState:
    first = found.first
    if not first and progress.step.differences:
        one = progress.step.differences[0]
        first = f"{one.where}: {one.column} is {one.kept} and should be {one.expected}"
        first = first if one.column else one.where
    differences = found.differences + progress.step.differing
    return found._replace(share=share, differences=differences, first=first)
