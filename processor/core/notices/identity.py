"""The id of a crossing in other systems, the same for each time that it is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from processor.core.model import Crossing

_HEX_DIGITS: Final = 32
"""128 bits."""


def crossing_id(crossing: Crossing) -> str:
    """A digest of the key of a crossing, so every processor has the same for an equal one.

    A user who is forgotten has another id in the key, and so has the crossing.
    """
    key = (
        crossing.budget, crossing.scope, crossing.scope_id, crossing.window_start_s,
        crossing.limit, crossing.unit, crossing.threshold,
    )  # fmt: skip
    return f"crossing-{_digest(json.dumps(key, separators=(',', ':')))}"


def folded_id(ids: Iterable[str]) -> str:
    """The id of one message about several: the same for the same of them in any order."""
    found = sorted(set(ids))
    return found[0] if len(found) == 1 else f"crossings-{_digest(' '.join(found))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS]
