"""Amounts that are held for calls which were allowed and are not charged yet, in memory only."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from processor.core.budgets.applicable import Applicable
from processor.core.budgets.policy import Budget
from processor.core.errors import OverloadedError

NUMBER_MAX: Final = 10_000
SIZE_MAX_BYTES: Final = 16 * 1024 * 1024
ID_MAX_CHARS: Final = 128
_EACH_BYTES: Final = 700
"""What one takes in memory beside its texts. Measured with a user and two budgets, one takes 1,070
in all, for which `Reservation.size_bytes` is 1,150."""
_TEXT_BYTES: Final = 80
"""What each name, id and total takes beside its characters."""
_SOME: Final = 1000

Key = tuple[str, str, str]
"""What amounts count for, whatever the limit and window: scope, scope id, digest of the filter."""


class Estimate(NamedTuple):
    """What a call is expected to use; None for what is not known."""

    cost_nano_usd: int | None = None
    tokens: int | None = None

    def amount(self, budget: Budget) -> int | None:
        """In the unit of a budget."""
        return self.cost_nano_usd if budget.unit == "usd" else self.tokens


@dataclass(frozen=True, slots=True)
class Reservation:
    """An estimate that is held for one call."""

    id: str
    digest: bytes
    """Of the request; the same id with another request is a mistake."""
    ids: Mapping[str, str]
    """What is said of the call; see `Applicable.find`."""
    estimate: Estimate
    deadline_s: float
    """When it lapses, on the clock that `Reservations` is asked by."""

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        texts = (self.id, *self.ids, *self.ids.values())
        return _EACH_BYTES + sum(_TEXT_BYTES + 4 * len(text) for text in texts)


class Reservations:
    """What is held, at most `number_max` and `size_max_bytes`.

    Not for several threads. Methods that take the time as `now_s` first let lapse what is over.
    While totals are being read (`begin_reading`), what charges release is counted on its own, since
    nobody can tell whether these totals have the charge.
    """

    def __init__(self, number_max: int = NUMBER_MAX, size_max_bytes: int = SIZE_MAX_BYTES) -> None:
        self._number_max: Final = number_max
        self._size_max_bytes: Final = size_max_bytes
        self._held: dict[str, tuple[Reservation, tuple[Key, ...]]] = {}
        self._sums: dict[Key, tuple[int, int]] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._charged: OrderedDict[str, None] = OrderedDict()
        self._charged_meanwhile: dict[Key, tuple[int, int]] = {}
        self._applicable: Applicable | None = None
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def use(self, applicable: Applicable) -> None:
        """Count what is held for these budgets from now on."""
        if applicable is self._applicable:
            return
        self._applicable = applicable
        self._sums.clear()
        self._charged_meanwhile.clear()
        for reservation, _ in list(self._held.values()):
            keys = self._keys_of(reservation)
            self._held[reservation.id] = reservation, keys
            _add(self._sums, keys, reservation.estimate)

    def find(self, reservation_id: str, now_s: float) -> Reservation | None:
        """One that is held."""
        self.let_lapse(now_s)
        found = self._held.get(reservation_id)
        return found and found[0]

    def was_charged(self, reservation_id: str) -> bool:
        """Whether a charge has released one of this id, as far as that is remembered."""
        return reservation_id in self._charged

    def amount(self, budget: Budget, scope_id: str, *, with_charged: bool = False) -> int:
        """What is held for a budget's scope id, in the unit of the budget.

        `with_charged` adds what charges have released since `begin_reading`.
        """
        if budget.scope == "call":
            return 0
        key, at = key_of(budget, scope_id), 0 if budget.unit == "usd" else 1
        found = self._sums.get(key, (0, 0))[at]
        if with_charged:
            found += self._charged_meanwhile.get(key, (0, 0))[at]
        return found

    def hold(self, reservation: Reservation, now_s: float) -> None:
        """Hold one whose id is free. Raises OverloadedError where there is no place for it."""
        self.let_lapse(now_s)
        if len(self._held) >= self._number_max:
            message = f"{self._number_max} reservations are held already"
            raise OverloadedError(f"{message}; release those of calls that are not made")
        size_bytes = reservation.size_bytes
        if self.size_bytes + size_bytes > self._size_max_bytes:
            message = f"the reservations held take {self._size_max_bytes} bytes already"
            raise OverloadedError(f"{message}; release those of calls that are not made")
        keys = self._keys_of(reservation)
        self._held[reservation.id] = reservation, keys
        self.size_bytes += size_bytes
        _add(self._sums, keys, reservation.estimate)
        heapq.heappush(self._deadlines, (reservation.deadline_s, reservation.id))
        if len(self._deadlines) > 2 * len(self._held) + _SOME:
            self._deadlines = [(each.deadline_s, each.id) for each, _ in self._held.values()]
            heapq.heapify(self._deadlines)

    def release(self, reservation_id: str, now_s: float) -> bool:
        """Let one go, since its call is not made; False where it is not held."""
        self.let_lapse(now_s)
        return self._let_go(reservation_id) is not None

    def charge(self, reservation_ids: Iterable[str], now_s: float) -> None:
        """Let those go whose calls are in the totals from now on."""
        self.let_lapse(now_s)
        for each in reservation_ids:
            found = self._let_go(each)
            if found is not None:
                reservation, keys = found
                _add(self._charged_meanwhile, keys, reservation.estimate)
                self._charged[each] = None
                if len(self._charged) > self._number_max:
                    self._charged.popitem(last=False)

    def begin_reading(self) -> None:
        """Totals are read from now on: they have all charges of before."""
        self._charged_meanwhile.clear()

    def _keys_of(self, reservation: Reservation) -> tuple[Key, ...]:
        if self._applicable is None:
            return ()
        found = self._applicable.find(reservation.ids)
        # Several budgets may limit the same amounts.
        return tuple({key_of(*each): None for each in found if each[0].scope != "call"})

    def _let_go(self, reservation_id: str) -> tuple[Reservation, tuple[Key, ...]] | None:
        found = self._held.pop(reservation_id, None)
        if found is not None:
            reservation, keys = found
            self.size_bytes -= reservation.size_bytes
            _add(self._sums, keys, reservation.estimate, -1)
            for key in keys:
                if self._sums[key] == (0, 0):
                    del self._sums[key]
        return found

    def let_lapse(self, now_s: float) -> None:
        """Let those go whose deadline has come."""
        while self._deadlines and self._deadlines[0][0] <= now_s:
            _, each = heapq.heappop(self._deadlines)
            found = self._held.get(each)
            # One of the same id may have been made anew since.
            if found is not None and found[0].deadline_s <= now_s:
                self._let_go(each)


def key_of(budget: Budget, scope_id: str) -> Key:
    """What counts for a budget's scope id."""
    return budget.scope, scope_id, budget.digest


def _add(
    sums: dict[Key, tuple[int, int]], keys: Iterable[Key], estimate: Estimate, sign: int = 1
) -> None:
    cost, tokens = sign * (estimate.cost_nano_usd or 0), sign * (estimate.tokens or 0)
    for key in keys:
        known = sums.get(key, (0, 0))
        sums[key] = known[0] + cost, known[1] + tokens
