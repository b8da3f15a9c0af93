"""What the ledger says of itself: failures, trouble, sizes."""

import pytest

from processor.core.errors import LedgerUnavailableError


async def test_ledger_that_cannot_be_written_are_in_trouble_until_they_can(opened, given):
    """Guarantees: whoever looks sees why, how often, and when it is over."""
    opened.store.refuse_commits = 2
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError):
            await opened.post(given.call(1))
    assert opened.ledger.last_failure.message == "refuses as the test asked"
    assert opened.ledger.counters.failures == 2
    await opened.post(given.call(1))
    assert opened.ledger.last_failure is None
    assert opened.ledger.counters.failures == 2


async def test_a_batch_that_meets_a_bug_is_counted_but_no_trouble(opened, given):
    """Guarantees: one bad batch does not make the processor look ill."""
    opened.store.poison = given.span_id(1), ValueError("a bug")
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(1))
    assert opened.ledger.last_failure is None
    assert opened.ledger.counters.failures == 1


async def test_the_size_is_that_of_the_files(opened, given):
    before = opened.ledger.size_bytes
    assert before > 0
    for at in range(50):
        await opened.post(given.call(at + 1))
    assert opened.ledger.size_bytes > before


async def test_a_store_whose_files_are_gone_has_no_size(opened):
    for file in opened.store._files:
        file.unlink()
    assert opened.store.size_bytes() == 0


async def test_what_is_in_memory_is_counted(opened, given):
    await opened.open(given.budget("b", "session", 3000), traces=1, waiting_spans=2)
    await opened.post(given.call(1, trace=1), given.carrier(2, trace=1, session="s"))
    await opened.post(given.call(1, trace=2))
    await opened.post(*(given.plain(at, trace=3) for at in (1, 2)))
    await opened.post(given.plain(1, trace=4))
    await opened.cost()  # It keeps its place in line, behind what nobody waits for.
    assert opened.ledger.jobs_waiting == 0
    held = opened.ledger.memory_use
    assert (held.traces, held.spans) == (1, 1)
    assert (held.waiting_spans, held.evicted_spans) == (1, 2)
    assert held.states == 1
    assert opened.ledger.counters.evicted_traces == 1
