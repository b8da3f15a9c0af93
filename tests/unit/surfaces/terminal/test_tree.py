import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.model import Event
from processor.surfaces.terminal.paint import Paint, cells
from processor.surfaces.terminal.received import ReceivedSpan
from processor.surfaces.terminal.tree import render_trace

PLAIN = Paint(enabled=False)
TRACE = "0123456789abcdef0123456789abcdef"
SECOND = 10**9


def span(span_id, parent_id, name, start_s, end_s, attributes=(), events=(), failed=""):
    return ReceivedSpan(
        TRACE, span_id, parent_id, name, int(start_s * SECOND), int(end_s * SECOND),
        bool(failed), failed, dict(attributes), tuple(events),
    )  # fmt: skip


def call(cost=None, status="exact", tokens=(1000, 0, 100), **more):
    attributes = {
        "llm.tokens.input": tokens[0],
        "llm.cache.tokens_saved": tokens[1],
        "llm.tokens.output": tokens[2],
        "llm.cost.status": status,
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    return attributes if cost is None else {**attributes, "llm.cost_usd": cost}


def totals(of, cost, tokens, calls, **more):
    return {
        f"{of}.total_cost_usd": cost,
        f"{of}.total_tokens": tokens,
        f"{of}.llm_calls": calls,
        **{key.replace("__", "."): value for key, value in more.items()},
    }


def budget_event(share, **more):
    name = "llm.budget.exceeded" if share >= 1 else "llm.budget.warning"
    attributes = {
        "budget.name": "per-user-daily",
        "budget.scope": "user",
        "budget.scope_id": "bob",
        "budget.limit_usd": 0.4,
        "budget.spent_usd": 0.4 * share,
        "budget.ratio": share,
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    return Event(0, name, attributes)


AGENT_RUN = [
    span(
        "01", "", "POST /chat", 0, 9.5,
        {
            "session.id": "s-1", "user.id": "bob", "organization.id": "acme",
            **totals("trace", 0.5712, 12_345, 5, trace__cost_at_least=True),
            "session.total_cost_usd": 1.25, "session.total_tokens": 1_200_000,
            "session.agent_runs": 3, "session.cost_at_least": True,
        },
    ),
    span(
        "02", "01", "invoke_agent helper", 1, 9,
        {**totals("agent", 0.5712, 12_345, 5), "llm.cost.status": "aggregate"},
    ),
    span(
        "03", "02", "chat claude-sonnet-4-5", 2, 3,
        call(0.2, tokens=(8000, 6000, 900), llm__cache__cost_saved_usd=0.0162,
             llm__cost__model="claude-sonnet-4-5"),
        [budget_event(0.5)],
    ),
    span("04", "02", "execute_tool search", 3, 6),
    span("05", "04", "ChatCompletion", 4, 5,
         call(0.3712, "alias", llm__cost__model="gpt-5.1", llm__cost__reason="dated name"),
         [budget_event(1.428)]),
    span("06", "02", "chat gpt-5-mini", 6, 6.5, {"llm.cost.status": "failed"}, failed="429 slow"),
    span("07", "02", "chat house-7b", 7, 8,
         call(None, "unpriced", llm__cost__model="house-7b",
              llm__cost__reason="provider not in the catalogue",
              llm__budget__exceeded="per-user-daily")),
    span("08", "02", "chat silent", 8, 8.5, {"llm.cost.status": "usage_missing"}),
]  # fmt: skip

GOLDEN = """\
── trace 01234567 · 9.5 s · session s-1 · user bob · org acme ──────────────────────────────────────
                                              input  cached  output  cost USD   total USD  status
 POST /chat                                           12,345 tokens            ≥ 0.571200  5 calls
 └─ invoke_agent helper                               12,345 tokens              0.571200  5 calls
    │  repeats the tokens of its calls, which are counted once
    ├─ chat claude-sonnet-4-5                 8,000   6,000     900  0.200000              exact
    │  the cache saved $0.0162
    │  ▲ budget per-user-daily: user bob at 50%, $0.20 of $0.40
    ├─ execute_tool search
    │  └─ ChatCompletion                      1,000             100  0.371200              alias
    │     alias (dated name), model gpt-5.1
    │     ■ budget per-user-daily exceeded: user bob at 143%, $0.5712 of $0.40
    ├─ chat gpt-5-mini                                                   none              failed
    │  failed: 429 slow
    ├─ chat house-7b                          1,000             100   unknown              unpriced
    │  unpriced (provider not in the catalogue)
    │  ■ budget per-user-daily stays exceeded
    └─ chat silent                                                    unknown              no usage
       usage_missing (no usage reported)
 session s-1, so far: 3 agent runs, 1.20M tokens, at least $1.25"""


def test_a_trace_looks_as_it_should():
    assert "\n".join(render_trace(AGENT_RUN, PLAIN, 100)) == GOLDEN


AT_80 = """\
── trace 01234567 · 9.5 s · session s-1 · user bob · org acme ──────────────────
                                               input  cached  output    cost USD
 POST /chat                                   5 calls, 12,345 tokens  ≥ 0.571200
 └─ invoke_agent helper                       5 calls, 12,345 tokens    0.571200
    │  repeats the tokens of its calls, which are counted once
    ├─ chat claude-sonnet-4-5                  8,000   6,000     900    0.200000
    │  the cache saved $0.0162
    │  ▲ budget per-user-daily: user bob at 50%, $0.20 of $0.40
    ├─ execute_tool search
    │  └─ ChatCompletion                       1,000             100    0.371200
    │     alias (dated name), model gpt-5.1
    │     ■ budget per-user-daily exceeded: user bob at 143%, $0.5712 of $0.40
    ├─ chat gpt-5-mini                                                      none
    │  failed: 429 slow
    ├─ chat house-7b                           1,000             100     unknown
    │  unpriced (provider not in the catalogue)
    │  ■ budget per-user-daily stays exceeded
    └─ chat silent                                                       unknown
       usage_missing (no usage reported)
 session s-1, so far: 3 agent runs, 1.20M tokens, at least $1.25"""


def test_at_80_cells_totals_share_the_column_of_costs_and_nothing_is_cut():
    assert "\n".join(render_trace(AGENT_RUN, PLAIN, 80)) == AT_80
    assert "…" not in AT_80


def test_wide_terminals_show_how_long_each_span_took():
    lines = render_trace(AGENT_RUN, PLAIN, 120)
    assert lines[1].split() == ["time", "input", "cached", "output", "cost", "USD", "total", "USD",
                                "status"]  # fmt: skip
    assert lines[2].split()[2:4] == ["9.5", "s"]


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 112, 120])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_lost(width):
    lines = render_trace(AGENT_RUN, PLAIN, width)
    assert max(map(cells, lines)) <= width
    text = "\n".join(lines)
    for figure in ("0.200000", "0.371200", "≥ 0.571200", "unknown", "none"):
        assert figure in text
    for words in ("chat claude-sonnet-4-5", "invoke_agent helper", "ChatCompletion"):
        assert words in text


def test_a_name_that_does_not_fit_beside_its_figures_stands_above_them():
    name = "chat ft:gpt-4.1-mini-2025-04-14:an-organisation-of-some-length::abc"
    lines = render_trace([span("01", "", name, 0, 1, call(0.2))], PLAIN, 80)
    assert lines[2] == f" {name}"
    assert lines[3].split() == ["1,000", "100", "0.200000"]


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        (call(0.1, "fallback"), "fallback"),
        ({"llm.cost.status": "failed"}, "failed"),  # The provider gave no message.
        (call(0.01, "aggregate"), "$0.01 for what its calls do not explain (aggregate)"),
        (call(0.1, "exact"), ""),
    ],
)
def test_without_a_column_for_it_a_status_that_matters_is_said_under_the_name(attributes, says):
    lines = render_trace([span("01", "", "chat m", 0, 1, attributes)], PLAIN, 80)
    assert [line.strip() for line in lines[3:]] == ([says] if says else [])


def test_owners_with_long_names_have_a_line_of_their_own():
    session = "4f3c2b1a-0000-4000-8000-000000000000"
    owner = {"session.id": session, "user.id": "a-user@example.com"}
    lines = render_trace([span("01", "", "GET /", 0, 1, owner)], PLAIN, 80)
    assert lines[0].startswith("── trace 01234567 · 1.0 s ───")
    assert lines[1] == f" session {session} · user a-user@example.com"


def test_a_task_is_called_by_its_title():
    task = {"task.id": "T-9", "task.title": "Fix the bug"}
    lines = render_trace([span("01", "", "GET /", 0, 1, task)], PLAIN, 80)
    assert lines[0].startswith("── trace 01234567 · 1.0 s · task Fix the bug ───")


def test_colours_change_nothing_but_colours():
    painted = render_trace(AGENT_RUN, Paint(enabled=True), 100)
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in painted]
    assert "\n".join(line.rstrip() for line in bare) == GOLDEN
    assert painted != bare


def test_an_unknown_cost_is_never_shown_as_a_number():
    attributes = call(None, "unpriced", llm__cost__reason="no price")
    [row] = [line for line in render_trace([span("01", "", "chat m", 0, 1, attributes)], PLAIN, 100)
             if line.startswith(" chat m")]  # fmt: skip
    assert row.split() == ["chat", "m", "1,000", "100", "unknown", "unpriced"]


def test_a_free_call_costs_zero_and_says_why():
    attributes = call(0.0, "free", llm__cost__reason="provider is free", llm__cost__model="llama")
    lines = render_trace([span("01", "", "chat llama", 0, 1, attributes)], PLAIN, 100)
    assert "0.000000" in lines[2]
    assert lines[3].strip() == "free (provider is free)"


def test_a_charged_remainder_shows_its_own_cost_beside_the_total():
    attributes = {
        "llm.cost.status": "aggregate", "llm.cost_usd": 0.01, **totals("agent", 0.05, 900, 2),
    }  # fmt: skip
    lines = render_trace([span("01", "", "invoke_agent a", 0, 1, attributes)], PLAIN, 100)
    assert lines[2].split()[-5:] == ["900", "tokens", "0.010000", "0.050000", "aggregate"]


def test_a_call_that_is_a_trace_by_itself_shows_what_a_call_shows():
    attributes = {**call(0.01, tokens=(900, 0, 7)), **totals("trace", 0.01, 907, 1)}
    lines = render_trace([span("01", "", "chat m", 0, 1, attributes)], PLAIN, 100)
    assert lines[2].split() == ["chat", "m", "900", "7", "0.010000", "0.010000", "exact"]


def test_a_correction_is_shown():
    attributes = {**call(0.01), "llm.cost.correction_usd": -0.0042}
    lines = render_trace([span("01", "", "chat m", 0, 1, attributes)], PLAIN, 100)
    assert lines[3].strip() == "corrects earlier charges by -$0.0042"


def test_writing_to_a_cache_is_shown():
    attributes = {**call(0.03), "llm.cost.cache_write_usd": 0.0154}
    lines = render_trace([span("01", "", "chat m", 0, 1, attributes)], PLAIN, 100)
    assert lines[3].strip() == "$0.0154 of it for writing to the cache"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"budget__scope": "call", "budget__scope_id": "ab:cd"}, "this call at 120%"),
        ({"budget__scope": "total", "budget__scope_id": ""}, "total at 120%"),
        ({"budget__at_least": True}, "user bob at least 120%"),
    ],
)
def test_budget_events_name_whose_budget_it_is(more, text):
    event = budget_event(1.2, **more)
    lines = render_trace([span("01", "", "chat m", 0, 1, call(0.1), [event])], PLAIN, 100)
    assert f"■ budget per-user-daily exceeded: {text}, $0.48 of $0.40" in lines[3]


def test_a_budget_of_tokens_is_shown_in_tokens():
    event = Event(0, "llm.budget.warning", {
        "budget.name": "tokens", "budget.scope": "agent", "budget.scope_id": "a",
        "budget.limit_tokens": 1000, "budget.spent_tokens": 800, "budget.ratio": 0.8,
    })  # fmt: skip
    lines = render_trace([span("01", "", "chat m", 0, 1, call(0.1), [event])], PLAIN, 100)
    assert lines[3].strip() == "▲ budget tokens: agent a at 80%, 800 of 1000 tokens"


HOSTILE = st.text(max_size=60) | st.just("\x1b[2J\x1b]0;title\x07\r\n" * 3)
ANYTHING = st.one_of(HOSTILE, st.integers(), st.floats(), st.booleans(), st.none())
KEYS = st.sampled_from(
    ["session.id", "user.id", "llm.cost_usd", "llm.cost.status", "llm.cost.reason", "agent.name",
     "llm.cost.model", "llm.budget.exceeded", "trace.total_cost_usd", "trace.total_tokens",
     "session.total_cost_usd", "llm.tokens.input", "llm.cost.correction_usd"]
)  # fmt: skip


@given(HOSTILE, HOSTILE, st.dictionaries(KEYS, ANYTHING), st.dictionaries(HOSTILE, ANYTHING))
def test_whatever_a_sender_writes_stays_on_its_line(name, message, attributes, event):
    events = [Event(0, "llm.budget.exceeded", {"budget.name": name, **event})]
    seen = ReceivedSpan(TRACE, "01", "", name, 0, 1, True, message, attributes, tuple(events))
    for line in render_trace([seen], PLAIN, 100):
        assert cells(line) <= 100
        assert line.isprintable()


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ({"agent.llm_calls": 0}, "0 calls"),
        ({"agent.llm_calls": 1, "agent.cost_at_least": True}, "unknown  1 call"),
    ],
)
def test_agent_whose_cost_nobody_knows_shows_no_zero(attributes, shown):
    """Guarantees: what has no total on its span has none in the drawing, least of all a 0."""
    lines = render_trace([span("a", "", "invoke_agent", 0, 1, attributes)], PLAIN, 120)
    assert lines[2].endswith(shown)
    assert "0.000000" not in lines[2]
