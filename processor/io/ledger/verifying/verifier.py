"""Goes through the checks of a ledger, step by step, beside the process that writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import apsw

from processor.core.budgets.verdict import Watch
from processor.core.errors import LedgerUnavailableError
from processor.io.ledger import statements
from processor.io.ledger.reading.connection import ReadConnection, unreadable
from processor.io.ledger.verifying.by_month import SumsByMonth
from processor.io.ledger.verifying.by_owner import LifetimeTotals, OwnerDays
from processor.io.ledger.verifying.by_series import FollowedTotals
from processor.io.ledger.verifying.by_spend import ShownSums
from processor.io.ledger.verifying.by_time import SumsByTime
from processor.io.ledger.verifying.by_trace import SpanCharges, TraceSums
from processor.io.ledger.verifying.check import FIRST, Check, Difference, Step
from processor.io.ledger.verifying.pages import Pages

_CACHE_KIB: Final = 32_768
_STEPS_BETWEEN_LOOKS: Final = 1_000_000
"""Instructions of SQLite's machine between two looks at whether to end, 10 to 25 milliseconds."""
_SPANS_REBUILT: Final = 400_000
"""About 40 seconds. Of a ledger with more spans a part is rebuilt, unless all is asked for."""
_BUCKETS_REBUILT: Final = 150
_REOPENED_MAX: Final = 3
_DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError)

T = TypeVar("T")


class Progress(NamedTuple):
    """A step that was done, and of which check."""

    check: str
    step: Step

    @property
    def position(self) -> str:
        """Where to go on, as text; ``""`` at the end of the check."""
        return "" if self.step.position is None else f"{self.check}:{self.step.position}"


class Verifier:
    """Looks at a ledger through a read-only connection of its own."""

    def __init__(
        self,
        path: Path,
        *,
        cache_kib: int = _CACHE_KIB,
        ends: Callable[[], bool] = lambda: False,
    ) -> None:
        """Open the file. Raises LedgerUnavailableError, also for one of another version.

        A step raises apsw.InterruptError once `ends` says so, which is asked now and then.
        """
        self._path = path
        self._cache_kib = cache_kib
        self._ends = ends
        self._connection = self._opened()

    def ask(self, question: Callable[[apsw.Connection], T]) -> T:
        """Ask something, in a read transaction."""
        for _ in range(_REOPENED_MAX):
            database = self._connection.database
            try:
                database.execute("BEGIN")
                try:
                    answer = question(database)
                finally:
                    # With what is in temporary tables, which the next step needs.
                    with suppress(apsw.Error):
                        database.execute("COMMIT")
            except apsw.Error as error:
                if self._connection.is_current:
                    raise
                del error
            else:
                if self._connection.is_current:
                    return answer
            # Somebody writes a file that nobody had open, or another file is there.
            self._connection.close()
            self._connection = self._opened()
        raise LedgerUnavailableError(f"{self._path} is replaced again and again")

    def run(self, check: Check, position: int = FIRST) -> Iterator[Progress]:
        """Do the steps of a check from a position on. Raises LedgerUnavailableError.

        One that meets damage ends with it.
        """
        next_: int | None = position
        while next_ is not None:
            try:
                step = self.ask(partial(check.step, position=next_))
            except _DAMAGED as error:
                found = Difference(check.name, f"cannot be read to its end: {error}")
                step = Step(None, 1.0, 1, (found,))
            except apsw.InterruptError:
                raise
            except apsw.Error as error:
                raise unreadable(self._path, error) from error
            yield Progress(check.name, step)
            next_ = step.position

    def count(self, statement: str) -> int:
        """What a statement counts; 0 where damage is in the way, which the checks come upon too.

        Raises LedgerUnavailableError.
        """
        try:
            return self.ask(lambda database: int(database.execute(statement).get))
        except _DAMAGED:
            return 0
        except apsw.Error as error:
            raise unreadable(self._path, error) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _opened(self) -> ReadConnection:
        connection = ReadConnection(self._path)
        connection.database.execute(f"PRAGMA cache_size = -{self._cache_kib}")
        connection.database.set_progress_handler(self._ends, _STEPS_BETWEEN_LOOKS)
        return connection


def checks_of_sums() -> list[Check]:
    """The checks that only add up: sums and totals against charges, without the spans."""
    owners = [LifetimeTotals(scope) for scope in ("session", "task")]
    return [SumsByTime(), SumsByMonth(), TraceSums(), *owners, OwnerDays(), ShownSums()]


def all_checks(
    verifier: Verifier, watches: Sequence[Watch], offset: int, *, is_full: bool
) -> tuple[list[Check], int]:
    """All checks, and of how many traces one is held to its spans.

    `offset` decides which ones. With `is_full` all are, and indexes are compared with tables.
    """
    spans, buckets = verifier.count(statements.LAST_SPAN), verifier.count(_BUCKETS)
    every = 1 if is_full else max(1, round(spans / _SPANS_REBUILT))
    every_bucket = 1 if is_full else max(1, round(buckets / _BUCKETS_REBUILT))
    return [
        *checks_of_sums(),
        SpanCharges(every, offset),
        FollowedTotals(watches, every_bucket, offset),
        Pages(is_full=is_full),
    ], every


_BUCKETS: Final = "SELECT COUNT(*) FROM totals WHERE scope = 'total' AND id = ''"
