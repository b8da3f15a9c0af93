"""Questions to the ledger's file, on read-only connections with threads of their own.

pool        the threads, what waits for them, time limits and cancellation
log_pause   how the write-ahead log is kept from growing beside constant questions
connection  opening the file to read it
view        what the ledger held at one moment
usage       sums by dimensions; sql: statements and their pieces
calls       single calls and traces
unknown     calls that make totals say "at least"
standings   totals that budgets look at, and crossings
"""

from processor.io.ledger.reading.pool import SqliteReader
from processor.io.ledger.reading.view import SqliteView

__all__ = ["SqliteReader", "SqliteView"]
