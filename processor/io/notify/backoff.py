"""When something that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

LEAST_S: Final = 5.0
MOST_S: Final = 900.0
_ASKED_MAX_S: Final = 24 * 3600.0


def delay_s(
    failures: int,
    chance: Callable[[], float],
    *,
    asked_s: float | None = None,
    is_gone: bool = False,
) -> float:
    """The pause after so many failures: 5 s, doubled up to 15 minutes, by a quarter more or less.

    Not before the other side asks to be asked again; the longest where it asks for nothing more.
    `chance` gives numbers in [0, 1).
    """
    doubled = MOST_S if is_gone else min(LEAST_S * 2 ** min(failures - 1, 20), MOST_S)
    pause_s = min(max(doubled * (0.75 + chance() / 2), LEAST_S), MOST_S)
    return pause_s if asked_s is None else max(pause_s, min(asked_s, _ASKED_MAX_S))
