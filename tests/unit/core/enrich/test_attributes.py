"""Spans carry what the table of the documentation says: no more, no less, and no false zero."""

from typing import get_args

import pytest

from processor.core.enrich.attributes import enrich
from processor.core.enrich.names import OWN_NAMES
from processor.core.model import Crossing, Edit, Entry, Spans, Stamp, Status, Totals, Usage, Value
from processor.core.money import Amount

END_NS = 1_785_542_400_123_456_789
AMOUNT = Amount(7_000_001, 2_500_000, 3_000_000, 500_001, 1_000_000, 0)
USAGE = Usage(
    input=100,
    cache_read=20,
    cache_write=30,
    cache_write_1h=5,
    audio_input=2,
    image_input=3,
    output=40,
    reasoning=10,
    audio_output=1,
    image_output=4,
)


def entry(**changes) -> Entry:
    fields = {
        "status": "exact",
        "reason": "",
        "provider": "openai",
        "model": "gpt-4o",
        "service": "api",
        "price_version": "v1",
        "usage": Usage(input=10, output=5),
        "amount": AMOUNT,
        "rates": (1,) * 12,
    }
    return Entry(**{**fields, **changes})


def crossing(**changes) -> Crossing:
    fields = {
        "budget": "per-user-daily",
        "scope": "user",
        "scope_id": "ada",
        "window_start_s": 1_785_542_400,
        "window_end_s": 1_785_628_800,
        "limit": 50 * 10**9,
        "unit": "usd",
        "threshold": 1.0,
        "spent": 55 * 10**9,
    }
    return Crossing(**{**fields, **changes})


def edit_of(stamp: Stamp, *, end_ns: int = END_NS, start_ns: int = END_NS - 5) -> Edit:
    spans = Spans(b"", start_ns=[0, start_ns], end_ns=[0, end_ns])
    return enrich(spans, {1: stamp})[1]


def written(**changes) -> dict[str, Value]:
    return dict(edit_of(Stamp(entry=entry(**changes))).attributes)


def test_exact_call_carries_cost_parts_status_model_and_version():
    assert written() == {
        "llm.cost_usd": 0.007000001,
        "llm.cost.input_usd": 0.0025,
        "llm.cost.output_usd": 0.003,
        "llm.cost.cache_read_usd": 0.000500001,
        "llm.cost.cache_write_usd": 0.001,
        "llm.cost.status": "exact",
        "llm.cost.model": "gpt-4o",
        "llm.cost.price_version": "v1",
    }


def test_what_is_doubtful_about_the_counts_is_written():
    assert written(doubt="counts_contradict,split_assumed")["llm.cost.doubt"] == (
        "counts_contradict,split_assumed"
    )
    assert "llm.cost.doubt" not in written()


def test_fees_are_a_part_of_their_own_only_where_there_are_any():
    assert "llm.cost.request_usd" not in written()
    assert written(amount=Amount(10, 0, 0, 0, 0, 10))["llm.cost.request_usd"] == 1e-8


@pytest.mark.parametrize("status", get_args(Status))
def test_reason_is_written_unless_the_status_is_exact(status):
    attributes = written(status=status, reason="how it came")
    assert attributes["llm.cost.status"] == status
    assert ("llm.cost.reason" in attributes) == (status != "exact")


def test_empty_texts_are_left_out():
    attributes = written(status="alias", model="", price_version="")
    assert not {"llm.cost.reason", "llm.cost.model", "llm.cost.price_version"} & set(attributes)


def test_free_call_costs_zero_and_says_so():
    attributes = written(status="free", reason="local model", amount=Amount())
    assert attributes["llm.cost_usd"] == 0.0
    assert attributes["llm.cost.status"] == "free"


def test_unpriced_call_carries_no_cost_but_status_reason_and_the_name_tried():
    attributes = written(
        status="unpriced",
        reason="model not in the catalogue",
        amount=None,
        rates=None,
        model="new-model",
        reported_nano_usd=5,
        usage=Usage(input=10, cache_read=5),
        saved_nano_usd=9,
    )
    assert attributes == {
        "llm.cost.status": "unpriced",
        "llm.cost.reason": "model not in the catalogue",
        "llm.cost.model": "new-model",
        "llm.cost.price_version": "v1",
        "llm.cache.hit": True,
        "llm.cache.tokens_saved": 5,
    }


def test_tokens_are_written_where_the_span_has_none():
    attributes = written(usage=USAGE, has_tokens=False)
    tokens = {key: value for key, value in attributes.items() if key.startswith("llm.tokens.")}
    # Input includes what came from and went to caches; output includes reasoning.
    assert tokens == {"llm.tokens.input": 160, "llm.tokens.output": 55, "llm.tokens.total": 215}


@pytest.mark.parametrize("changes", [{"usage": USAGE}, {"usage": None, "has_tokens": False}])
def test_tokens_are_not_written_where_the_span_has_them_or_nobody_knows(changes):
    assert not [key for key in written(**changes) if key.startswith("llm.tokens.")]


def test_cache_use_says_what_it_saved():
    attributes = written(usage=USAGE, saved_nano_usd=45_000)
    assert attributes["llm.cache.hit"] is True
    assert attributes["llm.cache.tokens_saved"] == 20
    assert attributes["llm.cache.cost_saved_usd"] == 0.000045


def test_cache_use_of_a_call_with_a_reported_cost_has_no_invented_saving():
    assert "llm.cache.cost_saved_usd" not in written(usage=USAGE, rates=None)


def test_call_without_cache_reads_has_no_cache_attributes():
    attributes = written(usage=Usage(input=5, cache_write=7))
    assert not [key for key in attributes if key.startswith("llm.cache.")]


def test_reported_cost_is_kept_where_it_differs():
    assert written(reported_nano_usd=8_000_000)["llm.cost.reported_usd"] == 0.008
    assert "llm.cost.reported_usd" not in written(reported_nano_usd=AMOUNT.total)
    assert written(reported_nano_usd=0)["llm.cost.reported_usd"] == 0.0


def test_reading_rule_and_assumed_time_are_written_when_there_are_any():
    attributes = written(rule="cache_excluded", time_assumed=True)
    assert attributes["llm.cost.rule"] == "cache_excluded"
    assert attributes["llm.cost.time_assumed"] is True
    assert not {"llm.cost.rule", "llm.cost.time_assumed"} & set(written())
    assert written(time_rescaled=True)["llm.cost.time_rescaled"] is True
    assert "llm.cost.time_rescaled" not in attributes


def test_totals_of_agent_trace_and_session():
    totals = Totals(
        cost_nano_usd=4 * 10**9, input_tokens=70, output_tokens=30, calls=3, agent_runs=2
    )
    edit = edit_of(Stamp(agent=totals, trace=totals, session=totals))
    assert edit == Edit(
        {
            "agent.total_tokens": 100,
            "agent.total_cost_usd": 4.0,
            "agent.llm_calls": 3,
            "trace.total_tokens": 100,
            "trace.total_cost_usd": 4.0,
            "trace.llm_calls": 3,
            "session.total_tokens": 100,
            "session.total_cost_usd": 4.0,
            "session.agent_runs": 2,
        }
    )


def test_calls_that_nobody_counted_are_left_out():
    """Guarantees: no "0 calls" beside money where a sum is all there is, as in a turn of Codex."""
    known = edit_of(Stamp(trace=Totals(cost_nano_usd=1, input_tokens=7))).attributes
    assert set(known) == {"trace.total_tokens", "trace.total_cost_usd"}


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        (Totals(), {"llm_calls": 0}),
        (Totals(calls=2, unpriced=2), {"llm_calls": 2, "cost_at_least": True}),
        (
            Totals(calls=1, unpriced=1, input_tokens=7),
            {"llm_calls": 1, "cost_at_least": True, "total_tokens": 7},
        ),
        (
            Totals(calls=2, unpriced=1),  # The other one failed, so it is known to cost nothing.
            {"llm_calls": 2, "cost_at_least": True, "total_tokens": 0, "total_cost_usd": 0.0},
        ),
        (
            Totals(calls=1, response_cache_hits=1),
            {"llm_calls": 1, "total_tokens": 0, "total_cost_usd": 0.0},
        ),
        (Totals(input_tokens=7), {"total_tokens": 7, "total_cost_usd": 0.0}),
    ],
)
def test_total_of_which_no_cost_is_known_is_no_zero(totals, expected):
    """Guarantees: 0 stands for calls that cost nothing, never for none or for unknown ones."""
    attributes = edit_of(Stamp(agent=totals)).attributes
    assert attributes == {f"agent.{name}": value for name, value in expected.items()}


@pytest.mark.parametrize("unpriced", [0, 1])
def test_totals_with_unpriced_calls_say_at_least(unpriced):
    totals = Totals(cost_nano_usd=1, calls=2, unpriced=unpriced)
    attributes = edit_of(Stamp(agent=totals, trace=totals, session=totals)).attributes
    marked = [key for key in attributes if key.endswith(".cost_at_least")]
    assert marked == [f"{each}.cost_at_least" for each in ("agent", "trace", "session") if unpriced]


def test_limit_reached_is_an_event_at_the_end_of_the_span():
    edit = edit_of(Stamp(crossings=(crossing(),), exceeded=("per-user-daily",)))
    (event,) = edit.events
    assert (event.time_ns, event.name) == (END_NS, "llm.budget.exceeded")
    assert event.attributes == {
        "budget.name": "per-user-daily",
        "budget.scope": "user",
        "budget.scope_id": "ada",
        "budget.window_start": "2026-08-01T00:00:00Z",
        "budget.limit_usd": 50.0,
        "budget.spent_usd": 55.0,
        "budget.ratio": 1.1,
    }
    assert edit.attributes == {"llm.budget.exceeded": "per-user-daily"}


def test_warning_is_an_event_with_its_threshold_and_no_flag():
    edit = edit_of(Stamp(crossings=(crossing(threshold=0.8, spent=40 * 10**9),)))
    (event,) = edit.events
    assert event.name == "llm.budget.warning"
    assert event.attributes["budget.threshold"] == 0.8
    assert event.attributes["budget.ratio"] == 0.8
    assert edit.attributes == {}


def test_token_budget_speaks_of_tokens():
    edit = edit_of(Stamp(crossings=(crossing(unit="tokens", limit=1000, spent=1500),)))
    attributes = edit.events[0].attributes
    assert attributes["budget.limit_tokens"] == 1000
    assert attributes["budget.spent_tokens"] == 1500
    assert attributes["budget.ratio"] == 1.5
    assert "budget.limit_usd" not in attributes


def test_budget_without_a_window_has_no_window_start():
    edit = edit_of(Stamp(crossings=(crossing(window_start_s=0, window_end_s=0),)))
    assert "budget.window_start" not in edit.events[0].attributes


def test_window_that_began_before_the_epoch_can_be_written():
    edit = edit_of(Stamp(crossings=(crossing(window_start_s=-32400, window_end_s=54000),)))
    assert edit.events[0].attributes["budget.window_start"] == "1969-12-31T15:00:00Z"


def test_late_incomplete_and_attributed_crossings_say_so():
    edit = edit_of(Stamp(crossings=(crossing(late=True, at_least=True, trigger="attribution"),)))
    attributes = edit.events[0].attributes
    assert attributes["budget.late"] is True
    assert attributes["budget.at_least"] is True
    assert attributes["budget.trigger"] == "attribution"


def test_event_of_a_span_without_an_end_is_at_its_start():
    edit = edit_of(Stamp(crossings=(crossing(),)), end_ns=0, start_ns=77)
    assert edit.events[0].time_ns == 77


def test_every_crossing_of_a_span_is_an_event_in_order():
    edit = edit_of(Stamp(crossings=(crossing(threshold=0.5), crossing(threshold=0.8), crossing())))
    assert [event.attributes.get("budget.threshold") for event in edit.events] == [0.5, 0.8, None]


def test_exceeded_budgets_are_one_sorted_text_without_repeats():
    edit = edit_of(Stamp(exceeded=("b", "a", "b")))
    assert edit.attributes == {"llm.budget.exceeded": "a,b"}


def test_corrections_are_summed_and_name_the_spans_they_correct():
    edit = edit_of(Stamp(corrections=((b"\x01" * 8, -2 * 10**9), (b"\xfe" * 8, -(10**9)))))
    assert edit.attributes == {
        "llm.cost.correction_usd": -3.0,
        "llm.cost.corrects": "0101010101010101,fefefefefefefefe",
    }


def test_list_of_corrected_spans_has_an_end_but_the_sum_counts_all():
    corrections = tuple((bytes(7) + bytes([i]), -(10**9)) for i in range(100))
    attributes = edit_of(Stamp(corrections=corrections)).attributes
    assert attributes["llm.cost.correction_usd"] == -100.0
    assert str(attributes["llm.cost.corrects"]).count(",") == 63


def test_every_name_that_is_written_is_listed_as_our_own():
    """Guarantees: what another processor wrote is recognised, whichever of the names it used."""
    fees = Amount(10, 1, 1, 1, 1, 6)
    totals = Totals(cost_nano_usd=1, calls=2, unpriced=1)
    corrections = ((b"\x01" * 8, -1),)
    full = entry(
        status="alias",
        reason="why",
        amount=fees,
        reported_nano_usd=9,
        rule="total",
        doubt="split_assumed",
        time_assumed=True,
        usage=USAGE,
        has_tokens=False,
        saved_nano_usd=5,
    )
    stamps = (
        Stamp(full, totals, totals, totals, exceeded=("daily",), corrections=corrections),
        Stamp(entry(time_rescaled=True)),
    )
    names = {name for stamp in stamps for name in edit_of(stamp).attributes}
    assert {name for name in names if not name.startswith("llm.tokens.")} == OWN_NAMES


def test_stamp_with_nothing_to_say_makes_no_edit():
    assert enrich(Spans(b"", start_ns=[0], end_ns=[0]), {0: Stamp()}) == {}


def test_large_amounts_are_the_nearest_double():
    total = 2**53 + 1
    attributes = written(amount=Amount(total, total, 0, 0, 0, 0))
    assert attributes["llm.cost_usd"] == total / 10**9
