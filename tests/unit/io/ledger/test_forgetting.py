"""Forgetting a user: the id goes from everything that is kept, what it has cost stays."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from functools import partial

import pytest
from answers import total_of

from processor.core.errors import (
    InvalidQuestionError,
    LedgerUnavailableError,
    OverloadedError,
)
from processor.core.model import ExclusionRequest, ForgetRequest, Owner, Selection
from processor.io.ledger import InForce, write_backup
from processor.io.ledger.forgetting import steps
from processor.io.ledger.forgetting.job import ForgetJob
from processor.io.ledger.retention import Retention

USER = "ada@example.com"
OTHER = "grada@example.com"
OWN = Owner(session="s", user=USER, own_dimensions=(("customer", USER), ("team", "red")))
ODD_IDS = (
    "1", "4", "00", "calls", "user", "sums", "usd", "version", "team", "USD", "small",
    "for each user", "in all", "null", "file", "[[", "[1, 2]", "{}", 'a "b"\\', "\x1b[31m", "🦆",
)  # fmt: skip
LIMIT = "4.00 USD for each user; warning at 0.5, 1; user {0}; agent x or {0}; {0} 4.00 USD"
"""A budget as the audit has it."""
SUMS = ("totals", "usage_hours", "usage_days", "usage_user_days", "charges", "traces")


@pytest.fixture
def forget(opened, given):
    async def ask(user=USER, *, is_dry_run=False, actor="bob"):
        asked = ForgetRequest(user, actor, given.NOW_S * 10**9)
        return await opened.ledger.forget(asked, is_dry_run=is_dry_run)

    return ask


@pytest.fixture
async def busy(opened, given):
    """A user with calls, an agent, a crossed budget, own dimensions, and a span that waits."""
    await opened.open(given.budget("small", "user", 1500), given.budget("team", "session", 100))
    await opened.post(given.agent(9, own=OWN), given.call(1, 9, own=OWN), given.call(2, 9))
    await opened.post(
        given.call(1, trace=2, own=OWN), given.call(1, trace=3, own=Owner(user=OTHER))
    )
    await opened.post(given.carrier(1, trace=7, user=USER, own_dimensions=(("customer", USER),)))


def values_with(opened, text):
    """Columns of any table that have a text, also within a longer one."""
    db, found = opened.store._db, set()
    for table in [
        row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")
    ]:
        for name in [row[1] for row in db.execute(f"PRAGMA table_info({table})")]:
            for (value,) in db.execute(f'SELECT "{name}" FROM "{table}"'):
                held = value.encode() if isinstance(value, str) else value
                if isinstance(held, bytes) and text.encode() in held.replace(OTHER.encode(), b""):
                    found.add((table, name))
    return found


def bytes_of_backup(opened):
    """Everything that a copy has, without what ends like the id."""
    target = opened.path.with_name("copy.db")
    write_backup(opened.path, target, replaces=True, show=lambda *_: None)
    return target.read_bytes().replace(OTHER.encode(), b"")


def retention_of(ledger):
    return next(each for each in ledger._writer._background._works if isinstance(each, Retention))


def sums_of(opened):
    """Every sum, without whose it is."""
    db = opened.store._db
    return {
        table: sorted(
            tuple(value for value in row if isinstance(value, (int, float)))
            for row in db.execute(f"SELECT * FROM {table}")
        )
        for table in SUMS
    }


@pytest.mark.usefixtures("busy")
async def test_no_row_and_no_backup_has_the_id_and_no_sum_changes(opened, forget):
    before, total = sums_of(opened), await total_of(opened.ledger)
    assert values_with(opened, USER)
    assert USER.encode() in bytes_of_backup(opened)
    trial = await forget(is_dry_run=True)
    assert sums_of(opened) == before
    assert (await total_of(opened.ledger, "user", USER)).calls == 3
    found = await forget()
    assert found._replace(tombstone="") == trial._replace(tombstone="")
    assert dict(found.places).keys() >= {
        "owners", "totals", "crossings", "stamps", "sets of dimensions", "waiting spans",
        "values of own dimensions",
    }  # fmt: skip
    assert found.calls == 3
    assert not values_with(opened, USER)
    assert USER.encode() not in bytes_of_backup(opened)
    assert sums_of(opened) == before
    assert await total_of(opened.ledger) == total
    assert (await total_of(opened.ledger, "user", found.tombstone)).calls == 3
    assert (await total_of(opened.ledger, "user", USER)).is_zero
    assert (await total_of(opened.ledger, "user", OTHER)).calls == 1
    await opened.close()
    assert USER.encode() not in bytes_of_backup(opened)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("reopens", [False, True])
async def test_what_comes_later_of_a_trace_that_was_there_does_not_bring_it_back(
    opened, given, forget, reopens
):
    """Guarantees: for a late parent, a repeat, a further span, and the call of a waiting span;
    a new trace counts under the id again."""
    tombstone = (await forget()).tombstone
    if reopens:
        await opened.open()
    late = given.agent(8, own=OWN)
    await opened.post(late, given.call(1, 9, own=OWN), given.call(3, 8, own=OWN))
    await opened.post(given.call(2, 1, trace=7))
    assert (await total_of(opened.ledger, "user", tombstone)).calls == 5
    assert (await total_of(opened.ledger, "user", USER)).is_zero
    assert not values_with(opened, USER)
    assert USER.encode() not in bytes_of_backup(opened)
    await opened.post(given.call(1, trace=8, own=OWN))
    assert (await total_of(opened.ledger, "user", USER)).calls == 1
    again = await forget()
    assert again.tombstone != tombstone
    await opened.post(given.call(4, 9, own=OWN), given.call(2, trace=8, own=OWN))
    assert (await total_of(opened.ledger, "user", tombstone)).calls == 6
    assert (await total_of(opened.ledger, "user", again.tombstone)).calls == 2


@pytest.mark.usefixtures("busy")
async def test_a_repeat_has_its_event_without_the_id(opened, given, forget):
    first = (given.call(1, 9, own=OWN), given.call(2, 9))
    before = (await opened.post(*first)).values()
    assert USER in {each.scope_id for stamp in before for each in stamp.crossings}
    tombstone = (await forget()).tombstone
    after = (await opened.post(*first)).values()
    ids = {each.scope_id for stamp in after for each in stamp.crossings}
    assert tombstone in ids
    assert USER not in ids
    assert [stamp.entry for stamp in after] == [stamp.entry for stamp in before]


@pytest.mark.usefixtures("busy")
async def test_a_restart_goes_on_wherever_it_was(opened, given, monkeypatch):
    before = sums_of(opened)
    asked = ForgetRequest(USER, "bob", given.NOW_S * 10**9)
    monkeypatch.setattr(steps, "_STEP_S", 0.0)
    monkeypatch.setattr(ForgetJob, "has_work", False)
    phases = []
    for _ in range(200):
        ledger = opened.ledger
        if not ledger._forget.is_under_way:
            await ledger._writer.ask(partial(ledger._forget.begin, asked))
        await ledger._writer.ask(ledger._forget.work)
        if not ledger._forget.is_under_way:
            break
        phases.append(ledger._forget._steps.phase)
        with pytest.raises(OverloadedError):
            await ledger.exclude(
                ExclusionRequest(Selection(user=OTHER), "", "", 1), is_dry_run=False
            )
        # What is found is not kept, so that a search begins again.
        if phases[-1] not in {"search", "names"} or len(phases) == 1:
            await opened.open()
    else:
        pytest.fail("it does not end")
    assert list(dict.fromkeys(phases)) == [
        "search", "names", "memory", "titles", "audit", "jobs", "stamps", "requests",
    ]  # fmt: skip
    await opened.open()
    assert not opened.ledger._forget.is_under_way
    assert sums_of(opened) == before
    assert not values_with(opened, USER)
    assert USER.encode() not in bytes_of_backup(opened)


@pytest.mark.usefixtures("busy")
async def test_the_audit_and_exclusions_lose_it_too(opened, given, forget):
    asked = ExclusionRequest(Selection(user=USER), f"asked by {USER}.", USER, given.NOW_S * 10**9)
    done = await opened.ledger.exclude(asked, is_dry_run=False)
    tombstone = (await forget(actor=USER)).tombstone
    lines = list(
        opened.store._db.execute("SELECT action, actor, subject, before, after FROM audit")
    )
    assert [line[:3] for line in lines] == [
        ("exclude", tombstone, f"user {tombstone}"), ("forget", tombstone, tombstone)
    ]  # fmt: skip
    assert json.loads(lines[0][4])["reason"] == f"asked by {tombstone}."
    assert not values_with(opened, USER)
    assert USER.encode() not in bytes_of_backup(opened)
    undo = asked._replace(selection=Selection(), undoes=done.number)
    assert (await opened.ledger.exclude(undo, is_dry_run=False)).calls == 3
    assert (await total_of(opened.ledger, "user", tombstone)).calls == 3


async def test_a_session_an_agent_and_a_task_of_the_same_text_lose_it_as_well(
    opened, given, forget
):
    await opened.post(
        given.agent(9, name=USER, own=Owner(session=USER, task=USER)),
        given.call(1, 9, own=Owner(user=USER)),
    )
    tombstone = (await forget()).tombstone
    for scope in ("user", "session", "agent", "task"):
        assert (await total_of(opened.ledger, scope, tombstone)).calls == 1, scope
        assert (await total_of(opened.ledger, scope, USER)).is_zero
    await opened.post(given.call(2, 9, own=Owner(user=USER)))
    for scope in ("user", "session", "agent", "task"):
        assert (await total_of(opened.ledger, scope, tombstone)).calls == 2, scope
    assert not values_with(opened, USER)
    assert USER.encode() not in bytes_of_backup(opened)


async def test_what_is_a_model_as_well_is_refused(opened, given, forget):
    await opened.post(given.call(1, own=Owner(user="exact")))
    with pytest.raises(InvalidQuestionError, match="a status has the same name"):
        await forget("exact")
    assert not opened.store.forgotten


async def test_somebody_who_is_first_named_late_is_forgotten_as_well(opened, given, forget):
    await opened.post(given.call(1, 9))
    found = await forget()
    assert (found.calls, found.places) == (0, ())
    await opened.post(given.agent(9, own=OWN))
    assert (await total_of(opened.ledger, "user", found.tombstone)).calls == 1
    assert (await total_of(opened.ledger, "user", USER)).is_zero


@pytest.mark.usefixtures("busy")
async def test_a_step_that_is_durable_though_its_commit_failed_leaves_no_old_name(
    opened, given, monkeypatch
):
    """Guarantees: for every step; a turn before the next one has no name of before in memory."""
    before, commit = sums_of(opened), type(opened.store).commit
    asked = ForgetRequest(USER, "bob", given.NOW_S * 10**9)
    monkeypatch.setattr(steps, "_STEP_S", 0.0)
    monkeypatch.setattr(ForgetJob, "has_work", False)
    ledger, store = opened.ledger, opened.store
    await ledger._writer.ask(partial(ledger._forget.begin, asked))

    def commit_and_fail():
        commit(store)
        del store.commit
        raise LedgerUnavailableError("the disk was slow")

    while ledger._forget._unfinished() is not None:
        while (steps_now := ledger._forget._under_way()).phase == "search":
            await ledger._writer.ask(ledger._forget.work)
        assert steps_now.phase in {"names", "memory"}
        store.commit = commit_and_fail
        with pytest.raises(LedgerUnavailableError):
            await ledger._writer.ask(ledger._forget.work)
        assert sums_of(opened) == before
        if store.forgotten and store.ids.calls_of(USER) == 0:
            break
    # What retention reads again is less than what has to be.
    await ledger._writer.ask(retention_of(ledger).work)
    await opened.post(given.call(3, 9), given.call(2, 1, trace=7), given.call(4, 9, own=OWN))
    assert (await total_of(ledger, "user", USER)).is_zero
    while ledger._forget.is_under_way:
        store.commit = commit_and_fail
        with pytest.raises(LedgerUnavailableError):
            await ledger._writer.ask(ledger._forget.work)
        if ledger._forget._unfinished() is None:
            await ledger._writer.ask(ledger._forget.work)
    store.__dict__.pop("commit", None)
    assert not values_with(opened, USER)
    assert opened.store._db.pragma("secure_delete") == 0


@pytest.mark.usefixtures("busy")
async def test_of_two_kinds_of_long_work_that_are_asked_for_at_once_one_is_refused(
    opened, given, forget
):
    asked = ExclusionRequest(Selection(user=OTHER), "", "", given.NOW_S * 10**9)
    for is_dry_run in (True, False):
        found = await asyncio.gather(
            forget(is_dry_run=is_dry_run),
            opened.ledger.exclude(asked, is_dry_run=False),
            return_exceptions=True,
        )
        refused = [isinstance(each, OverloadedError) for each in found]
        assert sorted(refused) == [False, True], found


@pytest.mark.usefixtures("busy")
async def test_it_is_done_once_requests_that_are_kept_have_lost_it(opened, given, monkeypatch):
    """Guarantees: a failure there ends nothing; a restart has them done again, with one name."""
    asked, counts = [], {"requests on the disk": 2}

    async def fail(user, tombstone, *, is_trial):
        asked.append((user, tombstone, is_trial))
        raise OSError(28, "No space left on device")

    async def work(user, tombstone, *, is_trial):
        asked.append((user, tombstone, is_trial))
        await asyncio.sleep(0.01)
        return counts

    question = ForgetRequest(USER, "bob", given.NOW_S * 10**9)
    opened.ledger.forget_also(work)
    trial = await opened.ledger.forget(question, is_dry_run=True)
    assert dict(trial.places)["requests on the disk"] == 2
    opened.ledger.forget_also(fail)
    with pytest.raises(LedgerUnavailableError, match="keep the id: No space left"):
        await opened.ledger.forget(question, is_dry_run=False)
    await opened.close()
    done = Future()

    def begin(user, tombstone):
        asked.append((user, tombstone, False))
        return done

    monkeypatch.setattr(ForgetJob, "begin_rename", staticmethod(begin))
    await opened.open()
    asking = asyncio.ensure_future(opened.ledger.forget(question, is_dry_run=False))
    await asyncio.sleep(0)
    await opened.ledger._writer.ask(lambda: None)
    # Only now, or it would be over before somebody asks for it again.
    done.set_result(counts)
    found = await asking
    assert dict(found.places)["requests on the disk"] == 2
    assert {tombstone for _, tombstone, is_trial in asked if not is_trial} == {found.tombstone}
    assert not values_with(opened, USER)


@pytest.mark.usefixtures("busy")
async def test_its_progress_counts_rows_up_to_all_of_them(opened, given, monkeypatch):
    """Guarantees: it never goes back, and what asks for it sees it while it lasts."""
    monkeypatch.setattr(steps, "_STEP_S", 0.0)
    monkeypatch.setattr(ForgetJob, "has_work", False)
    ledger, seen = opened.ledger, []
    asked = ForgetRequest(USER, "bob", given.NOW_S * 10**9)
    await ledger._writer.ask(partial(ledger._forget.begin, asked))
    while ledger._forget.is_under_way:
        seen.append(ledger.job_progress)
        await ledger._writer.ask(ledger._forget.work)
    assert ledger.job_progress is None
    done = [each.done for each in seen]
    assert done == sorted(done)
    assert seen[-1].left == 0
    assert seen[-1].changed


@pytest.mark.usefixtures("busy")
async def test_working_copies_stay_but_those_with_the_id(opened, given, forget):
    """Guarantees: what is in memory is used on, and none of it is the id's."""
    working_set = opened.ledger._working_set
    before = dict(working_set._traces)
    spans = working_set.memory_use.spans
    found = await forget()
    names = {key: trace for key, trace in before.items() if key in working_set._traces}
    assert names
    assert all(working_set._traces[key] is trace for key, trace in names.items())
    assert [*working_set._outdated] == []
    assert working_set.memory_use.spans < spans
    await opened.post(given.call(5, 9, own=OWN))
    assert (await total_of(opened.ledger, "user", found.tombstone)).calls == 4
    assert working_set.memory_use.spans == sum(
        map(len, (t.nodes for t in working_set._traces.values()))
    )


@pytest.mark.parametrize("user", ODD_IDS)
async def test_an_id_that_reads_like_something_else_changes_nothing_else(opened, given, user):
    """Guarantees: for ids that are numbers, words of ours, JSON and patterns; the audit, what an
    exclusion has taken out, what waits and own dimensions of others stay as they are."""
    own = Owner(user=user, own_dimensions=(("customer", user), ("team", "[1,  2]")))
    other = Owner(session="[1,  2]", user=OTHER, own_dimensions=(("team", "[" * 3000),))
    await opened.open(given.budget("small", "user", 1500))
    await opened.post(given.call(1, own=own), given.call(1, trace=2, own=other))
    await opened.post(given.carrier(1, trace=7, user=user, session="[1,  2]"))
    await opened.post(given.carrier(1, trace=8, user=OTHER, own_dimensions=other.own_dimensions))
    asked = ExclusionRequest(Selection(user=user), "a load test", "bob", given.NOW_S * 10**9)
    done = await opened.ledger.exclude(asked, is_dry_run=False)
    note = InForce(
        0, "the owner of the file", "budgets", "/etc/file", "v1",
        {"team": LIMIT.format(user)},
    )  # fmt: skip
    await opened.ledger.note_in_force(note)
    columns = "actor, action, subject, before, after"
    before = opened.store._db.execute(f"SELECT {columns} FROM audit").fetchall()
    waiting = opened.store._db.execute("SELECT marks FROM pending").fetchall()
    asked_to = ForgetRequest(user, "bob", given.NOW_S * 10**9)
    tombstone = (await opened.ledger.forget(asked_to, is_dry_run=False)).tombstone
    after = opened.store._db.execute(f"SELECT {columns} FROM audit").fetchall()
    assert after[0] == ("bob", "exclude", f"user {tombstone}", *before[0][3:])
    (limit,) = [json.loads(line[4])["team"] for line in after if line[1] == "budgets"]
    assert limit == LIMIT.format(tombstone)
    assert [line[:3] for line in after if line[1] == "budgets"] == [note[1:4]]
    assert opened.store._db.execute("SELECT marks FROM pending").fetchall()[1:] == waiting[1:]
    await opened.open()
    await opened.post(given.call(2, 1, trace=7), given.call(2, 1, trace=8))
    for scope_id, scope, calls in (
        (tombstone, "user", 1), (OTHER, "user", 2), ("[1,  2]", "session", 2)
    ):  # fmt: skip
        assert (await total_of(opened.ledger, scope, scope_id)).calls == calls
    undo = asked._replace(selection=Selection(), undoes=done.number)
    assert (await opened.ledger.exclude(undo, is_dry_run=False)).calls == 1
    assert (await total_of(opened.ledger, "user", tombstone)).calls == 2
    assert (await total_of(opened.ledger, "user", user)).is_zero
    (progress,) = opened.store._db.execute(
        "SELECT progress FROM jobs WHERE id = ?", (done.number,)
    ).fetchone()
    ids = [key[1] for key, _ in json.loads(json.loads(progress)["sums"])["budgets"]]
    assert ids == [tombstone]


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("reopens", [False, True])
async def test_a_trace_that_waited_stays_one_that_was_there_once_it_has_calls(
    opened, given, forget, reopens
):
    tombstone = (await forget()).tombstone
    await opened.post(given.call(2, 1, trace=7))
    if reopens:
        await opened.open()
    await opened.post(given.call(3, trace=7, own=OWN), given.carrier(4, trace=7, user=USER))
    assert (await total_of(opened.ledger, "user", USER)).is_zero
    assert (await total_of(opened.ledger, "user", tombstone)).calls == 5
    assert not values_with(opened, USER)


@pytest.mark.usefixtures("busy")
async def test_who_was_forgotten_twice_and_their_tombstones_have_one_name(opened, given, forget):
    """Guarantees: a tombstone may be forgotten itself; what comes late has the latest one."""
    first = (await forget()).tombstone
    second = (await forget(first)).tombstone
    await opened.post(given.call(3, 9, own=OWN), given.call(4, 9, own=Owner(user=first)))
    assert (await total_of(opened.ledger, "user", second)).calls == 5
    for user in (USER, first):
        assert (await total_of(opened.ledger, "user", user)).is_zero
        assert not values_with(opened, user)
