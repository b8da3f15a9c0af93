"""Whether the backends answer, found out beside the start and said as soon as it is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from processor.core.errors import ProcessorError
from processor.core.otlp.codes import Code
from processor.io.exporter import Backend, Fanout, QueuedBackend
from processor.io.exporter.transport import Failure

_TIMEOUT_S: Final = 5.0
_FIRST_PAUSE_S: Final = 1.0
_PAUSE_MAX_S: Final = 30.0
_REFUSED_CREDENTIALS: Final = frozenset({Code.UNAUTHENTICATED, Code.PERMISSION_DENIED})


async def report_backends(
    exporter: Fanout,
    announce: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Say of each backend whether it answers, and how it is spoken to.

    Of one that does not answer yet it is said again once it does.
    """
    tasks = []
    for each in exporter.destinations:
        if isinstance(each, QueuedBackend):
            tasks.append(_tell(each.backend, "spans are kept on disk", announce, sleep))
        elif isinstance(each, Backend):
            tasks.append(_tell(each, "senders wait", announce, sleep))
    await asyncio.gather(*tasks)


async def _tell(
    backend: Backend,
    until_then: str,
    announce: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    pause_s, has_failed = _FIRST_PAUSE_S, False
    while True:
        try:
            failure = await backend.ask(_TIMEOUT_S)
        except ProcessorError:  # It is being closed.
            return
        if failure is None or not _is_away(failure):
            announce(_answer(backend, failure))
            return
        if not has_failed:
            announce(_absence(backend.name, until_then, failure))
        has_failed = True
        await sleep(pause_s)
        pause_s = min(2 * pause_s, _PAUSE_MAX_S)


def _is_away(failure: Failure) -> bool:
    return failure.is_retryable and failure.code not in _REFUSED_CREDENTIALS


def _answer(backend: Backend, failure: Failure | None) -> str:
    how = "over TLS" if backend.is_tls else "in plain text"
    if failure is None:
        return f"backend      {backend.name} answers, {how}"
    if failure.code in _REFUSED_CREDENTIALS:
        return f"backend      {backend.name} refuses our credentials, {how}: {failure.message}"
    if failure.code == Code.UNIMPLEMENTED:
        what = "takes no traces there; check the address"
        return f"backend      {backend.name} {what} ({failure.reason}: {failure.message})"
    return f"backend      {backend.name} answers, {how} ({failure.reason})"


def _absence(name: str, until_then: str, failure: Failure) -> str:
    # What gRPC says of a connection begins with all that it has tried.
    why = failure.hint or failure.message.rpartition(": ")[2].strip("[] ")
    return f"backend      {name} is not answering yet, {until_then} until it does ({why})"
