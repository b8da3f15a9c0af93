"""Law of the version of a ledger: it tells two states apart that answer anything differently."""

from __future__ import annotations

from property.engines import law
from property.test_ledger_laws import batch_of, deliveries, policy

from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits
from processor.io.ledger.reading.freshness import read_freshness

ANSWERED = (
    "charged", "traces", "totals", "usage_hours", "usage_days", "usage_user_days", "corrections",
    "crossings", "task_titles", "reporting_zones",
)  # fmt: skip
"""Every table and view that questions read, but names and what `charged` is made of."""


def state(store):
    """All that is answered from, and the version of it."""
    tables = (
        store._db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in ANSWERED
    )
    return repr(list(tables)), read_freshness(store._db).version


@law(deliveries(), examples=60)
async def test_two_states_have_the_same_version_only_if_they_answer_the_same(open_store, delivery):
    """Guarantees: in whatever batches spans come, and come again, and after a restart."""
    _, batches = delivery
    store = open_store("ledger")
    ledger = Ledger(store, policy(), Limits())
    await ledger.start()
    found = [await ledger._writer.ask(lambda: state(store))]
    for group in batches:
        await ledger.post(batch_of(group))
        found.append(await ledger._writer.ask(lambda: state(store)))
    await ledger.close()
    again = open_store("ledger")
    ledger = Ledger(again, policy(), Limits())
    await ledger.start()
    assert await ledger._writer.ask(lambda: state(again)) == found[-1]
    await ledger.close()
    by_version = {version: answers for answers, version in found}
    assert all(by_version[version] == answers for answers, version in found)
