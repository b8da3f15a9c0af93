"""Gives the space of what is deleted back to the disk."""

from __future__ import annotations

import logging
import time
from typing import Final

from processor.io.ledger.free_pages import FileSpace
from processor.io.ledger.retention.sweep import STEP_S

_LOG = logging.getLogger(__name__)
_GIVEN_BACK: Final = 32
"""Pages at a time; each is filled with the last one of the file."""
_FREE_MAX: Final = 0.25
"""From which share of the file on free pages are given back."""
_FREE_LEFT: Final = 0.1
"""What is left of them then, for what comes."""
_FREE_LEAST: Final = 2048
"""Fewer pages are not worth it."""


class SpaceSweep:
    """Gives free pages back to the disk where they are many; the others are used again."""

    def __init__(self, file: FileSpace) -> None:
        self._file = file
        self._is_wanted = False
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        while not self.is_done and time.monotonic() < end_s:
            found = self._file.free_pages()
            share = _FREE_LEFT if self._is_wanted else _FREE_MAX
            if found.free <= max(found.pages * share, _FREE_LEAST):
                self.is_done = True
            elif not found.can_be_given_back:
                self.is_done = True
                _LOG.info(
                    "%d of %d MiB of the ledger's file are free, and used again: the file gets "
                    "smaller by a copy, made with llm-cost backup and put in its place",
                    found.free * found.page_bytes >> 20,
                    found.pages * found.page_bytes >> 20,
                )
            else:
                self._is_wanted = True
                self._file.give_back(_GIVEN_BACK)

    def committed(self) -> None:
        """See `Sweep`."""
