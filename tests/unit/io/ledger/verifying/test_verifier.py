"""Whatever is changed in a ledger behind its back is found, by the check that is about it."""

from __future__ import annotations

from contextlib import closing

import apsw
import pytest

from processor.cli import main
from processor.core.budgets.verdict import compile_watches
from processor.core.errors import LedgerUnavailableError
from processor.core.model import ExclusionRequest, ForgetRequest, Owner, Selection
from processor.io.ledger import SqliteStore
from processor.io.ledger.verifying import Verifier, all_checks, by_owner, by_time, by_trace

DAY_S = 86_400
A = Owner(session="a", user="u", org="o", task="t")
B = Owner(session="b", user="v", org="p", task="t")


@pytest.fixture
def rule(given):
    return given.budget("b", "session", 10**12, match={"model": ("gpt*",)})


@pytest.fixture
async def ledger(opened, given, rule):
    """A closed one: two days, sessions that share a trace, tasks, a correction, calls of nobody."""
    await opened.ledger.set_policy(given.policy(rule))
    await opened.post(
        given.call(1, trace=1, own=A), given.call(2, trace=1, own=B),
        given.call(3, trace=1), given.usage_missing(4, trace=1, own=A),
    )  # fmt: skip
    await opened.post(given.aggregate(2, trace=2, tokens=300, own=A, at_s=DAY_S))
    await opened.post(given.call(1, 2, trace=2, tokens=100, at_s=DAY_S))
    await opened.post(
        given.agent(9, trace=3, own=B), *(given.call(at, 9, trace=3, tokens=2**59) for at in (1, 2))
    )
    await opened.post(given.call(1, trace=4, own=Owner(user="w"), at_s=1000))
    await opened.close()
    return opened.path


def change(path, *statements):
    with closing(apsw.Connection(str(path))) as database, database:
        for statement in statements:
            database.execute(statement)


def verify(path, watches=(), *, is_full=True):
    """What differs, by check: how much, and the words."""
    found = {}
    with closing(Verifier(path)) as verifier:
        checks, _ = all_checks(verifier, watches, 0, is_full=is_full)
        for check in checks:
            for progress in verifier.run(check):
                if progress.step.differing:
                    known = found.setdefault(check.name, [])
                    known += [
                        f"{each.where} {each.column} {each.kept} {each.expected}"
                        for each in progress.step.differences
                    ]
    return found


@pytest.mark.parametrize("size", [1, 10_000])
def test_a_ledger_that_nobody_has_changed_agrees(ledger, given, rule, size, monkeypatch):
    """Guarantees: with steps of any size, and for numbers beyond 64 bits."""
    monkeypatch.setattr(by_trace, "_TRACES_COMPARED", size)
    monkeypatch.setattr(by_trace, "_TRACES_REBUILT", size)
    monkeypatch.setattr(by_owner, "_TRACES_READ", size)
    monkeypatch.setattr(by_owner, "_NAMES_COMPARED", size)
    assert verify(ledger, compile_watches(given.policy(rule))) == {}
    assert verify(ledger, is_full=False) == {}


CHANGES = {
    "an hour": ("UPDATE usage_hours SET cost = cost + 1", {"days"}),
    "an hour that is gone": ("DELETE FROM usage_hours", {"days"}),
    "an hour of nothing": (
        ("INSERT INTO usage_hours SELECT start_s + 7 * 86400, set_id, 1, {zeros} "
        "FROM usage_hours LIMIT 1"),
        {"days"},
    ),
    "a day": ("UPDATE usage_days SET reasoning = reasoning + 1", {"days"}),
    "a user's day": ("UPDATE usage_user_days SET calls = calls - 1", {"days", "users"}),
    "a month": (
        "INSERT INTO usage_months SELECT 0, start_s, set_id, {all} FROM usage_days",
        {"months"},
    ),
    "what was deleted of a day": (
        "INSERT INTO deleted_days SELECT 1800000000 / 86400 * 86400, 1, {zeros}",
        {"days"},
    ),
    "the total": (
        "UPDATE totals SET cost = 7 WHERE scope = 'total'", {"days", "sessions", "tasks"},
    ),
    "a user's quarter hour": (
        "UPDATE totals SET cost = cost + 5 WHERE scope = 'user' AND id = 'w'", {"days", "users"},
    ),
    "a user of nothing": (
        ("INSERT INTO totals SELECT scope, 'a', bucket, {sums} FROM totals "
        "WHERE scope = 'user' AND id = 'w'"),
        {"users"},
    ),
    "an organisation": (
        "UPDATE totals SET unpriced = 4 WHERE scope = 'org' AND id = 'o'", {"days", "users"},
    ),
    "an organisation of nothing": (
        ("INSERT INTO totals SELECT scope, 'q', bucket, {sums} FROM totals "
        "WHERE scope = 'org' AND id = 'o'"),
        {"users"},
    ),
    "a session": (
        "UPDATE totals SET cost = cost + 1 WHERE scope = 'session' AND id = 'a'", {"sessions"},
    ),
    "a session that is gone": (
        "DELETE FROM totals WHERE scope = 'session' AND id = 'b'", {"sessions"},
    ),
    "what is of no session": (
        "UPDATE totals SET cost = cost + 1 WHERE scope = 'session' AND id = ''", {"sessions"},
    ),
    "two sessions in turn": (
        ("UPDATE totals SET cost = cost + CASE id WHEN 'a' THEN 1 ELSE -1 END "
        "WHERE scope = 'session' AND id IN ('a', 'b')"),
        {"sessions"},
    ),
    "a task": ("UPDATE totals SET calls = calls + 1 WHERE scope = 'task' AND id = 't'", {"tasks"}),
    "a trace": ("UPDATE traces SET output = output + 1 WHERE id = 4", {"traces"}),
    "a correction of metrics": (
        "UPDATE spend SET cost = cost + 1 WHERE part = 'down'", {"metrics"},
    ),
    "cached tokens of metrics": (
        "UPDATE spend SET cached = cached + 1 WHERE part = 'first'", {"metrics"},
    ),
    "a trace's owner": (
        "UPDATE traces SET user_id = (SELECT id FROM names WHERE text = 'b') WHERE id = 4",
        {"spans"},
    ),
    "a charge": (
        "UPDATE charge_sums SET unpriced = unpriced + 1 WHERE unpriced > 0",
        {"days", "traces", "sessions", "tasks", "spans"},
    ),
    "a charge that is gone, with all that it was added to": (
        ("DELETE FROM charges; DELETE FROM charge_sums; DELETE FROM totals; "
        "DELETE FROM usage_hours; DELETE FROM usage_days; DELETE FROM usage_user_days; "
        "UPDATE traces SET {no_sums}"),
        {"spans"},
    ),
    "a charge of somebody else": (
        ("UPDATE charges SET user_id = (SELECT id FROM names WHERE text = 'b') "
        "WHERE user_id = (SELECT id FROM names WHERE text = 'w')"),
        {"days", "spans"},
    ),
    "a correction": ("UPDATE corrections SET cost = cost - 1", {"spans"}),
    "a correction that is gone": ("DELETE FROM corrections", {"spans"}),
    "a correction of nothing": ("UPDATE corrections SET span_id = x'00'", {"spans"}),
    "what a budget follows": (
        "UPDATE totals SET cost = cost + 1 WHERE scope LIKE '%?%'", {"budgets"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_found_where_it_is(ledger, given, rule, what):
    statement, checks = CHANGES[what]
    sums = (*by_time.SUMS, *by_time.PARTS)
    statement = statement.format(
        zeros=", ".join("0" * (len(sums) - 1)),
        all=", ".join(sums),
        sums=", ".join(by_time.SUMS),
        no_sums=", ".join(f"{name} = 0" for name in by_time.SUMS),
    )
    change(ledger, *statement.split("; "))
    found = verify(ledger, compile_watches(given.policy(rule)))
    assert checks <= found.keys()
    assert "pages" not in found


def test_what_differs_is_said_with_both_numbers(ledger):
    """Guarantees: of numbers beyond 64 bits too, which SQL alone would round."""
    change(ledger, "UPDATE usage_hours SET calls = calls + 2 WHERE start_s = 1800000000")
    (said, *_) = verify(ledger)["days"]
    assert said.startswith("hour 2027-01-15T08:00Z: provider openai, model gpt-4o, service svc")
    assert "calls" in said
    of_b = "WHERE scope = 'session' AND id = 'b'"
    with closing(apsw.Connection(str(ledger))) as database:
        cost = int(database.execute(f"SELECT cost FROM totals {of_b}").get)
    assert cost > 2**63
    change(ledger, f"UPDATE totals SET cost = CAST('{cost + 1}' AS BLOB) {of_b}")
    assert verify(ledger)["sessions"][0] == f"session 'b' cost {cost + 1} {cost}"


def test_damage_is_found_and_the_other_checks_go_on(ledger):
    with closing(apsw.Connection(str(ledger))) as database:
        query = "SELECT pageno FROM dbstat WHERE name = 'corrections'"
        page = next(row[0] for row in database.execute(query))
    data = bytearray(ledger.read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 12] = b"\xff" * 12
    ledger.write_bytes(data)
    found = verify(ledger)
    assert found.keys() == {"spans", "pages"}
    assert found["spans"][0].startswith("cannot be read to its end")
    assert "corrections" in found["pages"][0]


def test_it_goes_on_where_it_was_interrupted(ledger):
    change(ledger, "UPDATE usage_days SET cost = cost + 1 WHERE start_s < 1800050000")
    with closing(Verifier(ledger)) as verifier:
        (check, *_), _ = all_checks(verifier, (), 0, is_full=False)
        first, *others = verifier.run(check)
        assert first.step.differing
        assert first.position == f"days:{first.step.position}"
        assert list(verifier.run(check, first.step.position)) == others
        assert not any(each.step.differing for each in others)


async def test_beside_a_writer_every_step_is_of_one_moment(opened, given):
    """Guarantees: turns between any two steps make no difference; the file is only read."""
    for at in range(1, 5):
        await opened.post(given.call(1, trace=at, own=A), given.call(2, trace=at, own=B))
    with closing(Verifier(opened.path)) as verifier:
        checks, _ = all_checks(verifier, (), 0, is_full=True)
        number = 10
        for check in checks:
            for progress in verifier.run(check):
                assert progress.step.differences == ()
                await opened.post(
                    given.call(number, trace=1 + number % 6, own=A),
                    given.call(number + 1, trace=1 + number % 7, own=B),
                    given.carrier(number + 2, trace=7, session="b"),
                )
                number += 3


async def test_a_ledger_that_is_opened_meanwhile_is_looked_at_again(ledger, opened, given):
    with closing(Verifier(ledger)) as verifier:
        assert not ledger.with_name("ledger.db-wal").exists()
        checks, _ = all_checks(verifier, (), 0, is_full=True)
        await opened.open()
        for check in checks:
            await opened.post(given.call(50 + len(check.name), trace=9, own=A))
            assert not any(each.step.differing for each in verifier.run(check))


def test_another_version_is_refused(ledger):
    change(ledger, "PRAGMA user_version = 3")
    with pytest.raises(LedgerUnavailableError, match="another version"):
        Verifier(ledger)


def test_an_empty_ledger_agrees(tmp_path):
    SqliteStore(tmp_path / "ledger.db").close()
    assert verify(tmp_path / "ledger.db") == {}


@pytest.mark.parametrize("user", ["u", "x"])
async def test_a_budget_whose_filter_names_who_is_forgotten_keeps_what_was_spent(
    opened, given, user
):
    """Guarantees: no difference for its total, and still those of a total by model; for ids in
    owners and in sets of dimensions, also when these calls leave all sums afterwards."""
    match = {"user": ("u", "w")} if user == "u" else {"agent": ("x*",)}
    by_user = given.budget("b", "total", 10**12, match=match)
    by_model = given.budget("m", "total", 10**12, match={"model": ("gpt*",)})
    await opened.open(by_user, by_model)
    await opened.post(
        given.agent(9, name="x", own=A), given.call(1, 9), given.call(2, trace=2, own=B)
    )
    asked = ForgetRequest(user, "ada", given.NOW_S * 10**9)
    await opened.ledger.forget(asked, is_dry_run=False)
    watches = compile_watches(given.policy(by_user, by_model))
    assert verify(opened.path, watches) == {}
    out = ExclusionRequest(Selection(session="a"), "", "ada", given.NOW_S * 10**9)
    await opened.ledger.exclude(out, is_dry_run=False)
    await opened.close()
    assert verify(opened.path, watches) == {}
    change(
        opened.path, f"UPDATE totals SET cost = cost + 1 WHERE scope = 'total?{by_model.digest}'"
    )
    assert list(verify(opened.path, watches)) == ["budgets"]


def test_a_ledger_with_any_page_destroyed_is_answered_for(ledger, tmp_path, capsys):
    """Guarantees: no page makes the command fail; what it says is that the file is damaged, or
    no ledger. One of them, the second, only says which page belongs to what."""
    whole, file = ledger.read_bytes(), tmp_path / "copy.db"
    size = int.from_bytes(whole[16:18])
    codes = []
    for at in range(0, len(whole), size):
        file.write_bytes(whole[:at] + bytes(size) + whole[at + size :])
        codes.append(main(["verify", str(file), "--data-dir", str(tmp_path)]))
        said = capsys.readouterr()
        assert "damaged" in said.out + said.err, at
    assert set(codes) == {1, 2}
