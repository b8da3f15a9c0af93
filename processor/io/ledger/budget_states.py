"""The budgets in force, and working copies of the totals that they are checked against."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import UTC, datetime

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.budgets.policy import Budget, Policy
from processor.core.budgets.rolling import Mark, standing_marks
from processor.core.budgets.verdict import State, StateKey, Watch, compile_watches
from processor.core.budgets.watches import Watches
from processor.core.errors import LedgerUnavailableError
from processor.core.model import NS_PER_S, Totals
from processor.core.semconv.times import AHEAD_MAX_NS
from processor.io.ledger.series import FollowedSeries
from processor.io.ledger.store import Store

_LOG = logging.getLogger(__name__)


class BudgetStates:
    """What is spent and crossed under the budgets in force, as far as it was needed lately."""

    def __init__(
        self, store: Store, policy: Policy, limit: int, traces: Mapping[bytes, Trace]
    ) -> None:
        """Keep up to `limit` states; `traces` are the working copies of turns.

        No budget is checked before `set_policy`.
        """
        self.policy = policy
        self._store = store
        self._limit = limit
        self._series = FollowedSeries(store, traces)
        self._watches: Sequence[Watch] = ()
        self._checked = Watches()
        """Those whose totals are complete."""
        self._states: OrderedDict[StateKey, State] = OrderedDict()
        self._touched: set[StateKey] = set()
        self._rolling_end_s = 0
        """Of the rolling windows among the states."""

    def __len__(self) -> int:
        return len(self._states)

    @property
    def call_budgets(self) -> tuple[Budget, ...]:
        """The budgets for single calls."""
        return tuple(budget for budget in self.policy.budgets if budget.scope == "call")

    @property
    def has_work(self) -> bool:
        """Whether totals are still to be filled, or dropped."""
        return self._series.has_work

    @property
    def traces_to_count(self) -> int:
        """How many traces are to be counted before all budgets are in force, from any thread."""
        return self._series.traces_left

    def set_policy(self, policy: Policy) -> None:
        """Put other budgets into force; new totals are filled by `work` before they are checked.

        Raises what the store raises, and then the old ones stay in force.
        """
        watches = compile_watches(policy)
        # What has ended is in the days of the old zone, also by a clock that is ahead.
        latest_s = max(
            int(time.time()) + AHEAD_MAX_NS // NS_PER_S, self._store.deleted.newest_end_s()
        )
        zones = self._store.zones.with_zone(policy.calendar.zone, latest_s)
        self._store.begin()
        try:
            self._series.follow(watches)
            if zones is not self._store.zones:
                self._store.set_zones(zones)
            self._store.commit()
        except BaseException:
            self._store.rollback()
            raise
        self.policy, self._watches = policy, watches
        self._store.outbox.follow(policy)
        self._series.load(watches)
        self._check_complete()
        if self.has_work:  # Where little was charged before, one step is all there is to do.
            with suppress(LedgerUnavailableError):  # It is tried again between turns.
                self.work()

    def work(self) -> None:
        """Fill or drop a little, in a transaction of its own; see `FollowedSeries`."""
        complete = self._series.step()
        if complete:
            self._check_complete()
            if not self._store.last_trace():  # A new ledger has nothing that is to be said of it.
                return
            watches = [watch for watch in self._watches if watch.series in complete]
            names = sorted({budget.name for watch in watches for budget in watch.budgets})
            before = "with all that was charged before"
            if kept_from_s := self._store.deleted.kept_from().calls:
                moment = datetime.fromtimestamp(kept_from_s, UTC)
                before = f"with what was charged from {moment:%Y-%m-%d} on (ledger.retention.calls)"
            _LOG.info("filled %s, and in force as well by now: %s", before, ", ".join(names))

    def _check_complete(self) -> None:
        """Check budgets from now on as far as their totals are complete."""
        complete = (each for each in self._watches if self._series.is_complete(each.series))
        self._checked = Watches(complete)
        self._states.clear()

    def is_complete(self, series: str) -> bool:
        """Whether totals hold everything that was charged."""
        return self._series.is_complete(series)

    def follow(self, posted: posting.Posted) -> posting.Followed:
        """Find what a posted batch changes for the budgets."""
        followed = posting.follow(posted, self._checked, self._series.filling(posted.traces))
        self._touched.update(followed.keys)
        return followed

    def states_of(self, followed: posting.Followed) -> dict[StateKey, State]:
        """The states that a decision needs, and changes."""
        self._discard_rolled(followed.keys)
        return {key: self._state(key, followed.before) for key in sorted(followed.keys)}

    def _state(self, key: StateKey, known: Mapping[tuple[str, str], Totals]) -> State:
        series, scope_id, start_s, end_s, length_s = key
        state = self._states.get(key)
        if state is not None:
            self._states.move_to_end(key)
            return state
        total = known.get((series, scope_id))
        if total is None:
            total = self._store.total(series, scope_id, start_s, end_s)
        scope = series.partition("?")[0]
        if length_s:
            crossed = self._rolling_crossed(scope, key)
        else:
            crossed = self._store.windows.crossed(scope, scope_id, start_s)
        self._states[key] = state = State(total, crossed)
        return state

    def _rolling_crossed(self, scope: str, key: StateKey) -> set[Mark]:
        """What a scope has crossed in a rolling window, and has not fallen below since."""
        series, scope_id, start_s, end_s, length_s = key
        last = self._store.windows.last_crossed(scope, scope_id, length_s)
        if not last:
            return set()
        sums = self._store.windows.quarter_hours(
            series, scope_id, max(start_s - length_s, 0), end_s
        )
        return standing_marks(last, sums, length_s, end_s)

    def _discard_rolled(self, keys: AbstractSet[StateKey]) -> None:
        """Discard rolling windows of another end, to which nothing is added from now on."""
        ends_s = {end_s for _, _, _, end_s, length_s in keys if length_s}
        if ends_s and ends_s != {self._rolling_end_s}:
            self._rolling_end_s = max(ends_s)
            for key in [key for key in self._states if key[4]]:
                del self._states[key]

    def spent(self, key: StateKey) -> int:
        """Nano-USD spent in a window that the turn at hand has touched."""
        return self._states[key].total.cost_nano_usd

    def committed(self) -> None:
        """What was touched is durable; evict what is beyond the limit."""
        self._touched = set()
        while len(self._states) > self._limit:
            self._states.popitem(last=False)

    def discard_scope(self, scope_id: str) -> None:
        """A scope has another id now: discard what is known of it."""
        for key in [key for key in self._states if key[1] == scope_id]:
            del self._states[key]

    def discard_all(self) -> None:
        """Nobody knows which of them are as the rows are."""
        self._states.clear()
        self._touched = set()

    def discard_touched(self) -> None:
        """Turns were undone: discard every state that they may have changed."""
        for key in self._touched:
            self._states.pop(key, None)
        self._touched = set()
