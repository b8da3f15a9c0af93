"""The engines that the laws of the ledger are tried on, and how a law becomes a test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from operator import gt
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.agreement import check_tables

from processor.io.ledger import SqliteStore, Store
from processor.io.ledger.spend_rows import SpendBy, read_rows

_FAR_S = 2**34
"""In the year 2514."""

OpenStore = Callable[[str], Store]
"""Opens the store of a name; what was committed before under that name is there."""


@cache
def _empty_ledger() -> bytes:
    """The file of a ledger with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        SqliteStore(path).close()
        return path.read_bytes()


_SPEND_BY = SpendBy(("model", "agent", "status", "team"), 3)
"""Owners that are often known late, and so few sums that other combinations share theirs."""


class UnsyncedStore(SqliteStore):
    """For tests that are many: its file is a copy of an empty one, and no commit is synced.

    Of each file it is remembered what metrics have shown, which may never fall.
    """

    _shown: ClassVar[dict[tuple[Path, int], dict[object, tuple[int, ...]]]] = {}

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_empty_ledger())
        self._path = path, path.stat().st_ino
        super().__init__(path)
        self._db.pragma("synchronous", 0)
        follow = self.spend.follow
        self.spend.follow = lambda _by: follow(_SPEND_BY)  # type: ignore[assignment]

    def commit(self) -> None:
        """What metrics show grows, also after a restart."""
        super().commit()
        rows = read_rows(self._db)
        shown: dict[object, tuple[int, ...]]
        shown = {(values, part): sums.values() for values, part, sums in rows}
        before = self._shown.get(self._path, {})
        for key, sums in shown.items():
            assert not any(map(gt, before.get(key, ()), sums)), key
        self._shown[self._path] = shown

    def day_for_month(self, before_s: int) -> int | None:
        """Days are over once a later one has begun: those of tests are far from today."""
        return super().day_for_month(max(before_s, _FAR_S))

    def close(self) -> None:
        """Whatever a test has done, the tables agree when it is over."""
        if not self._db.in_transaction:
            check_tables(self)
        super().close()


class TemporaryStore(UnsyncedStore):
    """A new ledger whose file is removed when it is closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        super().__init__(Path(self._folder.name) / "ledger.db")

    def close(self) -> None:
        super().close()
        self._folder.cleanup()


@contextmanager
def unsynced() -> Iterator[OpenStore]:
    """A file for each name, which nothing waits for."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda name: UnsyncedStore(Path(folder) / f"{name}.db")


@contextmanager
def sqlite() -> Iterator[OpenStore]:
    """A file for each name; every commit is synced to the disk."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda name: SqliteStore(Path(folder) / f"{name}.db")


ENGINES = [
    pytest.param(unsynced, 1, id="unsynced"),
    pytest.param(sqlite, 3, id="sqlite", marks=[pytest.mark.full, pytest.mark.timeout(600)]),
]
"""With how many times the examples each is tried."""


def law(*strategies: st.SearchStrategy[Any], examples: int) -> Callable[..., Callable[..., None]]:
    """A test on every engine of what holds for `examples` values drawn from `strategies`.

    The decorated coroutine function is given an `OpenStore` with nothing in it, then the values.
    """

    def decorate(check: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
        @pytest.mark.parametrize(("engine", "factor"), ENGINES)
        def test(engine: Callable[[], AbstractContextManager[OpenStore]], factor: int) -> None:
            def holds(drawn: tuple[Any, ...]) -> None:
                with engine() as open_store:
                    asyncio.run(check(open_store, *drawn))

            # Hypothesis keeps the examples that failed under this name.
            holds.__name__ = f"{check.__name__}_{engine.__name__}"
            often = settings(
                max_examples=factor * examples,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            )
            often(given(st.tuples(*strategies))(holds))()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        test.__module__, test.__qualname__ = check.__module__, check.__qualname__
        return test

    return decorate
