"""Numbers of any size in columns of SQLite."""

import apsw
import pytest

from processor.io.ledger.numbers import define_functions, encode_number, encode_numbers, exact_sum

MOST = 2**63 - 1
NUMBERS = [0, 1, -1, MOST, -MOST - 1, MOST + 1, -MOST - 2, 10**40, -(10**40), 2**64]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_reads_back_as_it_was_written(number: int) -> None:
    """Guarantees: int() of a column, whatever the size."""
    database = apsw.Connection(":memory:")
    database.execute("CREATE TABLE t (n INTEGER NOT NULL)")
    database.execute("INSERT INTO t VALUES (?)", encode_numbers((number,)))
    assert int(next(database.execute("SELECT n FROM t"))[0]) == number


@pytest.mark.parametrize("first", NUMBERS)
@pytest.mark.parametrize("second", NUMBERS)
def test_a_sum_in_sql_is_exact(first: int, second: int) -> None:
    """Guarantees: beyond 64 bits, and back below them, where it is an integer again."""
    database = apsw.Connection(":memory:")
    define_functions(database)
    query = f"SELECT {exact_sum('a', 'b')} FROM (SELECT ? AS a, ? AS b)"
    found = next(database.execute(query, (encode_number(first), encode_number(second))))[0]
    assert found == encode_number(first + second)
