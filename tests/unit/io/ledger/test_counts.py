"""What the ledger says of itself: failures, trouble, sizes."""

import pytest

from processor.core.errors import LedgerUnavailableError


async def test_books_that_cannot_be_written_are_in_trouble_until_they_can(desk, given):
    """Guarantees: whoever looks sees why, how often, and when it is over."""
    desk.store.refuse_commits = 2
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError):
            await desk.post(given.call(1))
    assert desk.ledger.trouble.message == "told to refuse"
    assert desk.ledger.counters.failures == 2
    await desk.post(given.call(1))
    assert desk.ledger.trouble is None
    assert desk.ledger.counters.failures == 2


async def test_a_batch_that_meets_a_bug_is_counted_but_no_trouble(desk, given):
    """Guarantees: one bad batch does not make the processor look ill."""
    desk.store.poison = given.span_id(1), ValueError("a bug")
    with pytest.raises(LedgerUnavailableError):
        await desk.post(given.call(1))
    assert desk.ledger.trouble is None
    assert desk.ledger.counters.failures == 1


async def test_the_size_is_that_of_the_files(desk, given):
    before = desk.ledger.size_bytes
    assert before > 0
    for at in range(50):
        await desk.post(given.call(at + 1))
    assert desk.ledger.size_bytes > before


async def test_a_store_whose_files_are_gone_has_no_size(desk):
    for file in desk.store._files:
        file.unlink()
    assert desk.store.size_bytes() == 0


async def test_what_is_in_memory_is_told(desk, given):
    await desk.open(given.budget("b", "session", 3000), traces=1, waiting_spans=2)
    await desk.post(given.call(1, trace=1), given.carrier(2, trace=1, session="s"))
    await desk.post(given.call(1, trace=2))
    await desk.post(*(given.plain(at, trace=3) for at in (1, 2)))
    await desk.post(given.plain(1, trace=4))
    await desk.cost()  # It keeps its place in line, behind what nobody waits for.
    assert desk.ledger.jobs_in_line == 0
    held = desk.ledger.held
    assert (held.traces, held.spans) == (1, 1)
    assert (held.waiting_spans, held.evicted_spans) == (1, 2)
    assert held.states == 1
    assert desk.ledger.counters.evicted_traces == 1
