"""The ledger: who was charged what, kept so that a repeat changes nothing.

Owns the durable rows of calls and of the spans above them, corrections, totals by quarter hour,
budget crossings, and the working copies of traces that are under way. One transaction for each
turn; turns that wait share a commit. Does not read spans, price or decide: it loads, calls the
pure `core.posting`, and commits its plan or nothing.

`Ledger` is what others call; `Store` is what an engine has to offer, `SqliteStore` the embedded
one. `read_snapshot` and `write_backup` read the file beside the process that writes it.
"""

from processor.io.ledger.audit_log import InForce
from processor.io.ledger.backup import Backup, write_backup
from processor.io.ledger.database import Snapshot, read_snapshot
from processor.io.ledger.file import examine_file
from processor.io.ledger.kept_from import Ages
from processor.io.ledger.ledger import Ledger, OnPosted
from processor.io.ledger.limits import Limits
from processor.io.ledger.lock import is_in_use
from processor.io.ledger.reading import SqliteReader
from processor.io.ledger.spend_rows import SpendBy
from processor.io.ledger.sqlite import SqliteStore
from processor.io.ledger.store import Store

__all__ = [
    "Ages",
    "Backup",
    "InForce",
    "Ledger",
    "Limits",
    "OnPosted",
    "Snapshot",
    "SpendBy",
    "SqliteReader",
    "SqliteStore",
    "Store",
    "examine_file",
    "is_in_use",
    "read_snapshot",
    "write_backup",
]
