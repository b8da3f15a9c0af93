"""The one retry loop: attempt after attempt, whatever the backend speaks.

Pauses are exponential with full jitter, so that senders that failed together do not return
together. Which answers may be retried is decided in `processor.core.otlp.codes`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn

from processor.core.episodes import Episodes
from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    SignalNotTakenError,
)
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.codes import Code
from processor.io.exporter.destination import Counters
from processor.io.exporter.outage_log import OutageLog
from processor.io.exporter.transport import AttemptError, Failure, Transport

_LONGEST_EXPONENT: Final = 64
_MARGIN_S: Final = 1.0
_TAKES_OTHERS_S: Final = 60.0
"""How recent a delivery of another signal has to be that shows that the backend is there."""
_NOT_TAKEN_S: Final = 3600.0
"""How long a backend is not asked again for a signal that it does not have."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a destination is retried."""

    initial_s: float = 1.0
    """The longest first pause; later ones may grow by `factor` up to `max_s`."""
    factor: float = 1.5
    max_s: float = 30.0
    max_elapsed_s: float = 300.0
    """The longest time spent on one payload, whatever its sender's deadline; it may be infinite."""
    unbounded_elapsed_s: float = 60.0
    """The same for a sender without a deadline, which would hold its reservation for long."""

    def budget_s(self, timeout_s: float | None) -> float:
        """How long to go on with a payload whose sender gives up after `timeout_s`.

        It ends a second before the sender's own deadline, so that the sender still gets the
        answer; or at half time for a sender that waits less than two seconds.
        """
        if timeout_s is None:
            is_endless = math.isinf(self.max_elapsed_s)
            return math.inf if is_endless else min(self.max_elapsed_s, self.unbounded_elapsed_s)
        margin_s = min(_MARGIN_S, timeout_s / 2)
        return min(self.max_elapsed_s, max(timeout_s - margin_s, 0.0))

    def pause_s(self, failures: int, chance: float, asked_s: float | None = None) -> float:
        """How long to wait after so many failures (1 after the first).

        `chance` is in [0, 1). `asked_s` is what the backend asked for: never less than that.
        """
        exponent = min(failures - 1, _LONGEST_EXPONENT)
        ceiling_s = min(self.max_s, self.initial_s * self.factor**exponent)
        return max(asked_s or 0.0, 0.0) + chance * ceiling_s


_log = logging.getLogger(__name__)


class _NotTaken(NamedTuple):
    """What a backend has answered to a signal that it does not have."""

    code: int
    message: str
    asked_s: float
    """When it was asked last, by the loop's clock."""


class RetryingSender:
    """Sends one request until the backend has given a final answer, or the time is up."""

    def __init__(
        self,
        transport: Transport,
        counters: Counters,
        retry: RetryPolicy,
        *,
        attempt_timeout_s: float,
        cuts_attempts: bool = True,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`chance` gives numbers in [0, 1) for jitter.

        Without `cuts_attempts` the end of the time only keeps further attempts from being made.
        """
        self._transport = transport
        self._counters = counters
        self._retry = retry
        self._attempt_timeout_s = attempt_timeout_s
        self._cuts_attempts = cuts_attempts
        self._chance = chance
        self._sleep = sleep
        self._episodes = Episodes()
        self._taken_s: dict[Signal, float] = {}
        """When a payload of a signal was last taken, by the loop's clock."""
        self._not_taken: dict[Signal, _NotTaken] = {}
        """Signals that the backend does not have."""
        self._outages = OutageLog()

    async def send(
        self, signal: Signal, payload: bytes, budget_s: float, metadata: Metadata = ()
    ) -> Receipt:
        """Send for as long as `budget_s`.

        Raises BackendRefusedError when the backend never takes it, SignalNotTakenError when it has
        no metrics or logs at all, BackendUnavailableError when the time is up; its delay is what
        the backend asked for, however long.
        """
        loop = asyncio.get_running_loop()
        if self._not_taken:
            self._refuse_what_is_not_taken(signal, loop.time())
        end_s = loop.time() + budget_s
        failures, hint = 0, ""
        reported: Failure | None = None
        while True:
            timeout_s = self._attempt_timeout_s
            if self._cuts_attempts:
                timeout_s = min(timeout_s, max(end_s - loop.time(), 0.0))
            try:
                receipt = await self._transport.attempt(signal, payload, timeout_s, metadata)
            except AttemptError as error:
                # The error itself is not kept, nor what it came from: see `Failure`.
                failure = error.failure
            else:
                return self._note_taken(signal, receipt)
            if not failure.is_retryable or (failure.may_be_absent and self._is_absent(signal)):
                self._refuse(signal, failure)
            failures += 1
            # An attempt that was cut short by the end of the time says nothing of the backend.
            if reported is None or timeout_s >= self._attempt_timeout_s:
                reported = failure
            # A name with several addresses fails for another reason each time.
            hint = hint or failure.hint
            pause_s = self._retry.pause_s(failures, self._chance(), failure.asked_s)
            if loop.time() + pause_s >= end_s:
                self._give_back(reported, failures, hint)
            await self._sleep(pause_s)
            # It may have slept longer than that, and an attempt without any time left would only
            # hide why the others have failed.
            if loop.time() >= end_s:
                self._give_back(reported, failures, hint)
            self._counters.retried += 1

    def _note_taken(self, signal: Signal, receipt: Receipt | None) -> Receipt:
        """Count the answer to a payload that was taken, and log it where it is unusual."""
        name = self._transport.name
        self._taken_s[signal] = asyncio.get_running_loop().time()
        if self._not_taken.pop(signal, None) is not None:
            _log.info("%s takes %s now, so they are sent to it again", name, signal)
        self._outages.succeed("away", "%s takes payloads again", name)
        self._counters.sent += 1
        if receipt is None:
            self._counters.unreadable += 1
            what = "%s took the signal %s, but its answer cannot be read"
            self._report(signal, "unreadable", what, name, signal)
            return Receipt()
        self._counters.rejected_items += receipt.rejected
        if receipt.rejected:
            self._counters.sent_in_part += 1
            what = "%s rejected %d items of the signal %s: %r"
            self._report(signal, "rejected", what, name, receipt.rejected, signal, receipt.message)
        return receipt

    def _refuse(self, signal: Signal, failure: Failure) -> NoReturn:
        """The backend will never take this payload."""
        name = self._transport.name
        if failure.code == Code.UNIMPLEMENTED and signal != "traces":
            raise self._note_not_taken(signal, failure)
        if failure.code == Code.UNIMPLEMENTED:
            what = "%s does not take the signal %s (%r); check its address"
            self._report(signal, "unimplemented", what, name, signal, failure.message)
        else:
            what = "%s refuses the signal %s for good: %s"
            self._report(signal, f"refused {failure.code}", what, name, signal, failure.message)
        raise BackendRefusedError(failure.code, f"{name}: {failure.message}")

    def _note_not_taken(self, signal: Signal, failure: Failure) -> SignalNotTakenError:
        """Remember that the backend does not have this signal; say so once."""
        name = self._transport.name
        if signal not in self._not_taken:
            what = (
                "%s takes no %s (%r): from now on they are acknowledged and dropped, and it is "
                "asked again every %d minutes; forward.%s: false drops them without asking"
            )
            minutes = round(_NOT_TAKEN_S / 60)
            _log.warning(what, name, signal, failure.message, minutes, signal)
        message = f"{name} takes no {signal}: {failure.message}"
        asked_s = asyncio.get_running_loop().time()
        self._not_taken[signal] = _NotTaken(failure.code, message, asked_s)
        return SignalNotTakenError(failure.code, message)

    def _refuse_what_is_not_taken(self, signal: Signal, now_s: float) -> None:
        """Spare a backend what it does not have, but for one request now and then."""
        known = self._not_taken.get(signal)
        if known is None:
            return
        if now_s - known.asked_s < _NOT_TAKEN_S:
            raise SignalNotTakenError(known.code, known.message)
        # This one asks; those beside it do not.
        self._not_taken[signal] = known._replace(asked_s=now_s)

    def _give_back(self, failure: Failure, failures: int, hint: str) -> NoReturn:
        """The time is up: the sender should try again."""
        reason = f"{failure.reason} after {failures} attempts: {failure.message}"
        message = f"{self._transport.name}: {reason}"
        asked_s = failure.asked_s
        delay_s = self._retry.pause_s(failures, 1.0) if asked_s is None else asked_s
        message = f"{message} ({hint})" if hint else message
        self._outages.fail("away", "nothing is delivered for now: %s", message)
        raise BackendUnavailableError(message, delay_s)

    def _is_absent(self, signal: Signal) -> bool:
        """Whether the backend takes other signals, and has never taken this one.

        Then it is not a proxy that answers for a backend that is away. Else a backend without
        metrics would fill the queue on the disk with them.
        """
        if signal in self._taken_s:
            return False
        now_s = asyncio.get_running_loop().time()
        return any(now_s - taken_s <= _TAKES_OTHERS_S for taken_s in self._taken_s.values())

    def _report(self, signal: Signal, kind: str, what: str, *values: object) -> None:
        """Log when it begins, for each signal and kind; the counters show how often it happens."""
        if self._episodes.note(f"{signal} {kind}", asyncio.get_running_loop().time()):
            _log.warning(what, *values)
