"""What every engine that keeps the ledger has to offer, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from answers import crossings_in, title_in

from processor.core.budgets import Budget, Policy
from processor.core.model import (
    NO_PARTS,
    NO_SUMS,
    NOBODY,
    Calendar,
    ChargeRow,
    Correction,
    Crossing,
    DimensionSet,
    Entry,
    Mark,
    Owner,
    Parts,
    PendingRows,
    Plan,
    SpanRow,
    Stamp,
    Sums,
    TaskTitle,
    Totals,
    TraceOwner,
    TraceSummary,
    Usage,
)
from processor.core.money import Amount
from processor.core.notices import Backlog, Taken
from processor.io.ledger import SqliteStore, Store
from processor.io.ledger.reading.notifications import read_notifications
from processor.io.ledger.reading.unknown import read_unknown
from processor.io.ledger.store import UNFOLLOWED, Filled, Job

SIZE = len(Usage._fields)
BIG = 2**62 - 1
START_S = 1_800_000_000
TRACE = bytes(range(1, 17))
SPAN = bytes(range(1, 9))
ODD = 'quote\' "double" \\ back\x00nul \u00fc\u4e2d\U0001f680 \u202eline\nend'


@dataclass(frozen=True)
class Engine:
    """Opens the same ledger again and again, as restarts do."""

    open: Callable[[], Store]


def sqlite(folder: Path) -> Engine:
    return Engine(lambda: SqliteStore(folder / "ledger.db"))


ENGINES = {"sqlite": sqlite}
"""To run the contract against another engine, name it here."""


@pytest.fixture(params=ENGINES)
def engine(request, tmp_path):
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def store(engine):
    ledger = engine.open()
    yield ledger
    ledger.close()


def entry(**more):
    values = {
        "status": "exact", "reason": "", "provider": "openai", "model": "gpt-4o",
        "service": "svc", "price_version": "v1", "usage": Usage(input=10, output=2),
        "amount": Amount(30, 10, 20), "rates": tuple(range(SIZE)),
    } | more  # fmt: skip
    return Entry(**values)


def row(**more):
    values = {
        "trace_id": TRACE, "span_id": SPAN, "parent_id": b"", "time_ns": START_S * 10**9,
        "is_agent": False, "is_local_root": False, "own": NOBODY, "inherited": NOBODY,
        "service": "svc", "entry": None, "stamp": Stamp(),
    } | more  # fmt: skip
    return SpanRow(**values)


def charged(**more):
    kept = entry(**more)
    return row(entry=kept, stamp=Stamp(entry=kept))


def charge_of(at, kept, row_id=0, **more):
    """What a row is charged, by its position in the plan; what spans beside it explain is not."""
    entry, shown = kept.entry, kept.stamp.entry
    unpriced = int(entry.status == "unpriced" and shown.status == "unpriced")
    totals = Totals(
        entry.amount.total if entry.amount else 0,
        entry.usage.input_tokens if entry.usage else 0,
        entry.usage.output_tokens if entry.usage else 0,
        calls=1,
        unpriced=unpriced,
    )
    values = {
        "trace_id": kept.trace_id, "span_id": kept.span_id, "row": at, "row_id": row_id,
        "end_ns": kept.time_ns, "dimensions": DIMENSIONS, "user": "u", "session": "s", "task": "",
        "sums": Sums(totals, NO_PARTS), "entry": entry,
    } | more  # fmt: skip
    return ChargeRow(**values)


DIMENSIONS = DimensionSet(
    "openai", "gpt-4o", "svc", "a", "acme", "f", "type", "p", "llm", "exact",
    (("plan", "pro"), ("team", ODD)),
)  # fmt: skip


def crossing(**more):
    values = {
        "budget": "b", "scope": "session", "scope_id": "s", "window_start_s": 0,
        "window_end_s": 0, "limit": 100, "unit": "usd", "threshold": 1.0, "spent": 130,
    } | more  # fmt: skip
    return Crossing(**values)


def commit(store, *rows, **more):
    """One transaction that writes a plan; returns the ids of its rows."""
    store.begin()
    ids = store.write(Plan(rows=list(rows), **more))
    store.commit()
    return ids


def commit_charges(store, *rows, **more):
    """Likewise, with what the rows are charged."""
    return commit(store, *rows, charges=[charge_of(at, row) for at, row in enumerate(rows)], **more)


TOTALS = Totals(*range(1, 11))
ENTRIES = {
    "plain": entry(),
    "unpriced": entry(status="unpriced", reason="no price", amount=None, rates=None),
    "nothing reported": entry(status="usage_missing", usage=None, amount=None, rates=None),
    "zero is not unknown": entry(usage=Usage(requests=0), amount=Amount(), rates=(0,) * SIZE),
    "cost without usage": entry(
        status="reported", usage=None, amount=Amount(7, 0, 0, 0, 0, 7), rates=None,
        reported_nano_usd=7,
    ),
    "reported nothing": entry(reported_nano_usd=0, saved_nano_usd=0),
    "every quantity": entry(usage=Usage(*range(1, 13)), amount=Amount(*range(1, 7))),
    "rare quantities": entry(usage=Usage(audio_input=1, image_output=2, web_searches=3)),
    "several requests": entry(usage=Usage(requests=5)),
    "negative parts": entry(amount=Amount(-3, -1, -2), saved_nano_usd=-5),
    "big": entry(
        usage=Usage(*[BIG] * SIZE), amount=Amount(*[BIG] * 6), rates=(2**100,) * SIZE,
        saved_nano_usd=BIG, reported_nano_usd=BIG,
    ),
    "aggregate": entry(
        status="aggregate", aggregate="last_step", rule="r", has_tokens=False, kind="embedding",
        time_assumed=True,
    ),
    "rescaled": entry(time_rescaled=True),
    "adopted": entry(adopted_nano_usd=-5),
    "adopted nothing": entry(reason='"d":7', adopted_nano_usd=0),
    "odd texts": entry(
        reason=ODD, provider=ODD, model=ODD, service=ODD, price_version=ODD, rule=ODD
    ),
    "cumulative": entry(is_cumulative=True),
    "doubtful": entry(doubt="counts_contradict,split_assumed"),
}  # fmt: skip


@pytest.mark.parametrize("kept", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_reads_back_as_it_was_written(engine, kept):
    """Guarantees: every field, with None apart from 0, from this process and the next one."""
    ledger = engine.open()
    written = row(entry=kept, stamp=Stamp(entry=kept))
    commit(ledger, written)
    assert ledger.rows_of(TRACE) == [written]
    ledger.close()
    again = engine.open()
    assert again.rows_of(TRACE) == [written]
    again.close()


@pytest.mark.parametrize(
    "more",
    [
        {"is_agent": True},
        {"is_local_root": True},
        {"is_amendment": True},
        {"is_cut": True},
        {"is_reference": True},
        {"is_tool": True},
        {"parent_id": b"parent.."},
        {"own": Owner("s", None, "", ODD, None, "t")},
        {"own": Owner(task_type="review", purpose=ODD, task_title="T")},
        {"inherited": Owner(purpose="analyze", task_title=ODD)},
        {"own": Owner(own_dimensions=(("plan", "pro"), ("team", ODD)))},
        {
            "own": Owner(session="s", own_dimensions=(("team", "t"),)),
            "inherited": Owner(own_dimensions=(("a", "b"),)),
        },
        {"inherited": Owner(None, "u", None, "", ODD, None)},
        {"service": ""},
        {"time_ns": 0},
        {"time_ns": 2**63 - 1},
    ],
    ids=str,
)
def test_a_span_reads_back_as_it_was_written(store, more):
    written = row(**more)
    commit(store, written)
    (read,) = store.rows_of(TRACE)
    assert read == written
    for each in fields(SpanRow):
        assert type(getattr(read, each.name)) is type(getattr(written, each.name))


@pytest.mark.parametrize(
    "stamp",
    [
        Stamp(),
        Stamp(agent=TOTALS),
        Stamp(trace=Totals(*[BIG] * 10), session=Totals()),
        Stamp(exceeded=("a", ODD)),
        Stamp(
            corrections=((b"\x00" * 7 + b"\x01", -BIG), (SPAN, 3)), leaf_corrections_nano_usd=-BIG
        ),
        Stamp(
            crossings=(
                crossing(threshold=0.8),
                crossing(at_least=True, late=True, trigger="attribution", span="t:s"),
            )
        ),
    ],
)  # fmt: skip
def test_a_stamp_reads_back_as_it_was_written(store, stamp):
    kept = entry()
    commit(
        store,
        row(stamp=stamp),
        row(span_id=b"another.", entry=kept, stamp=replace(stamp, entry=kept)),
    )
    assert [read.stamp for read in store.rows_of(TRACE)] == [stamp, replace(stamp, entry=kept)]


@pytest.mark.parametrize(
    "shown",
    [
        {"status": "aggregate", "reason": "below", "amount": None, "usage": None},
        {"status": "aggregate", "amount": Amount(5, 5), "usage": Usage(input=5, requests=0)},
        {"usage": None, "has_tokens": False},
        {"amount": Amount()},
        {"saved_nano_usd": 7},
        {"price_version": "v0", "model": "old", "provider": "old", "rates": None},
    ],
)
def test_what_a_span_shows_is_kept_beside_what_it_says(store, shown):
    """Guarantees: an aggregate's own numbers and its written remainder are both there again."""
    kept = entry(aggregate="sum")
    written = row(entry=kept, stamp=Stamp(entry=replace(kept, **shown)))
    commit(store, written)
    assert store.rows_of(TRACE) == [written]


def test_rows_come_in_the_order_in_which_they_were_written(store):
    rows = [row(span_id=bytes([at]) * 8, time_ns=100 - at) for at in range(9, 0, -1)]
    commit(store, *rows[:4])
    commit(store, *rows[4:], row(span_id=rows[0].span_id, is_amendment=True))
    assert store.rows_of(TRACE)[:9] == rows
    assert store.rows_of(TRACE)[9].is_amendment


def test_rows_are_read_a_part_at_a_time_or_one_by_one(store):
    other = bytes(16)
    rows = [row(span_id=bytes([at]) * 8) for at in range(1, 6)]
    ids = commit(store, *rows[:2], row(trace_id=other), *rows[2:])
    del ids[2]
    assert store.rows_after(TRACE, 0, 3) == rows[:3]
    assert store.rows_after(TRACE, ids[2], 3) == rows[3:]
    assert store.rows_after(TRACE, ids[-1], 3) == []
    assert store.rows_by_id([ids[3], ids[1] + 1]) == [rows[3], row(trace_id=other)]
    assert [store.count_rows(TRACE, limit) for limit in (3, 9)] == [3, 5]


def test_a_trace_that_is_not_there_has_no_rows(store):
    assert store.rows_of(TRACE) == store.rows_after(TRACE, 0, 9) == []
    assert store.count_rows(TRACE, 9) == 0


@pytest.mark.parametrize(
    "tail", [b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff" * 4]
)
def test_ids_that_end_alike_do_not_mix(store, tail):
    """Guarantees: the last four bytes may serve an index, never identity."""
    traces = [b"a" * 12 + tail, b"b" * 12 + tail]
    spans = [b"aaaa" + tail, b"bbbb" + tail]
    rows = [row(trace_id=trace, span_id=span) for trace in traces for span in spans]
    commit(store, *rows)
    assert store.rows_of(traces[0]) == rows[:2]
    assert store.rows_of(traces[1]) == rows[2:]


def test_ids_of_rows_rise_and_are_given_once(engine):
    """Guarantees: also over restarts, and after a transaction that was undone."""
    store = engine.open()
    ids = commit(store, row(), row(span_id=b"another."))
    store.begin()
    store.write(Plan(rows=[row()]))
    store.rollback()
    ids += commit(store, row())
    store.close()
    store = engine.open()
    ids += commit(store, row())
    assert [read.id for read in store.rows_of(TRACE)] == ids == sorted(set(ids))
    store.close()


def sums(**more):
    return Sums(Totals(**more), Parts(reasoning_tokens=1))


def test_sums_by_dimensions_answer_for_every_one_of_them(store):
    hour_s, day_s = START_S // 3600 * 3600, START_S // 86400 * 86400
    other = DIMENSIONS._replace(model="gpt-5", agent="", own=())
    cells = {DIMENSIONS: sums(calls=2), other: sums(calls=1)}
    for _ in range(2):
        commit(
            store,
            hours={(hour_s, each): some for each, some in cells.items()},
            days={(day_s, each): some for each, some in cells.items()},
        )
    for window in ((0, 0), (hour_s, hour_s + 3600), (day_s, day_s + 86400)):
        assert store.total("model", "gpt-4o", *window).calls == 4
        assert store.total("provider", "openai", *window).calls == 6
        assert store.total("agent", "", *window).calls == 2
        assert store.total("team", ODD, *window).calls == 4
        assert store.total("team", "none", *window).calls == 0
        assert store.total("no such dimension", "", *window).calls == 0
    assert store.total("model", "gpt-4o", hour_s + 3600, hour_s + 7200).calls == 0
    undone = {(day_s, DIMENSIONS): Sums(Totals(calls=-4), Parts(reasoning_tokens=-2))}
    commit(store, days=undone)
    assert store.total("model", "gpt-4o", 0, 0) == Totals()


def test_a_window_that_cuts_an_hour_is_answered_from_charges(store):
    quarter = 900 * 10**9
    rows = [
        replace(charged(), span_id=bytes([at + 1]) * 8, time_ns=START_S * 10**9 + at * quarter)
        for at in range(4)
    ]
    commit_charges(store, *rows)
    for scope, scope_id in (("model", "gpt-4o"), ("team", ODD), ("session", "s"), ("task", "")):
        assert store.total(scope, scope_id, START_S + 900, START_S + 2700).calls == 2
        assert store.total(scope, scope_id, START_S + 1, START_S + 2700).calls == 2
        assert store.total(scope, "other", START_S, START_S + 2700).calls == 0


def test_a_charge_is_replaced_where_a_later_row_of_its_span_is(store):
    window = START_S, START_S + 900
    (first,) = commit_charges(store, charged())
    later = replace(charged(amount=Amount(70, 70)), is_amendment=True)
    (second,) = commit(store, later, charges=[charge_of(0, later, first)])
    assert store.total("session", "s", *window) == Totals(70, 10, 2, calls=1)
    commit(store, charges=[charge_of(-1, later, second, session="moved")])
    assert store.total("session", "s", *window) == Totals()
    assert store.total("session", "moved", *window) == Totals(70, 10, 2, calls=1)


def test_what_a_charge_is_reads_the_same_whether_or_not_its_span_says_it(store):
    """Guarantees: sums that follow from a span, others, and those that become either, are exact."""
    window = START_S, START_S + 900
    row = charged(usage=Usage(10, 4, 3, 2, output=5, reasoning=1), amount=Amount(15, 1, 2, 3, 4, 5))
    usual = Sums(
        Totals(15, 19, 6, 4, calls=1, saved_nano_usd=row.entry.saved_nano_usd, cache_hits=1),
        Parts(5, 1, 1, 2, 3, 4),
    )
    (first,) = commit(store, row, charges=[charge_of(0, row, sums=usual)])
    assert store.total("session", "s", *window) == usual.totals
    for changed in (
        Sums(replace(usual.totals, cost_nano_usd=14), usual.parts),
        NO_SUMS,
        usual,
        Sums(replace(usual.totals, agent_runs=1), usual.parts),
        usual,
    ):
        commit(store, charges=[charge_of(-1, row, first, sums=changed)])
        assert store.total("session", "s", *window) == changed.totals
    agent = replace(row, span_id=b"an agent", entry=None, stamp=Stamp())
    runs = Sums(Totals(agent_runs=1), NO_PARTS)
    like = charge_of(0, row)
    (second,) = commit(store, agent, charges=[replace(like, entry=None, sums=runs)])
    assert store.total("session", "s", *window) == usual.totals.plus(runs.totals)
    commit(store, charges=[replace(like, row=-1, row_id=second, entry=None, sums=NO_SUMS)])
    assert store.total("session", "s", *window) == usual.totals


def test_charges_and_sums_beyond_64_bits_are_exact(store):
    huge = Sums(Totals(cost_nano_usd=10**30, input_tokens=-(10**20), calls=1), NO_PARTS)
    rows = [charged(), replace(charged(), span_id=b"another.")]
    commit(store, *rows, charges=[charge_of(at, row, sums=huge) for at, row in enumerate(rows)])
    hour_s = START_S // 3600 * 3600
    for _ in range(2):
        commit(store, hours={(hour_s, DIMENSIONS): huge})
    wanted = Totals(2 * 10**30, -2 * 10**20, calls=2)
    assert store.total("session", "s", START_S, START_S + 900) == wanted
    assert store.total("model", "gpt-4o", hour_s, hour_s + 3600) == wanted


def test_an_own_dimension_has_so_many_values_a_day_and_the_rest_are_others(engine):
    """Guarantees: a value that counts in one way on a day always does, and budgets know all."""
    store, days = engine.open(), (START_S // 86400 * 86400, (START_S // 86400 + 1) * 86400)

    def add(value, day_s, calls=1):
        found = DIMENSIONS._replace(own=(("team", value),))
        commit(store, days={(day_s, found): sums(calls=calls)})

    store.begin()
    many = [DIMENSIONS._replace(own=(("team", f"t{at}"),)) for at in range(1002)]
    store.write(Plan(days={(days[0], each): sums(calls=1) for each in many}))
    store.commit()
    assert store.total("team", "t999", 0, 0).calls == 1
    assert store.total("team", "t1000", 0, 0).calls == 0
    assert store.total("team", "other", 0, 0).calls == 2
    store.close()
    store = engine.open()
    add("t1001", days[0], -1)
    add("t999", days[0], -1)
    add("t1001", days[1])
    assert [store.total("team", team, 0, 0).calls for team in ("other", "t999", "t1001")] == [
        1, 0, 1,
    ]  # fmt: skip
    store.close()


def test_the_zone_of_days_is_kept_with_its_history(engine):
    store = engine.open()
    history = store.zones.with_zone(ZoneInfo("Asia/Kolkata"), START_S)
    store.begin()
    store.set_zones(history)
    store.rollback()
    assert [each.zone.key for each in store.zones.zones] == ["UTC"]
    store.begin()
    store.set_zones(history)
    store.commit()
    store.close()
    store = engine.open()
    assert store.zones.zones == history.zones
    assert len(store.zones.zones) == 2
    store.close()


def test_totals_add_up_over_transactions(store):
    key = ("session", "s", START_S)
    commit(store, postings={key: TOTALS})
    commit(store, postings={key: TOTALS, ("session", "other", START_S): TOTALS})
    commit(store, postings={key: Totals(cost_nano_usd=-1, calls=-2)})
    assert store.total("session", "s", 0, 0) == Totals(1, 4, 6, 8, 8, 12, 14, 16, 18, 20)
    assert store.total("user", "s", 0, 0) == Totals()


def test_totals_can_be_large_and_negative(store):
    key = ("total", "", START_S)
    commit(store, postings={key: Totals(cost_nano_usd=BIG, input_tokens=-BIG)})
    commit(store, postings={key: Totals(cost_nano_usd=BIG)})
    total = store.total("total", "", 0, 0)
    assert (total.cost_nano_usd, total.input_tokens) == (2 * BIG, -BIG)
    assert all(isinstance(value, int) for value in total.values())


def test_totals_beyond_64_bits_are_exact(store):
    """Guarantees: across buckets and transactions, and back again."""
    key, next_key = ("total", "", START_S), ("total", "", START_S + 900)
    for _ in range(3):
        huge = Totals(cost_nano_usd=2 * BIG, input_tokens=-2 * BIG, calls=1)
        commit(store, postings={key: huge, next_key: Totals(cost_nano_usd=10**30)})
    total = store.total("total", "", 0, 0)
    assert (total.cost_nano_usd, total.input_tokens) == (6 * BIG + 3 * 10**30, -6 * BIG)
    assert store.total("total", "", START_S, START_S + 900).cost_nano_usd == 6 * BIG
    back = Totals(cost_nano_usd=5 - 6 * BIG, input_tokens=6 * BIG)
    commit(store, postings={key: back, next_key: Totals(cost_nano_usd=-3 * 10**30)})
    assert store.total("total", "", 0, 0) == Totals(cost_nano_usd=5, calls=3)


def test_a_crossing_beyond_64_bits_reads_back(store):
    """Guarantees: what was spent has no bound, nor has a limit."""
    written = crossing(spent=10**30, limit=10**25, late=True)
    commit(store, crossings=[written])
    assert crossings_in(store, 1) == [written]
    assert store.windows.crossed("session", "s", 0) == {("b", 10**25, "usd", 1.0)}


def test_a_window_holds_its_start_and_not_its_end(store):
    buckets = {("total", "", START_S + 900 * at): Totals(calls=10**at) for at in range(4)}
    commit(store, postings=buckets)
    assert store.total("total", "", START_S + 900, START_S + 2700).calls == 110
    assert store.total("total", "", START_S, START_S + 900).calls == 1
    assert store.total("total", "", START_S + 3600, START_S + 7200).calls == 0
    assert store.total("total", "", 0, 0).calls == 1111


@pytest.mark.parametrize("scope_id", ["", ODD, "a" * 1000, "A", "a "])
def test_scope_ids_are_kept_apart_letter_by_letter(store, scope_id):
    commit(store, postings={("user", "a", START_S): TOTALS})
    commit(store, postings={("user", scope_id, START_S): Totals(calls=1)})
    assert store.total("user", scope_id, 0, 0) == Totals(calls=1)
    assert store.total("user", "a", 0, 0) == TOTALS


def test_a_task_has_the_title_that_its_latest_span_gave_it(store):
    """Guarantees: whatever order they come in; of two at one moment it is one and the same."""
    assert title_in(store, "7") == ""
    for title, time_ns in (("then", 2), ("first", 1), ("also then", 2)):
        commit(store, task_titles={"7": TaskTitle(title, time_ns), "8": TaskTitle(ODD, 1)})
        assert title_in(store, "7") == "then"
    commit(store, task_titles={"7": TaskTitle("last", 3)})
    assert (title_in(store, "7"), title_in(store, "8")) == ("last", ODD)


def test_a_title_that_was_rolled_back_never_was(store):
    commit(store, task_titles={"7": TaskTitle("kept", 1)})
    store.begin()
    store.write(Plan(task_titles={"7": TaskTitle("undone", 2), "8": TaskTitle("undone", 2)}))
    store.rollback()
    assert (title_in(store, "7"), title_in(store, "8")) == ("kept", "")


def test_crossings_are_known_by_scope_and_window(store):
    commit(
        store,
        crossings=[
            crossing(),
            crossing(threshold=0.5),
            crossing(budget="c", unit="tokens", limit=BIG),
            crossing(window_start_s=900, window_end_s=1800),
            crossing(scope_id="other"),
            crossing(scope="user"),
        ],
    )
    assert store.windows.crossed("session", "s", 0) == {
        ("b", 100, "usd", 1.0), ("b", 100, "usd", 0.5), ("c", BIG, "tokens", 1.0),
    }  # fmt: skip
    assert store.windows.crossed("session", "s", 900) == {("b", 100, "usd", 1.0)}
    assert store.windows.crossed("session", "nobody", 0) == set()


def test_crossings_read_back_newest_first(store):
    written = [
        crossing(
            spent=at, threshold=at / 10, late=at == 1, at_least=at == 2, trigger=ODD, span="t:s"
        )
        for at in (1, 2, 3)
    ]
    commit(store, crossings=written)
    assert crossings_in(store, 10) == written[::-1]
    assert crossings_in(store, 1) == written[2:]


def test_the_same_crossing_is_never_written_twice(store):
    """Guarantees: an engine refuses it; that a turn never asks for it is the one writer's work."""
    commit(store, crossings=[crossing()])
    store.begin()
    with pytest.raises(Exception):  # noqa: B017 - each engine has its own; that it fails is the point
        store.write(Plan(crossings=[crossing(spent=999, span="another")]))
    store.rollback()
    assert len(crossings_in(store, 10)) == 1


def test_corrections_are_taken(store):
    change = Totals(cost_nano_usd=-BIG, calls=-1)
    commit(store, corrections=[Correction(TRACE, SPAN, b"cause...", START_S * 10**9, change)])


def test_what_was_rolled_back_never_was(store):
    commit(store, charged())
    store.begin()
    store.write(
        Plan(
            rows=[charged(model="never seen")],
            postings={("total", "", START_S): TOTALS},
            crossings=[crossing()],
        )
    )
    assert store.total("total", "", 0, 0) == TOTALS, "a turn reads what it has written"
    store.rollback()
    assert len(store.rows_of(TRACE)) == 1
    assert store.total("total", "", 0, 0) == Totals()
    assert store.windows.crossed("session", "s", 0) == set()


def test_rolling_back_nothing_is_harmless(store):
    store.rollback()
    commit(store, charged())
    store.rollback()
    assert len(store.rows_of(TRACE)) == 1


def test_a_savepoint_undoes_what_came_after_it_and_nothing_else(store):
    store.begin()
    store.savepoint()
    store.write(Plan(rows=[charged(model="first")]))
    store.release()
    store.savepoint()
    store.write(Plan(rows=[charged(model="second")], postings={("total", "", 0): TOTALS}))
    store.undo_savepoint()
    store.savepoint()
    store.write(Plan(rows=[charged(model="third")]))
    store.release()
    store.commit()
    assert [read.entry.model for read in store.rows_of(TRACE)] == ["first", "third"]
    assert store.total("total", "", 0, 0) == Totals()


def test_what_was_undone_can_be_written_after_all(store):
    """Guarantees: nothing remembered from the undone part (such as ids of texts) is used again."""
    for end in (store.undo_savepoint, store.rollback):
        store.begin()
        store.savepoint()
        store.write(Plan(rows=[charged(model=ODD)]))
        end()
        store.rollback()
    commit(store, charged(model="between"))
    commit(store, charged(model=ODD))
    assert [read.entry.model for read in store.rows_of(TRACE)] == ["between", ODD]


def test_what_was_undone_is_written_anew_beside_what_came_in_between(store):
    """Guarantees: an id that an undone text had is another's now, and not taken for it."""
    for model, is_kept in (("undone", False), ("between", True), ("undone", True)):
        store.begin()
        store.savepoint()
        store.write(Plan(rows=[charged(model=model)]))
        (store.release if is_kept else store.undo_savepoint)()
        store.commit()
    assert [read.entry.model for read in store.rows_of(TRACE)] == ["between", "undone"]


def test_what_was_committed_is_there_after_a_restart(engine):
    ledger = engine.open()
    commit(ledger, charged(), postings={("total", "", START_S): TOTALS}, crossings=[crossing()])
    ledger.begin()
    ledger.put_series("total?x", Filled(3))
    ledger.add_totals([(("total?x", "", START_S), TOTALS)])
    ledger.commit()
    ledger.begin()
    ledger.write(Plan(rows=[charged(model="never committed")]))
    ledger.close()
    again = engine.open()
    assert again.rows_of(TRACE) == [charged()]
    assert again.total("total", "", 0, 0) == TOTALS
    assert again.total("total?x", "", 0, 0) == TOTALS
    assert again.series() == {"total?x": Filled(3)}
    assert crossings_in(again, 9) == [crossing()]
    again.close()


def test_a_series_is_filled_and_then_goes_on(store):
    store.begin()
    store.put_series("user?x", Filled(0))
    added = [(("user?x", each, START_S), TOTALS) for each in ("u", "u", "v")]
    store.add_totals(iter(added))
    store.put_series("user?x", Filled(7, b"12345678"))
    store.put_series("user?y", None)
    store.commit()
    commit(store, postings={("user?x", "u", START_S): TOTALS})
    assert store.series() == {"user?x": Filled(7, b"12345678"), "user?y": None}
    assert store.total("user?x", "u", 0, 0).calls == 3 * TOTALS.calls
    assert store.total("user?x", "v", 0, 0) == TOTALS


def test_a_series_is_dropped_little_by_little_and_nothing_else_is(store):
    store.begin()
    for name in ("user?x", "user?y"):
        store.put_series(name, UNFOLLOWED)
        store.add_totals([((name, f"u{at}", START_S), TOTALS) for at in range(5)])
    assert store.drop_totals("user?x", 3) == 3
    assert store.drop_totals("user?x", 3) == 2
    assert store.drop_totals("user?x", 3) == 0
    store.drop_series("user?x")
    store.commit()
    assert store.series() == {"user?y": UNFOLLOWED}
    assert store.total("user?x", "u1", 0, 0) == Totals()
    assert store.total("user?y", "u1", 0, 0) == TOTALS


def test_traces_have_numbers_that_rise_as_they_come(store):
    ids = [bytes([at]) * 16 for at in (9, 3, 5)]
    for trace_id in ids:
        commit(store, row(trace_id=trace_id))
    numbers = [store.trace_number(trace_id) for trace_id in ids]
    assert numbers == sorted(set(numbers))
    assert store.last_trace() == numbers[-1]
    assert store.trace_number(b"unknown".ljust(16)) == 0
    assert store.traces_after(0, 2) == list(zip(numbers, ids, strict=True))[:2]
    assert store.traces_after(numbers[1], 9) == [(numbers[2], ids[2])]
    assert store.traces_after(numbers[2], 9) == []


def test_traces_that_may_have_a_call_of_a_time_are_found_by_their_numbers(store):
    ids = [bytes([at]) * 16 for at in range(1, 5)]
    for at, trace_id in enumerate(ids):
        summary = TraceSummary(trace_id, 100 * at, 100 * at + 50, TraceOwner(), Totals())
        commit(store, row(trace_id=trace_id), traces=[summary])
    numbers = [store.trace_number(trace_id) for trace_id in ids]
    found = dict(zip(numbers, ids, strict=True))

    def charged(after, upto, start_ns, end_ns, limit=9):
        traces = store.charged_traces((after, upto), (start_ns, end_ns), limit)
        assert all(found[number] == trace_id for number, trace_id in traces)
        return [numbers.index(number) for number, _ in traces]

    everything = 0, numbers[-1]
    assert charged(*everything, 0, 2**63 - 1) == [0, 1, 2, 3]
    assert charged(*everything, 0, 2**63 - 1, limit=2) == [0, 1]
    assert charged(numbers[0], numbers[2], 0, 2**63 - 1) == [1, 2]
    assert charged(*everything, 150, 151) == [1]
    assert charged(*everything, 151, 200) == []
    assert charged(*everything, 151, 201) == [2]


def test_long_work_goes_on_where_it_was(engine):
    """Guarantees: over restarts, and as of the last commit; what is done is not found again."""
    store = engine.open()
    job = Job("reprice", '{"a": 1}', 0, "{}")
    store.begin()
    first, second = store.put_job(job), store.put_job(job)
    other = store.put_job(job._replace(kind="other"))
    store.commit()
    assert len({first, second, other}) == 3
    moved = job._replace(position=2**40, progress=ODD, id=first)
    store.begin()
    assert store.put_job(moved) == first
    store.commit()
    store.begin()
    store.put_job(moved._replace(position=2**50))
    store.rollback()
    store.close()
    store = engine.open()
    assert store.unfinished_jobs("reprice") == [moved, job._replace(id=second)]
    store.begin()
    store.put_job(moved._replace(is_done=True))
    store.commit()
    assert store.unfinished_jobs("reprice") == [job._replace(id=second)]
    store.close()


def test_recent_traces_come_newest_first(store):
    ids = [bytes([at]) * 16 for at in (1, 2, 3, 1)]
    for trace_id in ids:
        commit(store, row(trace_id=trace_id))
    assert store.recent_traces(10) == [ids[0], ids[2], ids[1]]
    assert store.recent_traces(2) == [ids[0], ids[2]]


def test_a_trace_with_many_spans_does_not_hide_the_others(store):
    commit(store, row(trace_id=b"small..........."))
    commit(store, *(row(span_id=at.to_bytes(8, "big")) for at in range(1, 30)))
    assert b"small..........." in store.recent_traces(2)


def unpriced_in(store):
    """Calls without a price, as every question about them reads them."""
    return [each for each in read_unknown(store._db, 9).listed if each.status == "unpriced"]


def test_calls_without_a_price_are_listed_alike_ones_together(store):
    unknown = {"status": "unpriced", "reason": "no such model", "amount": None, "rates": None}
    asked = {"asked": ("openai", ("gpt-9", ODD), "")}
    rows = [
        replace(charged(**unknown, **asked), span_id=bytes([at]) * 8, time_ns=at)
        for at in (3, 1, 2)
    ]
    other = replace(charged(**unknown, asked=("", (), "")), span_id=b"other...")
    commit_charges(store, *rows, other, charged(), charged(**unknown | {"status": "usage_missing"}))
    first, second = unpriced_in(store)
    assert (first.provider, first.models, first.reason) == (
        "openai",
        ("gpt-9", ODD),
        "no such model",
    )
    assert (first.calls, first.tokens, first.first_ns, first.last_ns) == (3, 36, 1, 3)
    assert (second.provider, second.models, second.calls) == ("", (), 1)


def test_what_is_explained_by_other_spans_is_not_listed_as_unpriced(store):
    """Guarantees: an aggregate is listed while it owes something, whichever span came first."""
    unknown = entry(status="unpriced", reason="no price", amount=None, rates=None)
    explained = Stamp(entry=replace(unknown, status="aggregate", usage=None))
    names = (b"owes....", b"explained", b"then_not", b"then_does")
    rows = [
        row(entry=unknown, span_id=name[:8], stamp=stamp)
        for name, stamp in zip(
            names, (Stamp(entry=unknown), explained, Stamp(entry=unknown), explained), strict=True
        )
    ]
    _, _, later, again = commit_charges(store, *rows)
    assert [each.calls for each in unpriced_in(store)] == [2]
    owed = [
        charge_of(-1, rows[2], later, sums=Sums(Totals(), NO_PARTS)),
        charge_of(-1, rows[3], again, sums=Sums(Totals(calls=1, unpriced=1), NO_PARTS)),
    ]
    commit(store, charges=owed)
    assert [each.calls for each in unpriced_in(store)] == [2]


def test_tokens_of_unpriced_calls_are_of_every_class(store):
    unknown = {"status": "unpriced", "reason": "no price", "amount": None, "rates": None}
    commit_charges(store, charged(**unknown, usage=Usage(*range(1, 13))))
    assert [each.tokens for each in unpriced_in(store)] == [sum(range(1, 11))]


def test_a_call_that_was_priced_since_is_not_listed_as_unpriced(store):
    unknown = {"status": "unpriced", "reason": "no price", "amount": None, "rates": None}
    first, _ = commit_charges(
        store, charged(**unknown), replace(charged(**unknown), span_id=b"another.")
    )
    later = replace(charged(), is_amendment=True)
    commit(store, later, charges=[charge_of(0, later, first)])
    assert [each.calls for each in unpriced_in(store)] == [1]


def test_an_empty_ledger_answers_every_question(store):
    assert store.recent_traces(5) == []
    assert store.charged_traces((0, 9), (0, 2**63 - 1), 9) == []
    assert store.unfinished_jobs("reprice") == []
    assert unpriced_in(store) == []
    assert store.series() == {}
    assert store.last_trace() == 0
    assert list(crossings_in(store, 5)) == []
    assert store.total("total", "", 0, 0) == Totals()


def pending(*numbers, trace=TRACE, **more):
    ids = [bytes([number] * 8) for number in numbers]
    values = {"parent_ids": [SPAN] * len(ids), "flags": [0] * len(ids), "marks": {}, "tools": ()}
    return PendingRows(trace, ids, **values | more)


def pending_in(store):
    return [turn.rows(at) for turn in store.pending() for at in range(len(turn.sizes))]


def waiting_in(store):
    return [(rows.trace_id, *rows.span_ids) for rows in pending_in(store)]


def test_spans_that_wait_are_there_after_a_restart_with_all_they_say(engine):
    own = Owner(session=ODD, own_dimensions=(("team", ODD),))
    marks = {
        1: Mark(-1, 7, own=own, service=ODD),
        2: Mark(-1, 8, inherited=Owner(user="u")),
    }
    parents, flags = [b"", SPAN, SPAN], [0, 0x300, 0]
    first = pending(1, 2, 3, parent_ids=parents, flags=flags, marks=marks, tools={0, 2})
    second = pending(4, trace=TRACE[::-1], marks={0: Mark(-1, 9)})
    store = engine.open()
    store.begin()
    store.keep_pending([first, second], 10)
    store.commit()
    store.begin()
    store.keep_pending([pending(5)], 10)
    store.commit()
    store.begin()
    store.keep_pending([pending(6)], 10)
    store.close()
    store = engine.open()
    assert pending_in(store) == [pending(5), first, second]
    store.close()


def test_spans_that_wait_are_undone_with_their_turn(store):
    store.begin()
    store.keep_pending([pending(1)], 1)
    for undo in (store.undo_savepoint, store.release):
        store.savepoint()
        store.keep_pending([pending(2), pending(3)], 1)
        undo()
    store.commit()
    assert waiting_in(store) == [(TRACE, b"\2" * 8), (TRACE, b"\3" * 8)]
    store.begin()
    store.keep_pending([pending(4)], 1)
    store.rollback()
    assert waiting_in(store) == [(TRACE, b"\2" * 8), (TRACE, b"\3" * 8)]


def test_the_oldest_that_wait_are_dropped_by_turns(store):
    """Guarantees: at least so many of the last are there, and no more than one turn beyond."""
    store.begin()
    for number in range(0, 40, 2):
        store.keep_pending([pending(number, number + 1)], 5)
    store.commit()
    assert [each[1][0] for each in waiting_in(store)] == [38, 36, 34]


def test_spans_that_have_had_their_call_wait_no_longer(store):
    """Guarantees: those of one trace and turn until all have; the same id elsewhere goes on."""
    one, two = (bytes([number] * 8) for number in (1, 2))
    other = b"\xff" * 12 + TRACE[-4:]
    store.begin()
    store.keep_pending([pending(1, 2), pending(1, trace=other)], 10)
    store.keep_pending([], 10, [(TRACE, one)])
    assert waiting_in(store) == [(TRACE, one, two), (other, one)]
    store.keep_pending([pending(3)], 10, [(TRACE, two)])
    assert waiting_in(store) == [(TRACE, b"\3" * 8), (other, one)]
    store.keep_pending([pending(1)], 10)
    assert waiting_in(store)[0] == (TRACE, one)
    store.commit()


CROSSING = Crossing(
    "daily", "user", "ada", START_S, START_S + 86_400, 10**9, "usd", 1.0, 2 * 10**9,
    span=f"{'01' * 16}:{'02' * 8}",
)  # fmt: skip
NOW_S = 4_000_000_000
"""After whatever these tests write."""


def notifying(*channels):
    """A policy with one budget, which these channels are notified of."""
    budget = Budget(
        "daily", "user", "day", 10**9, "usd", Calendar(ZoneInfo("UTC")), notify={1.0: channels}
    )
    return Policy((budget,))


def write_crossings(store, *crossings):
    store.begin()
    store.write(Plan(crossings=list(crossings)))
    store.commit()


def take(store, channel, limit=500, now_s=NOW_S):
    store.begin()
    taken = store.outbox.take(channel, now_s, limit)
    store.commit()
    return taken


def lifetime(n):
    return CROSSING._replace(scope_id=f"u{n}", window_start_s=0, window_end_s=0)


def test_a_notification_is_written_with_its_crossing_for_each_channel(engine):
    store = engine.open()
    store.outbox.follow(notifying("ops", "hook"))
    write_crossings(store, lifetime(1), lifetime(2)._replace(threshold=0.5))
    store.close()
    store = engine.open()
    for channel in ("ops", "hook"):
        [waiting] = take(store, channel).notifications
        assert (waiting.crossing, waiting.attempts, waiting.report) == (lifetime(1), 0, "")
    assert take(store, "other") == Taken((), None)
    store.close()


def test_without_channels_no_notification_is_written(store):
    store.outbox.follow(Policy())
    write_crossings(store, lifetime(1))
    assert take(store, "ops").notifications == ()


def test_a_turn_that_is_undone_leaves_no_notification(store):
    store.outbox.follow(notifying("ops"))
    store.begin()
    store.savepoint()
    store.write(Plan(crossings=[lifetime(1)]))
    store.undo_savepoint()
    store.commit()
    store.begin()
    store.write(Plan(crossings=[lifetime(1)]))
    store.rollback()
    assert take(store, "ops").notifications == ()


def test_a_crossing_in_a_window_of_long_ago_is_recorded_only(store):
    store.outbox.follow(notifying("ops"))
    write_crossings(store, CROSSING._replace(window_start_s=1_000_000, window_end_s=1_086_400))
    assert take(store, "ops").notifications == ()
    assert [each.scope_id for each in crossings_in(store)] == ["ada"]


def test_what_is_sent_together_stays_together_and_is_sent_once(engine):
    """Guarantees: the message of after a restart is the one of before, whatever came meanwhile."""
    store = engine.open()
    store.outbox.follow(notifying("ops"))
    write_crossings(store, *map(lifetime, range(3)))
    first = take(store, "ops").notifications
    assert len(first) == 3
    write_crossings(store, lifetime(7))
    store.close()
    store = engine.open()
    again = take(store, "ops").notifications
    assert again == first
    store.begin()
    store.outbox.sent(again, NOW_S)
    store.commit()
    assert [each.crossing.scope_id for each in take(store, "ops").notifications] == ["u7"]
    store.close()


def test_programs_get_one_at_a_time_in_order(store):
    store.outbox.follow(notifying("hook"))
    write_crossings(store, *map(lifetime, range(3)))
    for n in range(3):
        [waiting] = take(store, "hook", limit=1).notifications
        assert waiting.crossing.scope_id == f"u{n}"
        store.begin()
        store.outbox.sent([waiting], NOW_S)
        store.commit()
    assert take(store, "hook", limit=1) == Taken((), None)


def test_what_failed_waits_until_it_is_due_and_is_given_up_after_a_day(store):
    store.outbox.follow(notifying("ops"))
    write_crossings(store, lifetime(1), lifetime(2))
    taken = take(store, "ops").notifications
    written_s = taken[0].written_s
    store.begin()
    assert store.outbox.failed("ops", taken, written_s, written_s + 60, "HTTP 500") == 0
    store.commit()
    assert take(store, "ops", now_s=written_s + 59) == Taken((), written_s + 60, waiting=2)
    taken = take(store, "ops", now_s=written_s + 60).notifications
    assert [each.attempts for each in taken] == [1, 1]
    store.begin()
    day_s = written_s + 86_400
    assert store.outbox.failed("ops", taken, day_s, day_s + 900, "HTTP 500") == 2
    store.commit()
    assert take(store, "ops") == Taken((), None)


def test_what_waits_for_a_channel_that_is_gone_is_given_up(store):
    store.outbox.follow(notifying("ops", "hook"))
    write_crossings(store, lifetime(1))
    store.begin()
    store.outbox.give_up_others(["hook"], NOW_S)
    store.commit()
    assert not take(store, "ops").notifications
    assert take(store, "hook").notifications


def test_a_report_is_written_once_for_its_period_and_sent_by_itself(store):
    store.outbox.follow(notifying("ops"))
    for _ in range(2):
        store.begin()
        store.outbox.add_report(["ops"], "day 2026-11-29", NOW_S - 10)
        store.commit()
    write_crossings(store, lifetime(1))
    found = [take(store, "ops").notifications for _ in range(2)]
    assert len(found[0]) == 1
    store.begin()
    store.outbox.sent(found[0], NOW_S)
    store.commit()
    [other] = take(store, "ops").notifications
    assert {found[0][0].report, other.report} == {"", "day 2026-11-29"}


def test_notifications_are_listed_with_what_has_not_arrived(engine):
    store = engine.open()
    store.outbox.follow(notifying("ops", "hook"))
    write_crossings(store, lifetime(1), lifetime(2))
    [first] = take(store, "ops", limit=1).notifications
    store.begin()
    store.outbox.sent([first], NOW_S)
    store.outbox.failed("hook", take_open(store, "hook"), NOW_S, NOW_S + 60, "HTTP 500")
    store.commit()
    found = read_notifications(store._db, 10, None, NOW_S)
    assert [each.seq for each in found.listed] == [4, 3, 2, 1]
    assert [(each.channel, each.state) for each in found.listed if each.state != "waiting"] == [
        ("hook", "failed"), ("hook", "failed"), ("ops", "sent"),
    ]  # fmt: skip
    assert found.backlogs == [Backlog("hook", 0, 2, "HTTP 500"), Backlog("ops", 1, 0, "")]
    assert [each.seq for each in read_notifications(store._db, 1, 3, NOW_S).listed] == [2]
    store.close()


def take_open(store, channel):
    return store.outbox.take(channel, NOW_S, 500).notifications
