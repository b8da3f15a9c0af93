import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.model import LOG_TRACE, Crossing, Totals, TraceOwner
from processor.surfaces.terminal.live.brief import render_brief, render_left_out
from processor.surfaces.terminal.live.charged import ChargedTrace, LeftOut, Trouble
from processor.surfaces.terminal.paint import Paint, cells

PLAIN = Paint(enabled=False)
AT_S = time.mktime((2026, 11, 30, 12, 3, 41, 0, 0, -1))
ONE = bytes.fromhex("8717a5ee") + bytes(12)
SOME = Totals(cost_nano_usd=68_815_000, input_tokens=58_000, output_tokens=796, calls=4)
LIMIT = Crossing("daily", "user", "bob", 0, 86_400, 400_000_000, "usd", 1.0, 576_800_000)


def trace(change=SOME, total=None, **fields):
    return ChargedTrace(
        fields.pop("trace_id", ONE), 0, 0, change, change if total is None else total,
        fields.pop("owner", TraceOwner("trip-42", "ada")), fields.pop("service", "travel"),
        fields.pop("agent", "trip-planner"), **fields,
    )  # fmt: skip


def lines(one, width=80):
    return list(render_brief(one, PLAIN, width, AT_S))


def test_trace_is_one_line_of_80_cells():
    (line,) = lines(trace(root="POST /trips"))
    assert line == " 12:03:41  trip-planner       travel        4 calls  58,796 tokens    $0.068815"


def test_wider_line_has_its_root_its_id_and_its_owner():
    (line,) = lines(trace(root="POST /"), 120)
    assert line == (
        " 12:03:41  trip-planner · POST /     travel           4 calls  58,796 tokens"
        "    $0.068815  8717a5ee · ada · trip-42"
    )


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        (Totals(agent_runs=1), "no call"),
        (Totals(calls=1, unpriced=1), "1 call                      unknown"),
        (Totals(calls=1, unpriced=1, input_tokens=7), "1 call      7 tokens      unknown"),
        (Totals(calls=2, unpriced=1, cost_nano_usd=5), "2 calls                ≥ $0.000000"),
        (Totals(calls=1, response_cache_hits=1), "1 call                    $0.000000"),
        (Totals(calls=1204, cost_nano_usd=123_456 * 10**9), "1,204 calls   $123,456.00"),
    ],
)
def test_what_is_not_known_is_no_zero(change, figures):
    """Guarantees: unknown is never shown as a cost of 0, and a sum with unknowns as at least."""
    (line,) = lines(trace(change))
    assert re.sub(" +", " ", line).endswith(re.sub(" +", " ", figures))


def test_trace_that_goes_on_says_what_is_added_and_the_sum():
    added = Totals(cost_nano_usd=1_000_000, input_tokens=1000, calls=1)
    line, so_far = lines(trace(added, SOME))
    assert re.search(r"\+1 call +\+1,000 tokens +\+\$0.001000$", line)
    assert so_far == "           this trace so far: 4 calls, 58,796 tokens, $0.068815"


def test_correction_is_shown_as_what_it_takes_back():
    (line, _) = lines(trace(Totals(cost_nano_usd=-2_000_000), SOME))
    assert line.endswith(" -$0.002000")


def test_budget_events_and_troubles_have_a_line_each():
    found = trace()
    found.crossings = [LIMIT]
    found.troubles[Trouble("unpriced", "house-v2", "no such model")] = 2
    found.troubles[Trouble("usage_missing", "gpt-4o", "no usage reported")] = 1
    assert lines(found)[1:] == [
        "           ■ budget daily exceeded: user bob at 144%, $0.5768 of $0.40",
        "           ! 2 calls of house-v2 without a price: no such model",
        "           ! 1 call of gpt-4o without usage",
    ]


def test_many_notes_are_cut():
    found = trace()
    found.crossings, found.hidden_crossings = [LIMIT] * 20, 480
    assert len(lines(found)) == 7
    assert lines(found)[-1].strip() == "… and 16 more of these"


def test_session_of_log_records_is_named_so():
    found = trace(trace_id=LOG_TRACE + bytes(8), agent="", owner=TraceOwner(agent="claude-code"))
    (line,) = lines(found, 120)
    assert " claude-code " in line
    assert line.endswith("log records")


def test_traces_that_are_not_drawn_are_counted():
    crossed = LeftOut(312, SOME, [LIMIT])
    assert list(render_left_out(crossed, PLAIN, 80)) == [
        " … 312 more traces not drawn: 4 calls, 58,796 tokens, $0.068815",
        "   ■ budget daily exceeded: user bob at 144%, $0.5768 of $0.40",
    ]
    assert list(render_left_out(LeftOut(), PLAIN, 80)) == []


@given(
    st.builds(
        trace,
        agent=st.text(max_size=60),
        root=st.text(max_size=60),
        service=st.text(max_size=60),
        owner=st.builds(TraceOwner, st.text(), st.text()),
    ),
    st.integers(40, 130),
)
def test_lines_fit_and_nothing_in_them_is_obeyed(found, width):
    """Guarantees: whatever names say, each line fits and holds no control character."""
    for line in lines(found, max(width, 72)):
        assert cells(line) <= max(width, 72)
        assert line.isprintable()
