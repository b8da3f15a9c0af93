"""What has become of the records of a spool, as numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SpoolCounters:
    """What has become of records since the start."""

    found: int = 0
    """Left by earlier runs."""
    kept: int = 0
    """Written, and so acknowledged."""
    failed: int = 0
    """Not written, for lack of room or because the disk failed."""
    done: int = 0
    """Taken out again, for good."""
    lost: int = 0
    """Damaged on the disk; at least so many."""
    torn_bytes: int = 0
    """Of writes that a crash cut off, which nobody was told are safe."""
    corrupt_segments: int = 0
    """Put aside because something in them is damaged."""
    other_version_segments: int = 0
    """Left alone, for a program that can read them."""
