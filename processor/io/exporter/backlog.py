"""What waits on the disk for a backend, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on the disk for one backend, and what has become of it since the start.

    While nothing is on its way, ``found + kept == waiting + delivered + sum(dropped.values()) +
    lost``, as far as the heads of damaged records tell how many they were.
    """

    waiting: int
    """Payloads that are still to be sent."""
    size_bytes: int
    """What they take on the disk, with what was sent from files that are not empty yet."""
    max_bytes: int
    is_away: bool
    """Whether new payloads go to the disk without being tried."""
    found: int
    """Left by earlier runs."""
    kept: int
    """Acknowledged because they are on the disk."""
    failed: int
    """Could not be written, so their senders were told to try again."""
    delivered: int
    """Taken by the backend, from the disk."""
    dropped: Mapping[str, int]
    """Refused by the backend for good after they were acknowledged, by reason."""
    lost: int
    """Damaged on the disk."""
    torn_bytes: int
    """Of writes that a crash cut off, which nobody was told are safe."""
    corrupt_segments: int
    """Put aside because something in them is damaged."""
    other_version_segments: int
    """Left alone, for a program that can read them."""
    is_failing: bool = False
    """Whether the last payload could not be written, so that senders have to wait."""
