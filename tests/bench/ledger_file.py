"""Makes the ledger that the benchmark asks, and keeps it in .cache/ for the next time."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw
from ledger_calls import Traffic
from ledger_population import DIMENSIONS, Population

from processor.config import bundled
from processor.core.budgets import parse_budgets
from processor.core.model import Intake
from processor.io.ledger import Ledger, Limits, SqliteStore

CACHE: Final = Path(__file__).parents[2] / ".cache" / "bench"
_SEED: Final = 1
_TURNS_AT_ONCE: Final = 16
"""Turns that are under way together, so that they share a commit."""
_GENERATOR: Final = ("ledger_calls.py", "ledger_population.py")


def open_ledger(path: Path, *, is_synced: bool = True) -> Ledger:
    """The ledger of a file, with the budgets that come along, not started yet.

    Unless `is_synced` its commits do not wait for the disk.
    """
    policy = parse_budgets(bundled("budgets.yaml"), "budgets.yaml", DIMENSIONS)
    with seen_connections() as connections:
        store = SqliteStore(path)
    for connection in connections:
        # Those that made the file or looked at it are closed.
        with suppress(apsw.ConnectionClosedError):
            connection.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'OFF'}")
    return Ledger(store, policy, Limits())


@contextmanager
def seen_connections() -> Iterator[list[apsw.Connection]]:
    """Every connection to a database that is opened in the block."""
    seen: list[apsw.Connection] = []

    def see(connection: apsw.Connection) -> None:
        seen.append(connection)

    apsw.connection_hooks.append(see)
    try:
        yield seen
    finally:
        apsw.connection_hooks.remove(see)


def collect_less_often() -> None:
    """Have the garbage collector run as in the program, of whatever version."""
    gc.set_threshold(50_000, 20, 100)


def prepared(calls: int) -> Path:
    """A ledger with so many calls: an earlier one of the same tables and traffic, or made now.

    It is not to be written: what writes takes a copy.
    """
    path = CACHE / f"ledger-{calls}-{_version()}" / "ledger.db"
    if not path.with_name("ready").exists():
        shutil.rmtree(path.parent, ignore_errors=True)
        asyncio.run(_load(path, calls))
        path.with_name("ready").touch()
    return path


def _version() -> str:
    """Changes with the tables of the ledger, and with what is put into it."""
    here, digest = Path(__file__).parent, hashlib.sha256()
    for name in _GENERATOR:
        digest.update((here / name).read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.db")
        SqliteStore(path).close()
        with closing(apsw.Connection(str(path))) as connection:
            query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
            for (text,) in connection.execute(query):
                digest.update(str(text).encode())
    return digest.hexdigest()[:12]


async def _load(path: Path, calls: int) -> None:
    """Fill a ledger, without waiting for the disk. Raises RuntimeError if a call is not there."""
    ledger = open_ledger(path, is_synced=False)
    collect_less_often()
    await ledger.start()
    traffic = Traffic(Population(), _SEED)
    begin_s, under_way = time.monotonic(), list[Intake]()
    shown = calls // 20
    for intake in traffic.month(calls):
        under_way.append(intake)
        if len(under_way) == _TURNS_AT_ONCE:
            await _post(ledger, under_way)
            under_way.clear()
            if traffic.calls >= shown:
                shown += calls // 20
                say(f"{traffic.calls:,} calls after {time.monotonic() - begin_s:.0f} s")
    await _post(ledger, under_way)
    await ledger.close()
    with closing(apsw.Connection(str(path))) as connection:
        found = connection.execute("SELECT SUM(calls) FROM totals WHERE scope = 'total'").get
    if found != traffic.calls:
        raise RuntimeError(f"the ledger has {found} calls of {traffic.calls}")


async def _post(ledger: Ledger, intakes: list[Intake]) -> None:
    await asyncio.gather(*map(ledger.post, intakes))


def say(text: str) -> None:
    """Progress, for whoever waits."""
    sys.stderr.write(f"{text}\n")


def size_by_table(path: Path) -> dict[str, int]:
    """Bytes of each table and index of a file, largest first."""
    query = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return dict(connection.execute(query))
