"""What a connection that reads may take."""

from __future__ import annotations

import apsw

from processor.io.ledger import SqliteStore
from processor.io.ledger.reading.connection import ReadConnection, unreadable

SORTED = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250000)
SELECT MAX(place) FROM (
    SELECT ROW_NUMBER() OVER (ORDER BY i * 7919 % 250007, text) AS place
    FROM (SELECT i, hex(zeroblob(150)) || i AS text FROM n))
"""


def test_what_a_question_sorts_takes_bounded_memory(tmp_path):
    """Guarantees: 80 MB of rows are sorted within the cache and a file, not in memory."""
    path = tmp_path / "ledger.db"
    SqliteStore(path).close()
    connection = ReadConnection(path)
    try:
        apsw.memory_high_water(True)
        before = apsw.memory_used()
        assert connection.database.execute(SORTED).get == 250_000
        assert apsw.memory_high_water() - before < 40 * 2**20
    finally:
        connection.close()


def test_a_folder_without_room_for_a_sort_is_named(tmp_path):
    error = unreadable(tmp_path, apsw.FullError("database or disk is full"))
    assert "SQLITE_TMPDIR" in str(error)
