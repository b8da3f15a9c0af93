"""Ids that are forgotten are taken out of requests that wait for a backend or were set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from processor.config import Settings
from processor.core.model import RequestRename, Signal
from processor.core.ports import RenameRequests
from processor.core.semconv import IdentityRename, OwnDimensions
from processor.core.wire import rename_values
from processor.core.wording import replace_name
from processor.io.exporter import AsyncDiskQueue, DiskQueue, Fanout


def rename_in(exporter: Fanout, settings: Settings) -> RenameRequests:
    """Those of a process that sends them."""

    async def rename(user: str, tombstone: str, *, is_trial: bool) -> Mapping[str, int]:
        return await exporter.rename(_rename(settings, user, tombstone), is_trial=is_trial)

    return rename


def rename_in_folders(settings: Settings) -> RenameRequests:
    """Those that a process which has ended has left, in the folders of the settings.

    Raises OSError where another process uses one of them.
    """

    async def rename(user: str, tombstone: str, *, is_trial: bool) -> Mapping[str, int]:
        found = Counter[str]()
        exporters = settings.exporters
        queues = exporters.otlp.sending_queue, exporters.otlphttp.sending_queue
        for folder in sorted({Path(queue.directory) for queue in queues if queue.directory}):
            if folder.is_dir():
                work = partial(
                    AsyncDiskQueue.rename,
                    rename=_rename(settings, user, tombstone),
                    is_trial=is_trial,
                )
                found.update(await _with_queue(folder, work))
        return found

    return rename


async def _with_queue(
    folder: Path, work: Callable[[AsyncDiskQueue], Awaitable[Mapping[str, int]]]
) -> Mapping[str, int]:
    queue = AsyncDiskQueue(DiskQueue(folder))
    try:
        await queue.start()
    except BlockingIOError as error:
        await queue.close()
        raise BlockingIOError(error.errno, f"another process uses {folder}") from error
    try:
        return await work(queue)
    finally:
        await queue.close()


def _rename(settings: Settings, user: str, tombstone: str) -> RequestRename:
    privacy = settings.privacy
    identity = IdentityRename(
        user,
        tombstone,
        dimensions=OwnDimensions(dict(settings.dimensions)),
        user_hash_salt=privacy.salt if privacy.hash_user_ids else None,
    )
    having = identity.having

    def payload(signal: Signal, request: bytes) -> bytes:
        return rename_values(signal, request, identity, having)

    return RequestRename(payload, lambda text: replace_name(text, user, tombstone), user.encode())
