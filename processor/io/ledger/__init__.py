"""The ledger: who was charged what, kept so that a repeat changes nothing.

Owns the durable rows of calls and skeleton spans, corrections, totals by quarter hour, budget
crossings, and the working copies of traces that are under way. One transaction for each turn;
turns that wait share a commit. Does not read spans, price or decide: it loads, calls the pure
`decide`, and commits its plan or nothing.

`Ledger` is what callers use; `Store` is what an engine has to offer; `SqliteStore` is the
embedded one, `MemoryStore` one without a file.
`read_snapshot` reads the file beside whoever keeps it.
"""

from processor.io.ledger.ledger import Ledger
from processor.io.ledger.memory import Contents, MemoryStore
from processor.io.ledger.snapshot import Snapshot, read_snapshot
from processor.io.ledger.sqlite import SqliteStore
from processor.io.ledger.store import Store
from processor.io.ledger.working_set import Limits

__all__ = [
    "Contents",
    "Ledger",
    "Limits",
    "MemoryStore",
    "Snapshot",
    "SqliteStore",
    "Store",
    "read_snapshot",
]
