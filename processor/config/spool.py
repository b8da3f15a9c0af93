"""The settings of an exporter's queue on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from processor.config.model import setting
from processor.config.values import duration
from processor.core.files.fields import flag, optional, text, whole


@dataclass(frozen=True, slots=True)
class SendingQueue:
    """A queue on the disk for what this backend does not take for now."""

    enabled: bool = setting(
        default=False,
        check=flag,
        sentence="False: a request is acknowledged once the backend has taken it, and while it is "
        "away senders are told to try again. True: what it does not take for now is written to the "
        "disk, synced and acknowledged, and sent when it is back.",
    )
    directory: str = setting(
        "",
        optional(text),
        "Folder of the queue; one process may use it. Empty: <data_dir>/spool/<exporter>.",
    )
    max_megabytes: int = setting(
        1024,
        whole(1, 1_000_000_000),
        "Most that may lie there, in MiB. Beyond it, and while the disk is full or fails, senders "
        "are told to try again.",
    )
    spill_after_s: float = setting(
        1.0,
        duration(),
        "How long delivery is tried before a request goes to the disk. An attempt that is under "
        "way may last its timeout; while the backend is known to be away, none is made.",
        key="spill_after",
        shown="1s",
    )
    num_consumers: int = setting(
        10, whole(1, 1000), "Requests from the disk that may be under way at a time."
    )

    def describe(self) -> str:
        """Where what it holds is, in words for people."""
        return f"{self.directory} (up to {self.max_megabytes} MiB)"
