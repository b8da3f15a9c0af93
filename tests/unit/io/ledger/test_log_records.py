"""Log records and references in the ledger: how they are counted, and which budgets they meet."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from answers import total_of

from processor.core.budgets import Budget, Policy
from processor.core.model import Calendar, Call, Charge, Intake, Mark, Owner, Spans, Unpriced, Usage
from processor.core.money import price_usage
from processor.core.semconv.ids import log_trace
from processor.io.ledger import Ledger, Limits, SqliteStore
from processor.io.ledger.reading.unknown import read_unknown

RATES = (10**9, *[0] * 5, 10**9, *[0] * 5)
AT_NS = 1_790_000_000 * 10**9
USAGE = Usage(1000, output=1000)
LOGS = log_trace("claude-code", "s")
TRACE = b"t" * 16


def budget(scope, limit=1_000_000):
    return Budget(f"by-{scope}", scope, "none", limit, "usd", Calendar(ZoneInfo("UTC"), 0))


@pytest.fixture
async def ledger(tmp_path):
    """A ledger with a limit that one call reaches, for several scopes."""
    budgets = tuple(map(budget, ("trace", "session", "call")))
    ledger = Ledger(SqliteStore(tmp_path / "ledger.db"), Policy(budgets, "p"), Limits())
    await ledger.start()
    yield ledger
    await ledger.close()


def intake(*, is_record, is_priced=True):
    mark = Mark(0, AT_NS, own=Owner(session="s"), start_ns=AT_NS - 1, scope="x")
    trace = b"" if is_record else LOGS
    call = Call(mark, "llm", "p", ("m",), USAGE, response_id="r", log_trace=trace)
    charge: Charge | Unpriced = Unpriced(call, "unpriced", "unknown", "p", "m")
    if is_priced:
        charge = Charge(call, price_usage(USAGE, RATES), "exact", "p", "m", "v", RATES)
    spans = Spans(b"", [LOGS if is_record else TRACE], [b"record.." if is_record else b"thespan."])
    spans.parent_ids, spans.flags, spans.end_ns = [LOGS[8:] if is_record else b""], [0], [AT_NS]
    return Intake(spans, [charge], [], AT_NS)


async def test_a_session_of_records_is_no_trace(ledger):
    """Guarantees: a limit for a trace is none for a session, other limits hold."""
    stamps = await ledger.post(intake(is_record=True))
    assert {crossing.budget for crossing in stamps[0].crossings} == {"by-session", "by-call"}


async def test_a_reference_is_no_call(ledger):
    """Guarantees: a span is counted once, and so is a repeat of it."""
    await ledger.post(intake(is_record=False))
    assert (ledger.counters.charged, ledger.counters.repeats) == (1, 0)
    await ledger.post(intake(is_record=False))
    assert (ledger.counters.charged, ledger.counters.repeats) == (1, 1)
    assert (await total_of(ledger)).calls == 1


async def test_a_reference_is_not_listed_as_unpriced(ledger):
    """Guarantees: a span without a price is one call without a price."""
    await ledger.post(intake(is_record=False, is_priced=False))
    (unknown,) = read_unknown(ledger._working_set.store._db, 9).listed
    assert unknown.calls == 1


async def test_a_span_after_its_record_takes_the_charge_over(ledger):
    """Guarantees: the correction is in the ledger, and not on the span, whose cost is its own."""
    await ledger.post(intake(is_record=True))
    stamps = await ledger.post(intake(is_record=False))
    assert stamps[0].entry.amount.total == 2_000_000
    assert stamps[0].corrections == ()
    assert ledger.counters.corrections == 1
    assert (await total_of(ledger, "trace", LOGS.hex())).cost_nano_usd == 0
    assert (await total_of(ledger, "session", "s")).cost_nano_usd == 2_000_000


async def test_a_span_that_is_not_charged_changes_no_record(ledger):
    """Guarantees: where another copy of a span was first, and no call, its record is charged."""
    first = intake(is_record=False)
    mark = replace(first.charges[0].call.mark, is_agent=True)
    await ledger.post(Intake(first.spans, [], [mark], AT_NS))
    await ledger.post(intake(is_record=False))
    await ledger.post(intake(is_record=True))
    total = await total_of(ledger)
    assert (total.calls, total.cost_nano_usd) == (1, 2_000_000)
