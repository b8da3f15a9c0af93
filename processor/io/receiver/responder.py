"""What every method does around its own work: count, turn errors into statuses, log bugs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc

from processor.core.errors import ProcessorError
from processor.io.receiver.refusals import Refusals
from processor.io.receiver.status import CutOffError, ErrorStatus, forget_frames, status_of

_log = logging.getLogger(__name__)

T = TypeVar("T")

Context = grpc.aio.ServicerContext[Any, Any]
"""The caller's side of one request; this server passes bytes, whatever the type says."""


class Responder:
    """Gives every request its answer, and counts the answers."""

    def __init__(
        self, *, clock_s: Callable[[], float] = time.monotonic, log_interval_s: float = 60.0
    ) -> None:
        """`log_interval_s` is the least time between two tracebacks in the log."""
        self.answers: Counter[str] = Counter()
        """How many requests were answered with each gRPC status code, by its name.

        CANCELLED are those whose caller disconnected, or whose body gRPC itself refused as too
        large.
        """
        self._refusals = Refusals(clock_s)
        self._clock_s = clock_s
        self._log_interval_s = log_interval_s
        self._next_log_s = float("-inf")
        self._unlogged = 0

    async def respond(self, context: Context, work: Awaitable[bytes]) -> bytes:
        """Do the work and return its response, or end the gRPC request with the error's status."""
        outcome = await self.outcome_of(work)
        if not isinstance(outcome, ErrorStatus):
            return outcome
        await context.abort(outcome.code, outcome.message, outcome.trailers)
        raise AssertionError("unreachable")  # abort always raises; the type checker cannot know

    async def outcome_of(self, work: Awaitable[T]) -> T | ErrorStatus:
        """Do the work and return its response, or the status where it fails; counts both."""
        try:
            response = await work
        except asyncio.CancelledError as error:
            self.answers["CANCELLED"] += 1
            if isinstance(error, CutOffError):
                self._refusals.note(error)
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails, the caller gets a status
            return self.refuse(error)
        self.answers["OK"] += 1
        return response

    def refuse(self, error: Exception) -> ErrorStatus:
        """The status of a request that fails with `error`, which is counted and logged."""
        status = status_of(error)
        self.answers[status.code.name] += 1
        if isinstance(error, ProcessorError):
            self._refusals.note(error)
        else:
            self._report(error)
        forget_frames(error)
        return status

    def _report(self, error: Exception) -> None:
        """Log a bug with its traceback; a sender that repeats it must not fill the disk."""
        now_s = self._clock_s()
        if now_s < self._next_log_s:
            self._unlogged += 1
            return
        _log.error(
            "a request failed unexpectedly (%d more since the last report)",
            self._unlogged,
            exc_info=error,
        )
        self._next_log_s = now_s + self._log_interval_s
        self._unlogged = 0
