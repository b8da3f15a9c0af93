"""Traces against their charges, and charges against what their spans say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import apsw

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.attribution.trace import is_of_logs
from processor.core.model import NS_PER_S, ChargeRow, OwnIds, TraceSummary
from processor.io.ledger import statements
from processor.io.ledger.call_deletion import read_partly_deleted
from processor.io.ledger.deleted_rows import read_kept_summary
from processor.io.ledger.interning import OTHER, Cache
from processor.io.ledger.row_reader import RowReader
from processor.io.ledger.rows import values_of
from processor.io.ledger.tables import DIMENSIONS, PARTS, SUMS
from processor.io.ledger.verifying.check import Findings, Step
from processor.io.ledger.verifying.comparison import Sides, compare
from processor.io.ledger.verifying.retained import read_retained
from processor.io.ledger.zones import read_zones

_ALL: Final = (*SUMS, *PARTS)
_TRACES_COMPARED: Final = 50_000
_TRACES_REBUILT: Final = 50
"""Few, so that a step is short: a trace of usual size takes half a millisecond."""
_SETS_CACHED_MAX: Final = 4096
_RANGE: Final = "BETWEEN :first AND :last"


class TraceSums:
    """The sums of each trace against those of its charges, and all together against all charges.

    A trace that has rows again after others were deleted has the sums of those before as well.
    """

    name = "traces"

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next traces, in the order of their numbers."""
        findings = Findings(self.name)
        first, last, highest = _range(database, position, _TRACES_COMPARED)
        listed = ", ".join(SUMS)
        # A trace without any row is one that retention has deleted; its own row stays.
        has_rows = "EXISTS (SELECT 1 FROM spans WHERE spans.trace = traces.id)"
        sides = Sides(
            f"SELECT id, {listed} FROM traces WHERE id {_RANGE} AND {has_rows}",
            f"SELECT trace AS id, {listed} FROM charged WHERE trace {_RANGE} "
            f"UNION ALL SELECT trace, {listed} FROM resumed_traces WHERE trace {_RANGE}",
            ("id",),
            SUMS,
        )
        found = compare(database, sides, {"first": first, "last": last})
        findings.add(found, lambda key: f"trace {_hex_id(database, key[0])}")
        if last >= highest and read_retained(database).has_deleted_any(database):
            found = compare(database, _all_sides(), {})
            findings.add(found, lambda _: "all traces, with those that are deleted, together")
        return findings.step(*_next(last, highest))


def _all_sides() -> Sides:
    """All traces against everything. Late calls of unknown traces are unpriced, and in none."""
    sums = [name for name in SUMS if name != "unpriced"]
    listed = ", ".join(sums)
    return Sides(
        f"SELECT 0 AS k, {listed} FROM traces UNION ALL SELECT 0, {listed} FROM deleted_traces",
        f"SELECT 0 AS k, {listed} FROM totals WHERE scope = 'total' AND id = ''",
        ("k",),
        sums,
    )


class SpanCharges:
    """What each span is charged, and whose it is, against what the spans of its trace say.

    One part of `every` is looked at, another one each time.
    """

    name = "spans"

    def __init__(self, every: int, offset: int = 0) -> None:
        self._every = every
        self._offset = offset % every
        self._read: _Reading | None = None

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next traces, in the order of their numbers."""
        findings = Findings(self.name)
        first, last, highest = _range(database, position, _TRACES_REBUILT)
        parts = (self._offset - first // _TRACES_REBUILT) % self._every
        if parts:  # The next of our part.
            return findings.step(*_next(first - 1 + parts * _TRACES_REBUILT, highest))
        if self._read is None or self._read.database is not database:
            self._read = _Reading(database)
        query = "SELECT id, trace_id FROM traces WHERE id BETWEEN ? AND ?"
        traces: list[tuple[Any, ...]] = database.execute(query, (first, last)).fetchall()
        partly_deleted = read_partly_deleted(database)
        for trace, trace_id in traces:
            if trace == partly_deleted:
                continue
            findings.say(self._read.differences(trace, trace_id))
        return findings.step(*_next(last, highest))


def _range(database: apsw.Connection, position: int, count: int) -> tuple[int, int, int]:
    """Numbers of traces from a position on, up to the end of a part, and the highest there is."""
    highest = int(database.execute(statements.LAST_TRACE).get)
    first = max(position, 0)
    return first, first // count * count + count - 1, highest


def _next(last: int, highest: int) -> tuple[int | None, float]:
    if last >= highest:
        return None, 1.0
    return last + 1, (last + 1) / (highest + 1)


def _hex_id(database: apsw.Connection, trace: int) -> str:
    found = database.execute("SELECT trace_id FROM traces WHERE id = ?", (trace,)).get
    return f"number {trace}, which has no row" if found is None else bytes(found).hex()


class _Charge(NamedTuple):
    """What is kept of a charge, or should be, in names."""

    end_s: int
    user: str
    session: str
    task: str
    dimensions: tuple[str, ...]
    own: OwnIds
    sums: tuple[int, ...]


class _Reading:
    """Reads what is kept of single traces, on one connection."""

    def __init__(self, database: apsw.Connection) -> None:
        self.database = database
        self._rows = RowReader(database)
        self._sets = Cache[int, OwnIds](_SETS_CACHED_MAX)
        self._zones = read_zones(database)

    def differences(self, trace: int, trace_id: bytes) -> Iterator[str]:
        """What is kept of the charges of a trace and does not follow from its spans."""
        rows = self._rows.rows_of(trace_id, trace)
        if not rows:  # Retention has deleted them.
            return
        rebuilt = posting.rebuild(trace_id, rows)
        if kept := read_kept_summary(self.database, trace):
            posting.continue_from(rebuilt, kept)
        plan = posting.charged({trace_id: rebuilt}, self._zones)
        expected = {each.row_id: _expected(each) for each in plan.charges}
        charges = dict(_kept(self.database, trace, self._sets))
        spans = {row.id: row.span_id.hex() for row in rows}
        for row_id in sorted(expected.keys() | charges.keys()):
            where = f"span {spans.get(row_id, row_id)} of trace {trace_id.hex()}"
            for what in _unlike(charges.get(row_id), expected.get(row_id)):
                yield f"{where}: {what}"
        yield from _unlike_trace(self.database, trace, trace_id, plan.traces)
        yield from _unlike_stamps(self._corrected(trace), trace_id, rebuilt)

    def _corrected(self, trace: int) -> dict[bytes, int]:
        """What corrections have changed of the cost of each span, in nano-USD."""
        found: dict[bytes, int] = {}
        query = "SELECT span_id, cost FROM corrections WHERE trace = ?"
        for span_id, cost in self.database.execute(query, (trace,)):
            found[bytes(span_id)] = found.get(bytes(span_id), 0) + int(cost)
        return found


def _expected(charge: ChargeRow) -> _Charge:
    *dimensions, own = charge.dimensions
    return _Charge(
        charge.end_ns // NS_PER_S, charge.user, charge.session, charge.task,
        tuple(dimensions), own, values_of(charge.sums),
    )  # fmt: skip


def _kept(
    database: apsw.Connection, trace: int, sets: Cache[int, OwnIds]
) -> Iterator[tuple[int, _Charge]]:
    query = f"""
SELECT c.id, c.end_s, users.text, sessions.text, tasks.text, c.set_id,
  {", ".join(f"sets.{name}" for name in DIMENSIONS)}, {", ".join(f"c.{name}" for name in _ALL)}
FROM spans CROSS JOIN charged AS c ON c.id = spans.id
JOIN dimension_sets AS sets ON sets.id = c.set_id JOIN names AS users ON users.id = c.user_id
JOIN names AS sessions ON sessions.id = c.session_id JOIN names AS tasks ON tasks.id = c.task_id
WHERE spans.trace = ?
"""
    own = "SELECT dimension, value FROM set_values WHERE set_id = ? ORDER BY dimension"
    width = len(DIMENSIONS)
    for row_id, end_s, user, session, task, set_id, *rest in database.execute(query, (trace,)):
        values = sets.get(set_id)
        if values is None:
            found: list[tuple[Any, ...]] = database.execute(own, (set_id,)).fetchall()
            values = sets[set_id] = tuple(found)
        sums = tuple(map(int, rest[width:]))
        yield row_id, _Charge(end_s, user, session, task, tuple(rest[:width]), values, sums)


def _unlike(kept: _Charge | None, expected: _Charge | None) -> Iterator[str]:
    """In what a charge differs from what it should be."""
    if kept is None or expected is None:
        one = kept or expected
        if one is not None and any(one.sums):
            yield "is charged and should not be" if kept else "should be charged and is not"
        return
    if kept == expected or not (any(kept.sums) or any(expected.sums)):
        return
    for name in ("end_s", "user", "session", "task"):
        yield from _unlike_value(name, getattr(kept, name), getattr(expected, name))
    for name, said, wanted in zip(DIMENSIONS, kept.dimensions, expected.dimensions, strict=True):
        yield from _unlike_value(name, said, wanted)
    own = dict(kept.own)
    for name, value in expected.own:
        # Beyond a number of values of a day they count together.
        if own.get(name) not in {value, OTHER}:
            yield from _unlike_value(name, own.get(name), value)
    for name, number, sum_ in zip(_ALL, kept.sums, expected.sums, strict=True):
        yield from _unlike_value(name, number, sum_)


def _unlike_value(name: str, kept: object, expected: object) -> Iterator[str]:
    if kept != expected:
        yield f"{name} is {kept!r} and should be {expected!r}"


def _unlike_trace(
    database: apsw.Connection, trace: int, trace_id: bytes, summaries: list[TraceSummary]
) -> Iterator[str]:
    """In what the row of a trace differs from what its spans say; its sums are compared before."""
    names = ("session", "user", "task", "agent", "org", "service")
    texts = ", ".join(f"(SELECT text FROM names WHERE names.id = {name}_id)" for name in names)
    query = f"SELECT start_ns, end_ns, {texts} FROM traces WHERE id = ?"
    kept: tuple[Any, ...] = next(iter(database.execute(query, (trace,))))
    for summary in summaries:
        expected = summary.start_ns, summary.end_ns, *summary.owner
        for name, one, other in zip(("start_ns", "end_ns", *names), kept, expected, strict=True):
            for what in _unlike_value(name, one, other):
                yield f"trace {trace_id.hex()}: {what}"


def _unlike_stamps(
    corrected: Mapping[bytes, int], trace_id: bytes, rebuilt: Trace
) -> Iterator[str]:
    """Calls whose cost is not what was written on them, and the corrections of it."""
    for span_id in corrected.keys() - rebuilt.nodes.keys():
        yield f"trace {trace_id.hex()}: a correction is of span {span_id.hex()}, which is not there"
    entries = [node.entry for node in rebuilt.nodes.values() if node.entry is not None]
    # Nothing is written on log records, and another processor has written what was adopted.
    if is_of_logs(trace_id) or any(each.adopted_nano_usd is not None for each in entries):
        return
    for span_id, node in rebuilt.nodes.items():
        if node.entry is None or node.stamp is None:
            continue
        shown, cost = node.stamp.entry, node.posted.totals.cost_nano_usd
        written = shown.amount.total if shown is not None and shown.amount is not None else 0
        change = corrected.get(span_id, 0)
        if written + change != cost:
            yield (
                f"span {span_id.hex()} of trace {trace_id.hex()}: is charged {cost} nano-USD, but "
                f"{written} was written on it, and corrections make {change}"
            )
