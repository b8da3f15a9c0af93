"""What the tables of a ledger have to agree on, whatever was written to it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.model import Totals
from processor.core.posting.spend import shown_of
from processor.io.ledger import SqliteStore, tables
from processor.io.ledger.reading.sums import define_sum
from processor.io.ledger.shared_rows import USERS_OF_NAMES, USERS_OF_OWNERS
from processor.io.ledger.spend_rows import read_dimensions, read_rows, values_of_sets
from processor.io.ledger.verifying import FIRST, checks_of_sums
from processor.io.ledger.verifying.by_trace import SpanCharges

SUMS = ", ".join(tables.SUMS)
ALL = ", ".join((*tables.SUMS, *tables.PARTS))
END_NS = 2**63 - 1

Sums = dict[tuple[Any, ...], list[int]]


def added_up(store: SqliteStore, key: str, rest: str) -> Sums:
    """Sums by some columns, those that are nothing left out."""
    found: Sums = {}
    width = len(key.split(","))
    for row in store._db.execute(f"SELECT {key}, {rest}"):
        known = found.setdefault(row[:width], [0] * (len(row) - width))
        for at, value in enumerate(row[width:]):
            known[at] += int(value)
    return {key: sums for key, sums in found.items() if any(sums)}


def check_tables(store: SqliteStore) -> None:
    """Every kind of sum is that of the charges, and these are what the spans say."""
    missing = store._db.execute("PRAGMA foreign_key_check").fetchall()
    assert not missing, "what rows refer to is there"
    check_months(store)
    check_spend(store)
    if any(store._db.execute("SELECT 1 FROM kept_from LIMIT 1")):
        check_with_deleted(store)
        return
    charged = added_up(store, "set_id", f"{ALL} FROM charged")
    for table in ("usage_hours", "usage_days", "usage_user_days"):
        assert added_up(store, "set_id", f"{ALL} FROM {table}") == charged, table
    by_user = added_up(store, "user_id", f"{ALL} FROM charged")
    assert added_up(store, "user_id", f"{ALL} FROM usage_user_days") == by_user
    for scope in ("user", "session", "task"):
        query = f"{SUMS} FROM charged JOIN names ON names.id = {scope}_id"
        kept = added_up(store, "id", f"{SUMS} FROM totals WHERE scope = '{scope}'")
        assert added_up(store, "text", query) == kept, scope
    query = f"{SUMS} FROM charged JOIN dimension_sets AS sets ON sets.id = set_id"
    kept = added_up(store, "id", f"{SUMS} FROM totals WHERE scope = 'org'")
    assert added_up(store, "org", query) == kept
    bucket = f"end_ns / {900 * 10**9} * 900"
    kept = added_up(store, "bucket", f"{SUMS} FROM totals WHERE scope = 'total'")
    assert added_up(store, bucket, f"{SUMS} FROM charged") == kept
    of_traces = added_up(store, "trace_id", f"{SUMS} FROM traces")
    joined = f"{SUMS} FROM charged JOIN traces ON traces.id = trace"
    joined = joined.replace(SUMS, ", ".join(f"charged.{name}" for name in tables.SUMS))
    assert added_up(store, "trace_id", joined) == of_traces
    check_charges(store)
    check_verified(store)


DAY_S = 86_400


def check_with_deleted(store: SqliteStore) -> None:
    """Sums have what rows say and what was deleted of them; they agree with each other.

    What is kept of traces, hours and keys is what the ledger says that it keeps.
    """
    day = f"end_s / {DAY_S} * {DAY_S}"
    kept, deleted = (
        added_up(store, key, f"{ALL} FROM {table}")
        for key, table in ((day, "charged"), ("start_s", "deleted_days"))
    )
    wanted = {key: sums for key in {*kept, *deleted} if any(sums := both(kept, deleted, key))}
    bucket = f"bucket / {DAY_S} * {DAY_S}"
    totals = added_up(store, bucket, f"{SUMS} FROM totals WHERE scope = 'total'")
    only_sums = {key: sums[: len(tables.SUMS)] for key, sums in wanted.items()}
    assert totals == {key: sums for key, sums in only_sums.items() if any(sums)}
    whole = list(map(sum, zip(*wanted.values(), strict=True)))
    by_set = added_up(store, "set_id", f"{ALL} FROM usage_days")
    for table in ("usage_days", "usage_user_days"):
        assert added_up(store, "set_id", f"{ALL} FROM {table}") == by_set, table
        assert added_up(store, "1", f"{ALL} FROM {table}").get((1,), []) == whole, table
    if not store.deleted.kept_from().hours:
        assert added_up(store, "set_id", f"{ALL} FROM usage_hours") == by_set
    for scope in ("user", "org", "session", "task"):
        of_scope = added_up(store, "1", f"{SUMS} FROM totals WHERE scope = '{scope}'")
        assert of_scope.get((1,), []) == whole[: len(tables.SUMS)], scope
    # What came late of unknown traces is in no trace, and only unpriced.
    known = ", ".join(name for name in tables.SUMS if name != "unpriced")
    both_tables = f"(SELECT {known} FROM traces UNION ALL SELECT {known} FROM deleted_traces)"
    everything = added_up(store, "1", f"{known} FROM totals WHERE scope = 'total'")
    assert added_up(store, "1", f"{known} FROM {both_tables}") == everything
    of_traces = added_up(store, "id", f"{SUMS} FROM traces WHERE id IN (SELECT trace FROM spans)")
    rows = " UNION ALL ".join(
        f"SELECT trace, {SUMS} FROM {table}" for table in ("charged", "resumed_traces")
    )
    assert added_up(store, "trace", f"{SUMS} FROM ({rows})") == of_traces
    check_charges(store)
    check_verified(store)


def both(one: Sums, other: Sums, key: tuple[Any, ...]) -> list[int]:
    nothing = [0] * len(ALL.split(","))
    return list(map(sum, zip(one.get(key, nothing), other.get(key, nothing), strict=True)))


def check_months(store: SqliteStore) -> None:
    """The sums of months, and of parts of them, are those of their days that are over."""
    until_s = store._db.execute("SELECT COALESCE(MAX(until_s), 0) FROM months_until").get
    days = added_up(store, "start_s, set_id", f"{ALL} FROM usage_days WHERE start_s < {until_s}")
    for is_part, cell_of in ((0, store.zones.month_of), (1, store.zones.month_part_of)):
        wanted: Sums = defaultdict(lambda: [0] * len(ALL.split(",")))
        for (start_s, set_id), sums in days.items():
            known = wanted[cell_of(start_s)[0], set_id]
            known[:] = map(sum, zip(known, sums, strict=True))
        of_months = f"{ALL} FROM usage_months WHERE is_part = {is_part}"
        found = added_up(store, "start_s, set_id", of_months)
        assert found == {key: sums for key, sums in wanted.items() if any(sums)}, is_part


def check_spend(store: SqliteStore) -> None:
    """What metrics show, corrections included, is what its combinations are charged."""
    dimensions = read_dimensions(store._db)
    if store.spend.dimensions is None:
        return
    assert dimensions is not None, "they are followed, and so they are kept"
    rows = list(read_rows(store._db))
    named = {row.values for row in rows}
    values = values_of_sets(store._db, dimensions)
    wanted: dict[tuple[str, ...] | None, Totals] = {}
    for (set_id,), sums in added_up(store, "set_id", f"{SUMS} FROM usage_days").items():
        key = values[set_id] if values[set_id] in named else None
        wanted[key] = wanted.get(key, Totals()).plus(shown_of(Totals(*sums)))
    found: dict[tuple[str, ...] | None, Totals] = {}
    for row in rows:
        assert min(row.sums.values()) >= 0
        known = found.get(row.values, Totals())
        is_down = row.part == "down"
        found[row.values] = known.minus(row.sums) if is_down else known.plus(row.sums)
    for each in {*found, *wanted}:
        assert found.get(each, Totals()) == wanted.get(each, Totals()), each


def check_charges(store: SqliteStore) -> None:
    """The charges and traces are those that the spans alone would give."""
    traces = {}
    partly_deleted = store.deleted.calls.partly_deleted()
    for trace_id in store.recent_traces(10**6):
        if store.trace_number(trace_id) == partly_deleted:
            continue  # What its other rows are charged does not follow from them any more.
        traces[trace_id] = posting.rebuild(trace_id, store.rows_of(trace_id))
        check_steps(store, trace_id, traces[trace_id])
    plan = posting.charged(traces, store.zones)
    wanted = defaultdict(list)
    for each in plan.charges:
        sums = (*each.sums.totals.values(), *each.sums.parts)
        if any(sums):
            owner = (each.user, each.session, each.task, each.dimensions[:-1])
            wanted[each.row_id].append((each.end_ns, *owner, sums))
    columns = ", ".join(f"sets.{name}" for name in tables.DIMENSIONS)
    query = (
        "SELECT charged.id, end_ns, users.text, sessions.text, tasks.text, "
        f"{columns}, {', '.join(f'charged.{name}' for name in (*tables.SUMS, *tables.PARTS))} "
        "FROM charged JOIN dimension_sets AS sets ON sets.id = set_id "
        "JOIN names AS users ON users.id = user_id "
        "JOIN names AS sessions ON sessions.id = session_id "
        "JOIN names AS tasks ON tasks.id = task_id "
        f"WHERE charged.trace <> {partly_deleted}"
    )
    found = defaultdict(list)
    for row_id, end_ns, user, session, task, *rest in store._db.execute(query):
        width = len(tables.DIMENSIONS)
        sums = tuple(int(value) for value in rest[width:])
        if any(sums):
            owner = (user, session, task, tuple(rest[:width]))
            found[row_id].append((end_ns, *owner, sums))
    assert found == wanted
    if not any(store._db.execute("SELECT 1 FROM kept_from LIMIT 1")):
        check_traces(store, plan)
        check_cells(store, plan)


def check_steps(store: SqliteStore, trace_id: bytes, whole: Trace) -> None:
    """A trace that is read in steps is what it is when it is read at once."""
    parts = [[row] for row in store.rows_of(trace_id)]
    *_, stepped = posting.rebuild_in_steps(trace_id, parts, 2)
    assert stepped is not None
    for node in whole.nodes.values():
        other = stepped.nodes[node.span_id]
        assert (other.posted, other.scope_ids) == (node.posted, node.scope_ids)
        assert other.subtotal().minus(node.subtotal()).is_nothing
    assert len(stepped.nodes) == len(whole.nodes)
    assert (stepped.total, stepped.runs, stepped.owner()) == (
        whole.total,
        whole.runs,
        whole.owner(),
    )
    assert (stepped.start_ns, stepped.end_ns) == (whole.start_ns, whole.end_ns)
    assert (stepped.awaited, stepped.common()) == (whole.awaited, whole.common())


def check_cells(store: SqliteStore, plan: Any) -> None:
    """Every hour and day holds what ended in it, in the zone that was valid then."""
    sets = ", ".join(f"sets.{name}" for name in tables.DIMENSIONS)
    joined = "JOIN dimension_sets AS sets ON sets.id = set_id"
    for table, cells in (("usage_hours", plan.hours), ("usage_days", plan.days)):
        wanted: Sums = defaultdict(lambda: [0] * len(ALL.split(",")))
        for (start_s, dimensions), sums in cells.items():
            add(wanted[(start_s, *dimensions[:-1])], sums)
        found = added_up(store, f"start_s, {sets}", f"{ALL} FROM {table} {joined}")
        assert found == {key: sums for key, sums in wanted.items() if any(sums)}, table
    wanted = defaultdict(lambda: [0] * len(ALL.split(",")))
    for (start_s, user, dimensions), sums in plan.user_days.items():
        add(wanted[(start_s, user, *dimensions[:-1])], sums)
    query = f"{ALL} FROM usage_user_days {joined} JOIN names ON names.id = user_id"
    found = added_up(store, f"start_s, names.text, {sets}", query)
    assert found == {key: sums for key, sums in wanted.items() if any(sums)}


def check_verified(store: SqliteStore) -> None:
    """The checks of `llm-cost verify` find nothing: no law of theirs is too narrow."""
    define_sum(store._db)
    for check in (*checks_of_sums(), SpanCharges(every=1)):
        position: int | None = FIRST
        while position is not None:
            step = check.step(store._db, position)
            assert (step.differing, step.differences) == (0, ()), (
                check.name,
                step.differences,
            )
            position = step.position


def add(sums: list[int], more: Any) -> None:
    for at, value in enumerate((*more.totals.values(), *more.parts)):
        sums[at] += value


def check_traces(store: SqliteStore, plan: Any) -> None:
    named = "sessions.text, users.text, tasks.text, agents.text, orgs.text, services.text"
    query = (
        f"SELECT trace_id, start_ns, end_ns, {named}, {SUMS} FROM traces "
        "LEFT JOIN names AS sessions ON sessions.id = session_id "
        "LEFT JOIN names AS users ON users.id = user_id "
        "LEFT JOIN names AS tasks ON tasks.id = task_id "
        "LEFT JOIN names AS agents ON agents.id = agent_id "
        "LEFT JOIN names AS orgs ON orgs.id = org_id "
        "LEFT JOIN names AS services ON services.id = service_id"
    )
    found = {row[0]: row[1:] for row in store._db.execute(query)}
    for each in plan.traces:
        start_ns, end_ns, *rest = found[each.trace_id]
        assert (start_ns, end_ns, tuple(rest[:6])) == (each.start_ns, each.end_ns, each.owner)
        assert [int(value) for value in rest[6:]] == [*each.totals.values()]


def unused_rows(store: SqliteStore) -> dict[str, int]:
    """How many shared rows nothing refers to, by table; but for the latest of each, which stays."""
    users: dict[tuple[str, str], str] = {
        (user.table, column): of
        for user in (*USERS_OF_OWNERS, *USERS_OF_NAMES)
        for column, of in user.columns.items()
    }
    users["usage_user_days", "user_id"] = "names"
    found = {}
    for table in sorted(set(users.values())):
        used = " UNION ".join(
            f"SELECT {column} FROM {user} WHERE {column} IS NOT NULL"
            for (user, column), of in users.items()
            if of == table
        )
        query = (
            f"SELECT COUNT(*) FROM {table} WHERE id NOT IN ({used}) "
            f"AND id < (SELECT MAX(id) FROM {table})"
        )
        found[table] = int(store._db.execute(query).get)
    return found
