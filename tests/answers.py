"""What a ledger answers between two of its turns, for tests that ask no surface.

It is read as questions read it, but by the thread that writes, so that it is never behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from processor.core.model import Crossing, Standing, Totals
from processor.io.ledger import Ledger, SqliteStore
from processor.io.ledger.reading import SqliteView
from processor.io.ledger.reading.sums import define_sum
from processor.surfaces.queries import budgets

_Answer = TypeVar("_Answer")


async def total_of(
    ledger: Ledger, scope: str = "total", scope_id: str = "", window: tuple[int, int] = (0, 0)
) -> Totals:
    """What a scope has spent in a window of epoch seconds; (0, 0) for all time.

    A trace is named by its hex id, an agent run by ``trace id:span id``.
    """
    return await _ask(ledger, lambda view: budgets.total_of(view, scope, scope_id, window)[0])


async def standings_of(ledger: Ledger, scopes: Mapping[str, str], time_s: int) -> list[Standing]:
    """How scope ids, and the grand total, stand against their budgets, whatever these filter."""
    ids = {"total": "", "call": "", **scopes}
    applied = [(each, ids[each.scope]) for each in ledger.policy.budgets if each.scope in ids]
    states = await _ask(ledger, lambda view: budgets.states_at(view, applied, time_s))
    return [state.standing for state in states]


async def title_of(ledger: Ledger, task: str) -> str:
    """The title of a task; ``""`` when none has given it one."""
    return (await _ask(ledger, lambda view: view.task_titles([task]))).get(task, "")


def crossings_in(store: SqliteStore, limit: int = 100) -> list[Crossing]:
    """The latest crossings in a store, newest first."""
    return [crossing for _, crossing in _view(store).crossings(limit)]


def title_in(store: SqliteStore, task: str) -> str:
    """The title of a task in a store; ``""`` when none has given it one."""
    return _view(store).task_titles([task]).get(task, "")


def _view(store: SqliteStore) -> SqliteView:
    define_sum(store._db)
    return SqliteView(store._db)


async def _ask(ledger: Ledger, work: Callable[[SqliteView], _Answer]) -> _Answer:
    store = cast("SqliteStore", ledger._working_set.store)
    return await ledger._writer.ask(lambda: work(_view(store)))
