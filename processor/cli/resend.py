"""``llm-cost resend``: sends requests again that a backend had refused for good."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from processor.app.backends import build_backends
from processor.app.watched_files import WatchedFiles
from processor.cli.sources import settings_from
from processor.config import Settings
from processor.core.errors import ConfigError, PermanentError, Problem, RetryableError
from processor.core.wording import counted
from processor.io.exporter import REFUSED, Backend, RefusedRequest, refused_requests
from processor.surfaces.terminal.paint import plain

_TIMEOUT_S = 30.0
"""For one request, retries included."""


def run(arguments: argparse.Namespace) -> int:
    """Send, and remove what was taken; 0 when nothing is left. Raises ConfigError."""
    settings = settings_from(arguments)
    paths = [Path(each) for each in arguments.paths]
    backend = _backend_for(paths, arguments.exporter, settings)
    requests = list(_requests(paths))
    left = asyncio.run(_send_all(backend, requests))
    sent = len(requests) - left
    of_all = counted(len(requests), "request was", "requests were")
    print(plain(f"{sent} of {of_all} sent to {backend.name}"))
    return 1 if left else 0


def _requests(paths: Sequence[Path]) -> list[RefusedRequest]:
    """The requests of folders and files. Raises ConfigError for what is none."""
    found: list[RefusedRequest] = []
    for path in paths:
        if not path.exists():
            raise ConfigError([Problem(str(path), "is not there")])
        here = list(refused_requests(path))
        if not here:
            raise ConfigError([_without_requests(path)])
        found += here
    return found


def _without_requests(path: Path) -> Problem:
    """Why nothing is found at a path, and where there is something."""
    if path.is_file():
        fix = "name files that end in .traces.binpb, .metrics.binpb or .logs.binpb"
        return Problem(str(path), "has no signal in its name", fix)
    folders = [each for each in path.rglob(REFUSED) if any(refused_requests(each))]
    fix = f"look in {' or '.join(map(str, folders))}" if folders else ""
    return Problem(str(path), "nothing is set aside there", fix)


def _backend_for(paths: Sequence[Path], name: str | None, settings: Settings) -> Backend:
    """The backend that is named, or whose queue the paths lie in, or the only one."""
    exporters = settings.exporters
    backends = build_backends(settings, WatchedFiles(settings))
    folders = {
        "otlp": exporters.otlp.sending_queue.directory,
        "otlphttp": exporters.otlphttp.sending_queue.directory,
    }
    owners = {
        each
        for each in backends
        for path in paths
        if folders[each] and path.resolve().is_relative_to(Path(folders[each]).resolve())
    }
    candidates = {name} if name else owners or {*backends}
    if len(candidates) == 1 and (only := candidates.pop()) in backends:
        return backends[only]
    if not backends:
        what, fix = "no backend is set", "name one with --forward-to or --config"
    elif name:
        what, fix = f"there is no exporter {name}", f"set here: {', '.join(backends)}"
    else:
        what, fix = "there are two backends", "choose one with --exporter"
    raise ConfigError([Problem("exporters", what, fix)])


async def _send_all(backend: Backend, requests: Sequence[RefusedRequest]) -> int:
    """Send one after the other; returns how many are left, after saying why."""
    await backend.start()
    try:
        left = 0
        for number, request in enumerate(requests):
            try:
                left += not await _send_one(backend, request)
            except RetryableError as error:
                print(plain(f"{request.path} and what follows it: {error}"))
                return left + len(requests) - number
        return left
    finally:
        await backend.close()


async def _send_one(backend: Backend, request: RefusedRequest) -> bool:
    """Send one, and remove it; returns whether it is gone. Raises RetryableError."""
    with request.held():
        if not request.path.exists():
            return True  # Another one that does the same has sent it meanwhile.
        record = request.read()
        try:
            receipt = await backend.deliver(
                record.signal, record.payload, _TIMEOUT_S, record.metadata
            )
        except PermanentError as error:
            print(plain(f"{request.path} is refused again: {error}"))
            return False
        if receipt.rejected:
            print(plain(f"{request.path}: {receipt.rejected} items rejected: {receipt.message}"))
        request.remove()
        return True
