"""What is new since a position in the ledger."""

from __future__ import annotations

from processor.surfaces.queries import Known, Position


def cross(at):
    def change(db):
        db.execute(
            "INSERT INTO crossings VALUES "
            "(NULL, 'b', 'user', ?, 0, 0, 10, 'usd', 1.0, 12, 0, 0, '', 's')", (f"u{at}",),
        )  # fmt: skip

    return change


async def test_calls_and_crossings_after_a_position_are_new(ask, given_calls):
    """Guarantees: each once, oldest first, with the totals of today."""
    made = given_calls.charged
    queries = ask(*(made(n, n, n) for n in range(1, 5)), change=cross(1))
    nothing = await queries.news(Known(None))
    assert (nothing.calls, nothing.crossings) == ([], [])
    assert (nothing.position, nothing.is_cut) == (Position(4, 1), False)
    assert [each.cost_nano_usd for each in nothing.totals] == [10, 10, 10]
    news = await queries.news(Known(Position(2, 0)))
    assert [each.totals.cost_nano_usd for each in news.calls] == [3, 4]
    assert [each.scope_id for each in news.crossings] == ["u1"]
    assert not news.is_cut


async def test_nothing_is_new_while_the_ledger_is_the_same(ask, given_calls):
    queries = ask(given_calls.charged(1, 1))
    news = await queries.news(Known(None))
    known = Known(news.position, news.as_of.version, news.day_s)
    assert await queries.news(known) is None
    assert await queries.news(known._replace(day_s=0)) is not None, "another day has other totals"


async def test_a_position_beyond_the_end_is_one_of_another_ledger(ask, given_calls):
    queries = ask(given_calls.charged(1, 1))
    assert (await queries.news(Known(Position(5, 0)))).is_cut


async def test_of_many_calls_the_latest_are_listed(ask, given_calls):
    queries = ask(*(given_calls.charged(n, n, n) for n in range(1, 302)))
    news = await queries.news(Known(Position(0, 0)))
    assert (news.is_cut, len(news.calls)) == (True, 200)
    assert [news.calls[0].id, news.calls[-1].id] == [102, 301]
