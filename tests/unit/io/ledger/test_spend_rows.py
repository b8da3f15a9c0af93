"""The sums that metrics show, as the ledger keeps them."""

from __future__ import annotations

from contextlib import closing

import apsw
import pytest
from property.agreement import check_spend

from processor.core.errors import LedgerUnavailableError
from processor.core.model import ForgetRequest, Owner, Totals
from processor.io.ledger import Ledger, Limits, SqliteReader, SqliteStore
from processor.io.ledger.spend_rows import SpendBy
from processor.io.ledger.verifying import Verifier
from processor.io.ledger.verifying.by_spend import ShownSums

CALL = Totals(cost_nano_usd=1000, input_tokens=100, calls=1)


class Opened:
    """A ledger that tells apart what a test says; it is opened again on the same file."""

    def __init__(self, given, path):
        self._given, self._path, self._ledger = given, path, None
        self.is_whole = True
        """Whether each combination has all of its charges in its own sums, or in the others'."""

    async def open(self, *dimensions, values_max=100):
        await self.close()
        self.store = SqliteStore(self._path)
        by = SpendBy(dimensions, values_max)
        self._ledger = Ledger(self.store, self._given.policy(), Limits(), spend_by=by)
        await self._ledger.start()
        return self._ledger

    async def post(self, *specs):
        await self._ledger.post(self._given.batch(*specs))

    async def close(self):
        if self._ledger is not None:
            ledger, self._ledger = self._ledger, None
            if self.is_whole:
                await ledger._writer.ask(lambda: check_spend(self.store))
            await ledger.close()

    async def rows(self):
        """(first, up, down) in nano-USD by combination."""
        reader = SqliteReader(self._path)
        found = await reader.ask(lambda view: view.spend())
        await reader.close()
        return {
            row.values: tuple(each.cost_nano_usd for each in (row.first, row.up, row.down))
            for row in found.rows
        }


@pytest.fixture
async def opened(given, tmp_path):
    opened = Opened(given, tmp_path / "ledger.db")
    yield opened
    await opened.close()


def by(agent, **more):
    return Owner(agent=agent, **more)


async def test_what_was_charged_before_is_there_from_the_start(opened, given):
    """Guarantees: of a ledger that kept other dimensions, in its own or in other tables."""
    await opened.open("model")
    await opened.post(given.call(1, own=by("a")), given.call(2, own=by("b")), given.call(3))
    assert await opened.rows() == {("gpt-4o",): (3000, 0, 0)}
    await opened.open("agent", "model")
    assert await opened.rows() == {
        ("a", "gpt-4o"): (1000, 0, 0), ("b", "gpt-4o"): (1000, 0, 0), ("", "gpt-4o"): (1000, 0, 0),
    }  # fmt: skip


async def test_what_was_told_apart_stays_so_after_a_restart(opened, given):
    await opened.open("agent")
    await opened.post(given.call(2, 1))
    await opened.post(given.agent(1, name="planner"))
    before = await opened.rows()
    assert before == {("",): (1000, 0, 1000), ("planner",): (0, 1000, 0)}
    await opened.open("agent")
    assert await opened.rows() == before


async def test_the_largest_combinations_of_before_have_sums_of_their_own(opened, given):
    await opened.open()
    await opened.post(
        given.call(1, own=by("small"), tokens=1), given.call(2, own=by("large"), tokens=50),
        given.call(3, own=by("middle"), tokens=20),
    )  # fmt: skip
    await opened.open("agent", values_max=2)
    assert await opened.rows() == {
        ("large",): (500, 0, 0), ("middle",): (200, 0, 0), None: (10, 0, 0),
    }  # fmt: skip


async def test_combinations_beyond_the_limit_share_the_sums_of_the_others(opened, given):
    """Guarantees: a combination stays where it is, also with another limit, so no sum falls."""
    await opened.open("agent", values_max=1)
    await opened.post(given.call(1, own=by("a")), given.call(2, own=by("b")))
    await opened.post(given.call(3, own=by("c")), given.call(4, own=by("a")))
    assert await opened.rows() == {("a",): (2000, 0, 0), None: (2000, 0, 0)}
    await opened.open("agent", values_max=2)
    opened.is_whole = False
    await opened.post(given.call(5, own=by("b")))
    assert await opened.rows() == {("a",): (2000, 0, 0), ("b",): (1000, 0, 0), None: (2000, 0, 0)}
    opened.store.spend.forget()
    await opened.post(given.call(6, own=by("c")))
    assert (await opened.rows())[None] == (3000, 0, 0)


async def test_a_long_value_counts_among_the_others(opened, given):
    """Guarantees: the text of senders does not make what is served long."""
    await opened.open("agent")
    await opened.post(given.call(1, own=by("x" * 129)), given.call(2, own=by("y" * 128)))
    assert await opened.rows() == {("y" * 128,): (1000, 0, 0), None: (1000, 0, 0)}


async def test_a_turn_that_is_undone_names_nothing(opened, given, monkeypatch):
    """Guarantees: a combination of a turn that failed takes no place."""
    ledger = await opened.open("agent", values_max=1)

    def fail():
        raise LedgerUnavailableError("refuses as the test asked")

    with monkeypatch.context() as patched:
        patched.setattr(opened.store, "commit", fail)
        with pytest.raises(LedgerUnavailableError):
            await ledger.post(given.batch(given.call(1, own=by("a"))))
    await opened.post(given.call(2, own=by("b")))
    assert await opened.rows() == {("b",): (1000, 0, 0)}


async def test_a_forgotten_id_is_not_shown(opened, given):
    """Guarantees: an agent that has the name of a forgotten user stands under the tombstone."""
    ledger = await opened.open("agent")
    await opened.post(given.call(1, own=by("ada", user="ada")))
    done = await ledger.forget(ForgetRequest("ada", "test", 0), is_dry_run=False)
    assert dict(done.places)["spend of metrics"] == 1
    await opened.post(given.call(2, own=by("bob")))
    rows = await opened.rows()
    assert rows.pop(("bob",)) == (1000, 0, 0)
    assert list(rows) == [(done.tombstone,)]


async def test_numbers_beyond_64_bits_are_exact(opened, given):
    await opened.open("model")
    for span in range(1, 4):
        await opened.post(given.call(span, tokens=2**59))
    assert (await opened.rows())[("gpt-4o",)] == (3 * 10 * 2**59, 0, 0)
    await opened.open("provider")
    assert (await opened.rows())[("openai",)] == (3 * 10 * 2**59, 0, 0)


@pytest.mark.parametrize("dimensions", [(), ("model",)])
async def test_a_change_behind_its_back_is_found(opened, given, tmp_path, dimensions):
    """Guarantees: also where metrics tell nothing apart, and show one sum of all."""
    await opened.open(*dimensions)
    await opened.post(given.call(1))
    await opened.close()
    path = tmp_path / "ledger.db"
    with closing(Verifier(path)) as verifier:
        assert [found.step.differing for found in verifier.run(ShownSums())] == [0]
    with closing(apsw.Connection(str(path))) as database, database:
        database.execute("UPDATE spend SET calls = calls + 1")
    with closing(Verifier(path)) as verifier:
        assert [found.step.differing for found in verifier.run(ShownSums())] == [1]


async def test_crossings_are_counted_by_what_is_alike(given, tmp_path):
    store = SqliteStore(tmp_path / "ledger.db")
    rule = given.budget("b", "user", 1000, warn_at=("0.5",))
    ledger = Ledger(store, given.policy(rule), Limits())
    await ledger.start()
    for user in ("u", "v"):
        await ledger.post(given.batch(given.call(1, trace=ord(user), own=Owner(user=user))))
    reader = SqliteReader(tmp_path / "ledger.db")
    found = await reader.ask(lambda view: view.crossing_counts(0))
    assert sorted((each.budget, each.threshold, each.ids) for each in found.counts) == [
        ("b", 0.5, 2), ("b", 1.0, 2),
    ]  # fmt: skip
    await ledger.post(given.batch(given.call(1, trace=9, own=Owner(user="w"), tokens=50)))
    more = await reader.ask(lambda view: view.crossing_counts(found.last))
    assert [(each.threshold, each.ids) for each in more.counts] == [(0.5, 1)]
    await reader.close()
    await ledger.close()
