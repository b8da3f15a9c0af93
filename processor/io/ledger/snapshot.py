"""Reading the embedded ledger beside whoever keeps it, without a lock and without a change."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import apsw

from processor.core.errors import LedgerUnavailableError
from processor.core.model import UnpricedCalls
from processor.io.ledger import rows, schema


class Snapshot(NamedTuple):
    """What stood in the ledger at one moment."""

    asked: tuple[tuple[str, tuple[str, ...], str], ...]
    """Provider, models and service tier of every call, each once."""
    unpriced: tuple[UnpricedCalls, ...]
    """Calls without a price, alike ones together, most calls first."""


def read_snapshot(path: Path) -> Snapshot:
    """Read the names that stored calls mention. Raises LedgerUnavailableError if that fails."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        with closing(apsw.Connection(uri, flags=flags)) as database:
            database.set_busy_timeout(2000)
            if database.pragma("user_version") not in schema.READABLE:
                raise LedgerUnavailableError(f"{path} was written by another version")
            with database:  # One moment for both questions.
                asked = tuple(
                    (provider, tuple(json.loads(models)), tier)
                    for provider, models, tier in database.execute(schema.ASKED)
                )
                unpriced = tuple(map(rows.decode_unknown, database.execute(schema.UNPRICED)))
    except apsw.Error as error:
        raise LedgerUnavailableError(f"{path} cannot be read: {error}") from error
    return Snapshot(asked, unpriced)
