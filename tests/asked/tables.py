"""A ledger, written by plain SQL from a list of charges."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import apsw

from processor.core.budgets.window import bucket_of
from processor.core.budgets.zones import ReportingZones
from processor.core.model import NO_PARTS, DimensionSet, Parts, Totals
from processor.io.ledger.added_tables import create_all_tables
from processor.io.ledger.dialect import SQLITE
from processor.io.ledger.months import add_day, day_to_add
from processor.io.ledger.numbers import define_functions, encode_number
from processor.io.ledger.tables import DETAILS, PARTS, SUMS, VERSION

ALL = (*SUMS, *PARTS)


@dataclass(frozen=True)
class Charged:
    """What one span is charged, and whose it is."""

    trace: int
    span: int
    end_ns: int
    dimensions: DimensionSet
    user: str = ""
    session: str = ""
    task: str = ""
    totals: Totals = field(default_factory=lambda: Totals(calls=1))
    parts: Parts = NO_PARTS
    parent: int = 0
    row_id: int = 0
    """Id of its row, where it was really written."""

    @property
    def trace_id(self) -> bytes:
        return self.trace.to_bytes(16)

    def value(self, dimension):
        if dimension == "trace":
            return self.trace_id.hex()
        if dimension in {"user", "session", "task"}:
            return getattr(self, dimension)
        own = dict(self.dimensions.own)
        return getattr(self.dimensions, dimension, None) or own.get(dimension, "")


def dimensions(**some) -> DimensionSet:
    """A set whose other dimensions are unknown."""
    own = some.pop("own", ())
    names = DimensionSet._fields[:-1]
    return DimensionSet._make((*(some.get(name, "") for name in names), own))


class _Ids:
    def __init__(self):
        self.known = {}

    def __call__(self, value):
        return self.known.setdefault(value, len(self.known) + 1)


def write(path, charges, zones: ReportingZones | None = None) -> apsw.Connection:
    """Write a ledger; returns the connection, which the caller closes."""
    zones = zones or ReportingZones.of(ZoneInfo("UTC"))
    database = apsw.Connection(str(path))
    database.execute("PRAGMA journal_mode = WAL")
    with database:
        define_functions(database)
        database.execute(create_all_tables(SQLITE))
        database.pragma("user_version", VERSION)
        _fill(database, charges, zones)
    return database


def _fill(database, charges, zones):
    names, sets, traces, details = _Ids(), _Ids(), _Ids(), _Ids()
    cells = {name: defaultdict(lambda: [0] * len(ALL)) for name in ("h", "d", "u", "t", "tr")}
    owners = defaultdict(list)
    for number, each in enumerate(charges, 1):
        sums = (*each.totals.values(), *each.parts)
        set_id, time_s = sets(each.dimensions), each.end_ns // 10**9
        user, session, task = names(each.user), names(each.session), names(each.task)
        trace = traces(each.trace_id)
        detail = details((each.dimensions.status, each.dimensions.provider, each.dimensions.model))
        database.execute(
            "INSERT INTO spans (id, trace, span_id, parent_id, time_ns, flags, origin_id, "
            "details_id, input) VALUES (?, ?, ?, ?, ?, 0, 1, ?, ?)",
            (number, trace, each.span.to_bytes(8), each.parent.to_bytes(8) if each.parent else b"",
             each.end_ns, detail, encode_number(each.totals.input_tokens)),
        )  # fmt: skip
        _insert(database, "charges", (number, time_s, set_id, user, session, task), ())
        _insert(database, "charge_sums", (number,), sums)
        bucket = bucket_of(each.end_ns)
        owners[trace].append(each)
        for cell, key in (
            ("h", (zones.cell_of(time_s)[0], set_id)),
            ("d", (zones.day_of(time_s)[0], set_id)),
            ("u", (zones.day_of(time_s)[0], user, set_id)),
            ("t", ("total", "", bucket)),
            ("t", ("user", each.user, bucket)),
            ("t", ("org", each.dimensions.org, bucket)),
            ("t", ("session", each.session, 0)),
            ("t", ("task", each.task, 0)),
            ("tr", trace),
        ):
            cells[cell][key] = [a + b for a, b in zip(cells[cell][key], sums, strict=True)]
    for cell, table in (("h", "usage_hours"), ("d", "usage_days"), ("u", "usage_user_days")):
        for key, sums in cells[cell].items():
            _insert(database, table, key, sums)
    for key, sums in cells["t"].items():
        _insert(database, "totals", key, sums[: len(SUMS)])
    ends_s = sorted(each.end_ns // 10**9 for each in charges)
    # Of some days months are added up already, and of some they are not.
    until_s = ends_s[len(ends_s) * 2 // 3] if ends_s else 0
    while (day_s := day_to_add(database, zones, until_s)) is not None:
        add_day(database, SQLITE, zones, day_s)
    for trace_id, trace in traces.known.items():
        some = owners[trace]
        whole = [
            _agreed([getattr(each, name) for each in some]) for name in ("session", "user", "task")
        ]
        ids = [name and names(name) for name in whole]
        for name in ("agent", "org", "service"):
            text = _agreed([each.value(name) for each in some])
            ids.append(text and names(text))
        times = [each.end_ns for each in some]
        _insert(
            database, "traces", (trace, trace_id, min(times), max(times), *ids),
            cells["tr"][trace][: len(SUMS)],
        )  # fmt: skip
    _interned(database, names, sets, details, zones)


def _agreed(values):
    return values[0] if len(set(values)) == 1 and values[0] else None


def _interned(database, names, sets, details, zones):
    for text, number in names.known.items():
        database.execute("INSERT INTO names VALUES (?, ?)", (number, text))
    for dimension_set, number in sets.known.items():
        _insert(database, "dimension_sets", (number, b"%d" % number, *dimension_set[:-1]), ())
        for dimension, value in dimension_set.own:
            database.execute("INSERT INTO set_values VALUES (?, ?, ?)", (number, dimension, value))
    for (status, provider, model), number in details.known.items():
        said = {"status": status, "asked_provider": provider, "asked_models": json.dumps([model])}
        _insert(database, "call_details", (number, b"%d" % number, *_details(said)), ())
    database.execute("INSERT INTO owners (id, service) VALUES (1, '')")
    for start_s, zone, cell_s in zones.zones:
        database.execute(
            "INSERT INTO reporting_zones VALUES (?, ?, ?)", (start_s, zone.key, cell_s)
        )


def _details(said):
    """Columns of details of which little is said."""
    numbers = ("has_", "is_", "may_", "time_")
    return [said.get(name, 0 if name.startswith(numbers) else "") for name in DETAILS]


def _insert(database, table, key, sums):
    values = (*key, *map(encode_number, sums))
    database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
