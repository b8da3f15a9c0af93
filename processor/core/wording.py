"""Numbers in sentences for people."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it counts: ``1 limit``, ``2 limits``; `many` where an s is not enough."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
