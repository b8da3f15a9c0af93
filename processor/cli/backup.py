"""``llm-cost backup``: a copy of the ledger as it is now, which can take its place."""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from typing import Final, NoReturn

from processor.cli.sources import settings_from
from processor.core.model import NS_PER_S
from processor.core.wording import utc_text
from processor.io.ledger import write_backup
from processor.surfaces.terminal.output import show_progress
from processor.surfaces.terminal.paint import plain

_MB: Final = 1_000_000
_SHOWN_S: Final = 0.5


def run(arguments: argparse.Namespace) -> int:
    """Write the copy, and print its size. Raises ConfigError and BackupFailedError."""
    settings = settings_from(arguments)
    ledger, target = Path(settings.ledger.path), Path(arguments.file)
    # What ends a container or a unit must not leave half a copy.
    signal.signal(signal.SIGTERM, _interrupt)
    progress = _Progress()
    try:
        made = write_backup(ledger, target, replaces=arguments.force, show=progress.show)
    finally:
        show_progress("")
    print(plain(f"{ledger} as of {utc_text(int(made.taken_s) * NS_PER_S)}"))
    size = f"{made.size_bytes / _MB:,.1f} MB"
    print(plain(f"{target}: {size}, written and checked in {made.duration_s:.1f} s"))
    return 0


class _Progress:
    """Shows how much is written, twice a second."""

    def __init__(self) -> None:
        self._shown_s = 0.0

    def show(self, done_bytes: int, all_bytes: int) -> None:
        if time.monotonic() - self._shown_s >= _SHOWN_S:
            self._shown_s = time.monotonic()
            show_progress(f"{done_bytes / _MB:,.0f} of about {all_bytes / _MB:,.0f} MB written")


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
