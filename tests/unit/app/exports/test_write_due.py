"""What one run of a scheduled export writes, and what it leaves as it is."""

import csv
import json
import random
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import apsw
import pytest
from asked.tables import write
from property.test_question_laws import BEGIN_S, DAYS, random_charges
from pyarrow.parquet import read_table  # type: ignore[import-untyped]

from processor.app.exports import __main__ as run
from processor.app.exports.child import write_in_child
from processor.app.exports.task import ExportTask
from processor.core.errors import ConfigError, ExportFailedError
from processor.io.ledger.tables import DIMENSIONS

DAY_S = 86_400
NOW_S = (BEGIN_S // DAY_S + DAYS) * DAY_S + 3600


@pytest.fixture
def charges():
    return random_charges(random.Random(11), 300)


@pytest.fixture
def task(tmp_path, charges):
    path = tmp_path / "ledger.db"
    write(path, charges).close()
    return ExportTask(
        name="all", ledger=str(path), budgets_zone="UTC", own_dimensions=("team", "env"),
        now_s=NOW_S, until_s=NOW_S - 900, look_back=5, folder=str(tmp_path / "out"),
        format="csv", request={"dataset": "usage", "every": "day"}, time_zone="",
    )  # fmt: skip


@pytest.fixture
def due():
    """Runs a task; gives the names of the files that were written."""

    async def names(task):
        said = []
        await run.write_due(task, said.append)
        return [line.partition(":")[0] for line in said]

    return names


def day(back):
    return f"usage-{datetime.fromtimestamp(NOW_S - back * DAY_S, UTC):%Y-%m-%d}.csv"


def on_day(charges, back):
    end_ns = (NOW_S // DAY_S - back + 1) * DAY_S * 10**9
    return [each for each in charges if end_ns - DAY_S * 10**9 <= each.end_ns < end_ns]


def files(task, pattern):
    return list(Path(task.folder).glob(pattern))


def entries(task):
    [path] = files(task, "manifest-*.json")
    return {each["name"]: each for each in json.loads(path.read_text())["files"]}


async def test_missed_days_are_written_once_and_no_more_of_them_than_are_looked_at(task, due):
    assert await due(task) == [day(back) for back in (5, 4, 3, 2, 1)]
    assert await due(task) == []
    later = replace(task, now_s=NOW_S + 2 * DAY_S, until_s=NOW_S + 2 * DAY_S - 900)
    assert await due(later) == [day(0), day(-1)]
    found = entries(task)
    assert found[day(0)]["rows"] == 0
    assert found[day(2)]["rows"] > 0


async def test_a_day_that_is_not_over_long_enough_is_not_written(task, due):
    midnight_s = NOW_S // DAY_S * DAY_S
    early = replace(task, now_s=midnight_s + 899, until_s=midnight_s - 1)
    assert day(1) not in await due(early)
    assert await due(replace(task, now_s=midnight_s + 900, until_s=midnight_s)) == [day(1)]


async def test_an_empty_ledger_has_a_file_for_the_last_day(task, due, tmp_path):
    write(tmp_path / "empty.db", []).close()
    assert await due(replace(task, ledger=str(tmp_path / "empty.db"))) == [day(1)]


async def test_a_day_whose_calls_changed_is_written_anew_and_no_other_is(task, due):
    """Guarantees: late calls, corrections, and moves that leave all totals as they are."""
    await due(task)
    before = entries(task)
    move_to_another_agent(task.ledger, (NOW_S // DAY_S - 2) * DAY_S - DAY_S)
    assert await due(task) == [day(3)]
    after = entries(task)
    assert {name for name in after if after[name]["sha256"] != before[name]["sha256"]} == {day(3)}
    assert all(after[name]["totals"] == before[name]["totals"] for name in after)
    assert await due(task) == []


def move_to_another_agent(ledger, day_s):
    """What some calls of a day have used goes to another agent, as when their root comes late."""
    with closing(apsw.Connection(ledger)) as database, database:
        [moved] = next(
            database.execute("SELECT MIN(set_id) FROM usage_days WHERE start_s = ?", (day_s,))
        )
        columns = ", ".join(DIMENSIONS).replace("agent", "'moved'")
        database.execute(
            f"INSERT INTO dimension_sets SELECT 9999, 'new', {columns} "
            "FROM dimension_sets WHERE id = ?", (moved,),
        )  # fmt: skip
        for table in ("usage_days", "usage_hours"):
            database.execute(
                f"UPDATE {table} SET set_id = 9999 WHERE set_id = ? AND start_s >= ? "
                "AND start_s < ?", (moved, day_s, day_s + DAY_S),
            )  # fmt: skip
        last = database.execute("SELECT MAX(id) FROM spans").get
        row = list(next(database.execute("SELECT * FROM spans WHERE id = ?", (last,))))
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO spans VALUES ({marks})", (last + 1, *row[1:]))


async def test_a_file_that_somebody_has_taken_is_not_written_again(task, due):
    await due(task)
    for path in files(task, "*.csv"):
        path.unlink()
    assert await due(task) == []


async def test_calls_that_are_deleted_meanwhile_stay_in_their_file(task, due, tmp_path):
    calls = replace(task, request={"dataset": "calls", "every": "day"})
    await due(calls)
    emptied = tmp_path / "emptied.db"
    database = write(emptied, [])
    database.execute("INSERT INTO kept_from VALUES ('calls', ?)", (NOW_S,))
    database.close()
    assert await due(replace(calls, ledger=str(emptied))) == []


@pytest.mark.parametrize(
    ("dataset", "more"), [("usage", {"grain": "hour"}), ("focus", {"grain": "hour"})]
)
async def test_hours_that_are_deleted_meanwhile_stay_in_their_file(task, due, dataset, more):
    """Guarantees: a late call of an old day takes no money out of a file that has it."""
    december_s = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    request = {"dataset": dataset, "every": "month", **more}
    month = replace(task, until_s=december_s, now_s=december_s + 900, look_back=1, request=request)
    assert await due(month) == [f"{dataset}-2026-11.csv"]
    before = entries(month)
    move_to_another_agent(task.ledger, (NOW_S // DAY_S - 2) * DAY_S)
    kept_from_s = (NOW_S // DAY_S - 1) * DAY_S
    with closing(apsw.Connection(task.ledger)) as database, database:
        database.execute("DELETE FROM usage_hours WHERE start_s < ?", (kept_from_s,))
        database.execute("DELETE FROM charges WHERE end_s < ?", (kept_from_s,))
        for what in ("calls", "hours", "folded"):
            database.execute("INSERT INTO kept_from VALUES (?, ?)", (what, kept_from_s))
    assert await due(month) == []
    assert entries(month) == before


async def test_a_day_that_is_not_to_be_written_keeps_no_other_from_it(task, charges, tmp_path):
    """Guarantees: with `unpriced: fail`, days without such calls are written; others are said."""
    some = [
        each if each in on_day(charges, 3)
        else replace(each, totals=replace(each.totals, unpriced=0)) for each in charges
    ]  # fmt: skip
    path = tmp_path / "some.db"
    write(path, some).close()
    said, request = [], task.request | {"unpriced": "fail"}
    with pytest.raises(ExportFailedError, match=rf"{day(3)} is not written.*llm-cost unpriced"):
        await run.write_due(replace(task, ledger=str(path), request=request), said.append)
    assert set(entries(task)) == {day(back) for back in (1, 2, 4, 5)}


async def test_what_keeps_it_from_writing_names_the_setting(task, due, monkeypatch):
    await due(task)
    with pytest.raises(ConfigError, match=r"exports\.all\.folder: .* has files of another kind"):
        await due(replace(task, format="csv.gz"))
    monkeypatch.setattr(run, "has_parquet", lambda: False)
    with pytest.raises(ConfigError, match=r"exports\.all\.format: parquet needs pyarrow"):
        await due(replace(task, format="parquet"))


async def test_a_manifest_that_is_no_text_names_the_setting(task, due):
    await due(task)
    (Path(task.folder) / "manifest-usage.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"exports\.all\.folder: .*manifest-usage\.json"):
        await due(task)


async def test_another_process_writes_parquet_that_is_read_back(task, charges):
    said = []
    month = replace(task, format="parquet", request={"dataset": "focus", "every": "month"})
    await write_in_child(month, said.append)
    assert any("written" in line for line in said)
    cost = sum(
        sum(read_table(path).column("BilledCost").to_pylist()) for path in files(task, "*.parquet")
    )
    month_ns = datetime.fromtimestamp(NOW_S, UTC).replace(day=1, hour=0, minute=0).timestamp() * 1e9
    expected = sum(each.totals.cost_nano_usd for each in charges if each.end_ns < month_ns)
    assert expected
    assert cost * 10**9 == expected


async def test_another_process_says_why_it_failed(task, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportFailedError, match="file/out: cannot be written: Not a directory"):
        await write_in_child(replace(task, folder=str(tmp_path / "file" / "out")), print)
    with pytest.raises(ExportFailedError, match="there is no ledger at"):
        await write_in_child(replace(task, ledger=str(tmp_path / "none.db")), print)
    with pytest.raises(ExportFailedError, match="TypeError"):
        await write_in_child(replace(task, request={"odd": 1}), print)


async def test_rows_are_those_of_the_day(task, due, charges):
    await due(task)
    with (Path(task.folder) / day(2)).open(newline="") as file:
        cost = sum(Decimal(row["cost_usd"] or 0) for row in csv.DictReader(file))
    assert on_day(charges, 2)
    assert cost * 10**9 == sum(each.totals.cost_nano_usd for each in on_day(charges, 2))
