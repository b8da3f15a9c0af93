"""What of a time has changed since it was looked at."""

import random

import pytest
from asked.tables import write
from property.test_question_laws import BEGIN_S, random_charges

from processor.io.ledger.reading.fingerprint import read_fingerprint

DAY_S = 86_400


@pytest.fixture
def database(tmp_path):
    connection = write(tmp_path / "ledger.db", random_charges(random.Random(3), 2_500))
    yield connection
    connection.close()


def prints(database):
    """Of all days, and whether single calls count."""
    begin_s = BEGIN_S // DAY_S * DAY_S
    return {
        (day, of_calls): read_fingerprint(
            database, begin_s + day * DAY_S, begin_s + (day + 1) * DAY_S, of_calls=of_calls
        )
        for day in range(10)
        for of_calls in (False, True)
    }


def test_it_stays_as_long_as_nothing_changes(database):
    assert prints(database) == prints(database)


def test_a_call_that_moves_to_another_session_changes_what_lists_calls_of_its_day(database):
    before = prints(database)
    end_s = BEGIN_S // DAY_S * DAY_S + 4 * DAY_S
    found = database.execute("SELECT MAX(id) FROM charges WHERE end_s < ?", (end_s,)).get
    database.execute("UPDATE charges SET session_id = session_id + 1 WHERE id = ?", (found,))
    [day] = {key for key, value in prints(database).items() if value != before[key]}
    assert day[1]


@pytest.mark.parametrize("column", ["cost", "doubtful", "set_id"])
def test_a_sum_of_a_day_changes_it(database, column):
    before = prints(database)
    day_s = BEGIN_S // DAY_S * DAY_S + 4 * DAY_S
    text = f"UPDATE usage_days SET {column} = {column} + 100000 WHERE start_s = ?"
    database.execute(text, (day_s,))
    changed = {key for key, value in prints(database).items() if value != before[key]}
    # A day of another zone may have a part of it.
    assert {(4, False), (4, True)} <= changed <= {(d, c) for d in (4, 5) for c in (False, True)}
