"""Sums by every combination of dimensions, and calls in order, of a ledger that was really used."""

from dataclasses import replace

from processor.core.model import ExclusionRequest, Owner, Selection, Totals
from processor.core.money import price_usage
from processor.core.ports import PricesAgain
from processor.core.questions import CallsQuestion, UsageQuestion
from processor.io.ledger import SqliteReader

S = Owner(session="s", user="u")
OTHER = Owner(session="other", user="v")
ALWAYS = (0, 2**63 - 1)


async def sums(path, filters=()):
    """What a range is by totals, by cells, and by single calls."""
    reader = SqliteReader(path)

    def work(view):
        days = 1_799_971_200, 1_800_057_600, 1_800_144_000  # 2027-01-15 and -16
        question = UsageQuestion(days[0], days[-1], filters=filters, edges=days)
        total = Totals()
        for row in view.usage(question).totals:
            total = total.plus(row.totals)
        cells, calls, after = Totals(), Totals(), None
        for row in view.cells(question).rows:
            cells = cells.plus(row.totals)
        while found := view.calls_in_order(
            CallsQuestion(days[0], days[-1], filters, limit=2), after
        ):
            for call in found:
                calls = calls.plus(call.totals)
            after = found[-1].end_ns, found[-1].trace, found[-1].span_id
        return total, cells, calls

    try:
        return await reader.ask(work)
    finally:
        await reader.close()


async def agree(path):
    for filters in ((), (("session", ("s",)),), (("user", ("v",)),), (("model", ("b",)),)):
        total, cells, calls = await sums(path, filters)
        assert cells == total
        assert replace(calls, agent_runs=total.agent_runs) == total
    return (await sums(path))[0]


async def test_they_add_up_after_corrections_prices_and_exclusions(opened, given):
    """Guarantees: one number, whatever has happened to the calls since they were charged."""
    await opened.post(
        given.agent(9, own=S), given.call(1, 9, own=S), given.unpriced(2, 9, own=S, at_s=60),
        given.aggregate(3, tokens=1400, trace=2, own=OTHER), given.call(1, trace=3, model="b"),
    )  # fmt: skip
    first = await agree(opened.path)
    assert first.unpriced == 1
    # What was charged as an aggregate is corrected by the call below it, which comes late.
    await opened.post(given.call(4, 3, tokens=400, trace=2, own=OTHER, at_s=30))
    assert (await agree(opened.path)).cost_nano_usd == first.cost_nano_usd
    # A late parent moves a call from nobody to somebody.
    await opened.post(given.carrier(8, trace=3, user="v"), given.call(2, 8, trace=3, at_s=90))
    rates = tuple(2 * rate for rate in given.RATES)

    def price_again(call):
        entry = call.entry
        if entry.usage is None or entry.rates == rates:
            return entry
        amount = price_usage(entry.usage, rates)
        return replace(entry, amount=amount, rates=rates, status="exact", price_version="v2")

    prices = PricesAgain("times 2", price_again)
    await opened.ledger.reprice(prices, ALWAYS, given.NOW_S * 10**9, is_dry_run=False)
    repriced = await agree(opened.path)
    assert repriced.unpriced == 0
    asked = ExclusionRequest(Selection(session="s"), "a test", "ada", given.NOW_S * 10**9, 0)
    await opened.ledger.exclude(asked, is_dry_run=False)
    excluded = await agree(opened.path)
    assert 0 < excluded.cost_nano_usd < repriced.cost_nano_usd


async def test_how_calls_were_priced_is_said_by_bucket_and_set(opened, given):
    await opened.post(given.call(1), given.call(2, model="b", at_s=60), given.unpriced(3, at_s=90))
    reader = SqliteReader(opened.path)
    edges = 1_799_971_200, 1_800_057_600, 1_800_144_000

    def work(view):
        found = []
        for filters in ((), (("model", ("b",)),), (("user", ("nobody",)),)):
            question = UsageQuestion(edges[0], edges[-1], filters=filters, edges=edges)
            found.append(view.cells(question, with_pricing=True).rows)
        return found

    try:
        every, of_b, of_nobody = await reader.ask(work)
    finally:
        await reader.close()
    versions = {row.dimensions.model: row.priced_by.price_versions for row in every}
    assert versions["b"] == of_b[0].priced_by.price_versions
    assert all(len(found) == 1 for found in versions.values())
    assert {row.priced_by.tiers for row in every} == {("",)}
    assert of_nobody == []
