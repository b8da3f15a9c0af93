"""What is made of the ledger beside the traffic: files on a schedule, and notifications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from processor.core.counters import ChannelState, ExportState
from processor.surfaces.metrics.declaration import Sample, Table, counter, gauge, read_table

_EXPORT: Final[Table] = {
    "written": counter(
        "exports_written_files", "Files that exports of the settings have written.", "export"
    ),
    "failures": counter(
        "exports_failed_attempts", "How often such an export could not be written.", "export"
    ),
    "last_success_s": gauge(
        "exports_last_success_timestamp_seconds",
        "When last all that was due was written, or was there already; 0 before.",
        "export",
    ),
}
"""By field of `ExportState`."""
_CHANNEL: Final[Table] = {
    "sent": counter("sent_notifications", "Notifications that have been delivered.", "channel"),
    "failures": counter(
        "notifications_failed_attempts",
        "Attempts to notify that failed and are made again, each of one message.",
        "channel",
    ),
    "given_up": counter(
        "given_up_notifications", "Notifications that were not delivered for a day.", "channel"
    ),
    "waiting": gauge(
        "waiting_notifications",
        "Notifications that waited when the channel was last tried or free, counted up to 1,000.",
        "channel",
    ),
}
"""By field of `ChannelState`."""

METRICS: Final = (*_EXPORT.values(), *_CHANNEL.values())


def read_exports(exports: Iterable[ExportState]) -> Iterator[Sample]:
    """Files that are written on a schedule."""
    for each in exports:
        yield from read_table(_EXPORT, each, each.name)


def read_channels(channels: Iterable[ChannelState]) -> Iterator[Sample]:
    """What has become of notifications."""
    for each in channels:
        yield from read_table(_CHANNEL, each, each.name)
