"""The one retry loop: attempt after attempt, whatever the backend speaks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn

from processor.core.errors import BackendRefusedError, BackendUnavailableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.codes import Code
from processor.io.exporter.destination import Counters
from processor.io.exporter.retry import RetryPolicy
from processor.io.exporter.transport import AttemptError, Transport

_log = logging.getLogger(__name__)


class RetryingSender:
    """Sends one request until the backend has answered for good, or the time is up."""

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
        self._said: set[tuple[Signal, str]] = set()
        self._is_away = False
        """True from the first payload that was given back until one is taken again."""

    async def send(
        self, signal: Signal, payload: bytes, budget_s: float, metadata: Metadata = ()
    ) -> Receipt:
        """Send for as long as `budget_s`.

        Raises BackendRefusedError when the backend never takes it, BackendUnavailableError when
        the time is up; its delay is what the backend asked for, however long.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + budget_s
        failures, advice = 0, ""
        telling: AttemptError | None = None
        while True:
            timeout_s = self._attempt_timeout_s
            if self._cuts_attempts:
                timeout_s = min(timeout_s, max(end_s - loop.time(), 0.0))
            try:
                receipt = await self._transport.attempt(signal, payload, timeout_s, metadata)
                return self._noted(signal, receipt)
            except AttemptError as failure:
                if not failure.is_retryable:
                    self._refuse(signal, failure)
                failures += 1
                # An attempt that only the end of the time cut short tells nothing of the backend.
                if telling is None or timeout_s >= self._attempt_timeout_s:
                    telling = failure
                # A name with several addresses fails for another reason each time.
                advice = advice or failure.advice
                pause_s = self._retry.pause_s(failures, self._chance(), failure.asked_s)
                if loop.time() + pause_s >= end_s:
                    self._give_back(telling, failures, advice)
                await self._sleep(pause_s)
                # It may have slept longer than that, and an attempt in no time at all would only
                # hide why the others have failed.
                if loop.time() >= end_s:
                    self._give_back(telling, failures, advice)
            self._counters.retried += 1

    def _noted(self, signal: Signal, receipt: Receipt | None) -> Receipt:
        """The answer to a payload that was taken: counted, and logged where it is odd."""
        name = self._transport.name
        if self._is_away:
            self._is_away = False
            _log.info("%s takes what is sent to it again", name)
        if receipt is None:
            self._counters.unreadable += 1
            what = "%s took the signal %s, but its answer cannot be read"
            self._say(signal, "unreadable", what, name, signal)
            return Receipt()
        self._counters.rejected_items += receipt.rejected
        if receipt.rejected:
            what = "%s rejected %d items of the signal %s: %r"
            self._say(signal, "rejected", what, name, receipt.rejected, signal, receipt.message)
        return receipt

    def _refuse(self, signal: Signal, failure: AttemptError) -> NoReturn:
        """The backend will never take this payload."""
        name = self._transport.name
        if failure.code == Code.UNIMPLEMENTED:
            what = "%s does not take the signal %s (%r); check its address, or do not send it this"
            self._say(signal, "unimplemented", what, name, signal, str(failure))
        else:
            what = "%s refuses the signal %s for good: %s"
            self._say(signal, f"refused {failure.code}", what, name, signal, str(failure))
        raise BackendRefusedError(failure.code, f"{name}: {failure}") from failure

    def _give_back(self, failure: AttemptError, failures: int, advice: str) -> NoReturn:
        """The time is up: the sender should try again."""
        reason = f"{failure.reason} after {failures} attempts: {failure}"
        message = f"{self._transport.name}: {reason}"
        asked_s = failure.asked_s
        delay_s = self._retry.pause_s(failures, 1.0) if asked_s is None else asked_s
        message = f"{message} ({advice})" if advice else message
        if not self._is_away:
            self._is_away = True
            _log.warning("nothing is delivered for now: %s", message)
        raise BackendUnavailableError(message, delay_s) from failure

    def _say(self, signal: Signal, kind: str, what: str, *values: object) -> None:
        """Log once for each signal and kind; the counters tell how often it happens."""
        if (signal, kind) not in self._said:
            self._said.add((signal, kind))
            _log.warning(what, *values)
