"""Events of budgets that another processor has written."""

from __future__ import annotations

import pytest

from processor.core.enrich.attributes import enrich
from processor.core.model import Crossing, Spans, Stamp
from processor.core.posting.crossed import is_equal, read_crossing, read_crossings

START_S = 1_788_220_800
WARNING = Crossing(
    "monthly", "user", "ada", START_S, START_S + 100, 5_000_000_001, "usd", 0.8, 4_100_000_000
)
LIMIT = Crossing("calls", "total", "", 0, 0, 1000, "tokens", 1.0, 1234, at_least=True, late=True)


def event_of(crossing: Crossing):
    spans = Spans(b"", span_ids=[b"s" * 8], trace_ids=[b"t" * 16], start_ns=[1], end_ns=[2])
    (event,) = enrich(spans, {0: Stamp(crossings=(crossing,))})[0].events
    return event.name, dict(event.attributes)


@pytest.mark.parametrize("crossing", [WARNING, LIMIT])
def test_an_event_reads_back_as_its_crossing(crossing: Crossing) -> None:
    """Guarantees: what is written is enough to know the budget, its window and threshold again."""
    assert read_crossing(*event_of(crossing)) == crossing._replace(window_end_s=0)


@pytest.mark.parametrize("missing", ["budget.name", "budget.limit_usd", "budget.spent_usd"])
def test_an_event_that_is_not_complete_is_none(missing: str) -> None:
    """Guarantees: nothing is kept of what cannot be known."""
    name, attributes = event_of(WARNING)
    del attributes[missing]
    assert read_crossing(name, attributes) is None
    assert read_crossing("other", event_of(WARNING)[1]) is None
    assert read_crossing(name, event_of(WARNING)[1] | {"budget.window_start": "soon"}) is None


def test_only_an_equal_budget_takes_it_over(given) -> None:
    """Guarantees: another limit, scope, unit or threshold is another budget."""
    same = given.budget("monthly", "user", 5_000_000_001, window="month", warn_at=())
    assert not is_equal(same, WARNING, 0.8), "it has no such threshold"
    assert is_equal(same, WARNING._replace(threshold=1.0), 1.0)
    assert not is_equal(same, WARNING._replace(threshold=1.0, limit=6), 1.0)
    assert not is_equal(same, WARNING._replace(threshold=1.0, scope="org"), 1.0)


def test_crossings_know_their_span() -> None:
    """Guarantees: the row says where the event stands."""
    spans = Spans(b"", trace_ids=[b"t" * 16], span_ids=[b"s" * 8])
    (found,) = read_crossings(spans, {0: [event_of(LIMIT), ("other", {})]})
    assert found.span == f"{(b't' * 16).hex()}:{(b's' * 8).hex()}"
