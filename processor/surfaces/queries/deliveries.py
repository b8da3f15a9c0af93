"""What the backends have made of requests lately, from counters that only grow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from processor.core.counters import DestinationState
from processor.surfaces.queries.samples import NEARLY_ALL, NOTABLE, WINDOW_S, Samples, is_much


class _Tally(NamedTuple):
    """What one backend has done, since the start or in a time."""

    taken: int = 0
    """Requests, with those of which it has rejected items."""
    in_part: int = 0
    """Requests of which it has rejected items, perhaps all."""
    rejected_items: int = 0
    set_aside: int = 0
    """Requests that it has refused for good after they were acknowledged."""

    def since(self, earlier: _Tally) -> _Tally:
        """What came after an earlier tally."""
        return _Tally(*(now - before for now, before in zip(self, earlier, strict=True)))

    @property
    def is_refused(self) -> bool:
        """Whether nearly all of what was acknowledged and sent is set aside."""
        return is_much(self.set_aside, self.set_aside + self.taken, NEARLY_ALL)


class RecentDeliveries:
    """Follows the counters of all backends; to be asked about once a second."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._samples: Samples[dict[str, _Tally]] = Samples(clock_s, {})

    def verdict(self, backends: Iterable[DestinationState]) -> tuple[bool, tuple[str, ...]]:
        """Whether every backend refuses nearly all that was acknowledged; and what each refuses.

        Items that a backend rejects are a reason and no failure: its answer says that their sender
        has to change them, and anybody could take the processor out of service with such items.
        """
        now = {each.name: _tally(each) for each in backends}
        before = self._samples.before(now)
        window, lately = _since(now, before.window), _since(now, before.recent)
        has_come_right = any(each.taken and not each.is_refused for each in lately.values())
        is_failing = bool(window) and all(each.is_refused for each in window.values())
        reasons = (why for name, tally in window.items() for why in _reasons(name, tally))
        return is_failing and not has_come_right, tuple(reasons)


def _since(now: dict[str, _Tally], earlier: dict[str, _Tally]) -> dict[str, _Tally]:
    return {name: tally.since(earlier.get(name, _Tally())) for name, tally in now.items()}


def _reasons(name: str, window: _Tally) -> Iterator[str]:
    if is_much(window.in_part, window.taken, NOTABLE):
        yield (
            f"{name} rejected {window.rejected_items} items, of {window.in_part} of "
            f"{window.taken} requests, in {WINDOW_S:g} s"
        )
    whole = window.set_aside + window.taken
    if is_much(window.set_aside, whole, NOTABLE):
        yield (
            f"{name} refused {window.set_aside} of {whole} requests in {WINDOW_S:g} s that were "
            "acknowledged, and they are set aside"
        )


def _tally(backend: DestinationState) -> _Tally:
    counters, backlog = backend.counters, backend.backlog
    set_aside = 0 if backlog is None else sum(backlog.set_aside.values())
    return _Tally(counters.sent, counters.sent_in_part, counters.rejected_items, set_aside)
