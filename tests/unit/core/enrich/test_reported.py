"""What came in under our own names is kept aside, and never taken for ours."""

from __future__ import annotations

from processor.core.enrich.names import OWN_NAMES
from processor.core.enrich.reported import keep_reported
from processor.core.model import Entry, Kept, Spans, Stamp, Totals
from processor.core.money import Amount


def spans_with(*keys: str) -> Spans:
    return Spans(
        b"", span_ids=[b"s" * 8], end_ns=[5], start_ns=[1], shapes=[1], values=[(1,) * len(keys)],
        keys=[(), keys],
    )  # fmt: skip


def entry(reported_by: str = "", amount: Amount | None = Amount(5, fees=5)) -> Entry:  # noqa: B008 - a value
    return Entry(
        "exact" if amount else "unpriced", "", "openai", "m", "svc", "v", None, amount, None,
        reported_by=reported_by,
    )  # fmt: skip


def kept(spans: Spans, stamp: Stamp | None = None) -> Kept | None:
    return keep_reported(spans, {} if stamp is None else {0: stamp}, {}).get(0)


def test_every_name_of_ours_is_kept_on_a_span_that_is_no_call() -> None:
    """Guarantees: a correction that a sender wrote does not count as ours."""
    found = kept(spans_with("gen_ai.system", *sorted(OWN_NAMES)))
    assert found == Kept(dict.fromkeys(OWN_NAMES, ".reported"))


def test_a_cost_that_was_read_is_replaced_and_all_else_is_kept() -> None:
    """Guarantees: `llm.cost_usd` is the ledger's, and what differs is `llm.cost.reported_usd`."""
    spans = spans_with("llm.cost_usd", "llm.cost.correction_usd", "llm.cost.status")
    found = kept(spans, Stamp(entry("llm.cost_usd")))
    assert found is not None
    assert set(found.suffixes) == {"llm.cost.correction_usd", "llm.cost.status"}


def test_a_cost_that_was_not_read_is_kept() -> None:
    """Guarantees: a text under the name, or a zero of an unknown call, does not stand as ours."""
    spans = spans_with("llm.cost_usd")
    for stamp in (Stamp(entry()), Stamp(entry("llm.cost_usd", None)), Stamp(trace=Totals(calls=1))):
        assert kept(spans, stamp) == Kept({"llm.cost_usd": ".reported"})


def test_spans_without_our_names_are_left_alone() -> None:
    """Guarantees: nothing is edited that need not be."""
    assert kept(spans_with("gen_ai.system", "llm.tokens.input")) is None


def test_events_are_marked() -> None:
    """Guarantees: an event of a budget that came in is told from one of ours."""
    found = keep_reported(spans_with("x"), {}, {0: [("llm.budget.exceeded", {})]})
    assert found == {0: Kept({}, {"llm.budget.exceeded": {"budget.reported": True}})}
