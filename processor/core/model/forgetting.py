"""Users who are forgotten: their id goes, what they have cost stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from processor.core.model.spans import Signal


class ForgetRequest(NamedTuple):
    """Take an id of a user out of all that is kept."""

    user: str
    actor: str
    """Who asks, in words."""
    now_ns: int


class RequestRename(NamedTuple):
    """How an id is taken out of requests that are kept to be sent."""

    payload: Callable[[Signal, bytes], bytes]
    """A request without it; the very object that is given where it is not in it."""
    text: Callable[[str], str]
    """A sentence without it."""
    id_bytes: bytes
    """It itself, as it stands in what cannot be read."""


class Forgetting(NamedTuple):
    """What was found of a user, or would be; it stands under the tombstone from then on."""

    tombstone: str
    """What is read instead of the id; of a dry run it says nothing."""
    calls: int
    """Calls that the user's totals count."""
    places: tuple[tuple[str, int], ...] = ()
    """How many rows had the id, by what they are; without those that had none."""


PLACES = (
    "owners", "totals", "crossings", "stamps", "sets of dimensions", "values of own dimensions",
    "tasks", "waiting spans", "audit", "jobs", "spend of metrics", "requests on the disk",
    "requests set aside",
)  # fmt: skip
"""The names in `Forgetting.places`."""
