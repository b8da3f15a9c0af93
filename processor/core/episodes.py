"""Episodes of trouble: each kind is reported when it begins, and by who asks, when it is over.

A single report at the first time would say nothing of the next trouble of its kind, days later; a
report each time could fill a disk.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Episode:
    """One time of trouble of one kind."""

    kind: str
    began_s: float
    last_s: float
    count: int = 0

    @property
    def lasted_s(self) -> float:
        """From its first trouble to its last one."""
        return self.last_s - self.began_s


class Episodes:
    """The episodes that last, by kind. Times are seconds of any clock that does not move back."""

    def __init__(self, quiet_s: float = 30.0, max_kinds: int = 256) -> None:
        """An episode is over when nothing of its kind has happened for `quiet_s`.

        Where senders choose the kinds, no more than `max_kinds` are followed at a time.
        """
        self.quiet_s = quiet_s
        self._max_kinds = max_kinds
        self._lasting: dict[str, Episode] = {}

    def __bool__(self) -> bool:
        return bool(self._lasting)

    def note(self, kind: str, now_s: float, count: int = 1) -> bool:
        """Count some trouble; True where it begins an episode, so that it should be reported."""
        episode = self._lasting.get(kind)
        begins = episode is None or now_s - episode.last_s > self.quiet_s
        if episode is None or begins:
            if episode is None and len(self._lasting) >= self._max_kinds:
                return False
            episode = self._lasting[kind] = Episode(kind, now_s, now_s)
        episode.count += count
        episode.last_s = now_s
        return begins

    def lasts(self, kind: str) -> bool:
        """Whether there is an episode of a kind."""
        return kind in self._lasting

    def end(self, kind: str) -> Episode | None:
        """End the episode of a kind, for whoever knows that it is over; None without one."""
        return self._lasting.pop(kind, None)

    def end_quiet(self, now_s: float) -> list[Episode]:
        """End the episodes that are over, and give them, to be reported."""
        over = [each for each in self._lasting.values() if now_s - each.last_s > self.quiet_s]
        for each in over:
            del self._lasting[each.kind]
        return over
