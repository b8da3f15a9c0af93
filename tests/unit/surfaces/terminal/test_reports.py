"""Documents as lines: what people read is what the document says."""

import re
from datetime import UTC, datetime

import pytest

from processor.surfaces.api.documents import CostsDocument, TracesDocument
from processor.surfaces.terminal.calls import draw_calls
from processor.surfaces.terminal.costs import draw_costs
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells
from processor.surfaces.terminal.today import Overview, Task, draw_empty, draw_today
from processor.surfaces.terminal.trace import draw_trace
from processor.surfaces.terminal.traces import draw_owner

TRACE = (1).to_bytes(16).hex()
HOSTILE = "\x1b[31mred\x1b[0m\r\nnext\u202e \U000e0041 [bold]x[/]"


async def test_a_report_has_a_row_for_each_group_and_all_together(api, lines):
    """Guarantees: shares, bars, and a mark where a part of a cost is unknown."""
    document = await api()("/costs", ("group_by", "agent"), ("limit", "1"))
    assert lines(draw_costs(document, 80)) == [
        "── costs · all time · UTC ──────────────────────────────────────────────────────",
        " ≥ $5.00 for 4 calls",
        " 70 input tokens · 30 output tokens",
        "",
        " agent     cost USD                                  calls  tokens",
        " writer      5.0000  100%  ████████████████████████      2     100",
        " 2 others  ≥ 0.0000   <1%  ▏                             2",
        " all       ≥ 5.0000  100%                                4     100",
        " ≥ the cost of 1 call is unknown and not in it: llm-cost unpriced",
    ]


async def test_a_cost_that_is_only_unknown_is_no_zero(api, lines):
    document = await api()("/costs", ("group_by", "model"), ("filter[model]", "who"))
    shown = lines(draw_costs(document, 80))
    assert shown[1] == " an unknown cost for 1 call"
    assert shown[5].split() == ["who", "unknown", "1"]


async def test_a_comparison_is_with_as_much_of_the_time_before(api, given_calls, lines):
    made, day = given_calls.charged, given_calls.DAY_S
    document = await api(made(1, 10, 3 * 10**9), made(2, 10 - day, 2 * 10**9, trace=2))(
        "/costs", ("window", "today"), ("compare", "previous")
    )
    shown = lines(draw_costs(document, 80, "team=search"))
    assert shown[0].startswith("── costs · 2027-01-15 · UTC · team=search ──")
    assert shown[1:3] == [
        " $3.00 for 1 call",
        " ▲ 50%, $2.00 in 2027-01-14 00:00 to 2027-01-14 08:00",
    ]


async def test_a_series_names_its_buckets(api, lines):
    document = await api()("/costs", ("window", "7d"), ("bucket", "1d"))
    shown = lines(draw_costs(document, 80))
    days = [line.split()[0] for line in shown if line.startswith(" 2027-")]
    assert (days[0], days[-2:]) == ("2027-01-08*", ["2027-01-14", "2027-01-15*"])
    assert shown[-1] == " * not the whole of it"


async def test_a_series_of_groups_says_each_group_once(api, given_calls, lines):
    """Guarantees: groups first, then their times; two groups in a row are both named."""
    made, day = given_calls.charged, given_calls.DAY_S
    document = await api(
        made(1, 10, 3 * 10**9, agent="writer", model="gpt-4o"),
        made(2, 10 - day, 2 * 10**9, trace=2, agent="writer", model="gpt-4o"),
        made(3, 10 - day, 10**9, trace=3, agent="writer", model="o3"),
    )("/costs", ("window", "7d"), ("bucket", "1d"), *(("group_by", g) for g in ("agent", "model")))
    table = [line.split()[:4] for line in lines(draw_costs(document, 80))[4:9]]
    assert table == [
        ["agent", "model", "from", "cost"],
        ["writer", "gpt-4o", "2027-01-14", "2.0000"],
        ["2027-01-15*", "3.0000", "50%", table[2][3]],
        ["writer", "o3", "2027-01-14", "1.0000"],
        ["all", "6.0000", "100%", "3"],
    ]


async def test_a_time_before_without_calls_is_said_to_have_none(api, given_calls, lines):
    document = await api(given_calls.charged(1, 10, 3 * 10**9))(
        "/costs", ("window", "today"), ("compare", "previous")
    )
    assert lines(draw_costs(document, 80))[2] == " no calls in 2027-01-14 00:00 to 2027-01-14 08:00"


async def test_an_hour_that_comes_twice_is_seen_to(api, given_calls, lines):
    """Guarantees: where clocks are put back, times have their offsets; elsewhere they need none."""
    night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    first_s = int(night.timestamp()) - given_calls.TODAY_S
    ask = api(given_calls.charged(1, first_s, 10**9), given_calls.charged(2, first_s + 3600, 5))
    for since, until, offsets in (("24", "26", {"+02:00", "+01:00"}), ("25T02:30Z", "26", set())):
        document = await ask(
            "/costs", ("bucket", "1h"), ("time_zone", "Europe/Berlin"),
            ("starting_at", f"2026-10-{since}"), ("ending_at", f"2026-10-{until}"),
        )  # fmt: skip
        assert {row.starting_at[-6:] for row in document.data} >= offsets
        shown = lines(draw_costs(document, 100))
        twice = [line for line in shown if line.startswith(" 2026-10-25 02:00")]
        assert [line.split()[2] for line in twice] == ["+02:00", "+01:00"][: len(offsets)]


async def test_what_has_not_begun_is_no_line(api, lines):
    document = await api()("/costs", ("window", "today"), ("bucket", "1h"))
    assert len(document.data) == 24
    hours = [line for line in lines(draw_costs(document, 80)) if line.startswith(" 2027-01-15")]
    assert hours[-1].startswith(" 2027-01-15 08:00*")


async def test_a_group_without_calls_is_no_line(api, given_calls, lines):
    """Guarantees: the beginning of an agent's run is not shown as a model's cost of nothing."""
    made = given_calls.charged
    document = await api(
        made(1, 1, 0, calls=0, agent_runs=1, agent="planner"), made(2, 3, 10**9, model="gpt-4o")
    )("/costs", ("group_by", "model"))
    assert len(document.data) == 2
    assert not any("(none)" in line for line in lines(draw_costs(document, 80)))


async def test_a_small_cost_with_an_unknown_one_has_its_digits(api, given_calls, lines):
    made = given_calls.charged
    document = await api(made(1, 1, 40_164), made(2, 3, 0, unpriced=1))("/costs")
    assert lines(draw_costs(document, 80))[1] == " ≥ $0.000040 for 2 calls"


async def test_a_time_without_calls_says_so(api, lines):
    document = await api()("/costs", ("window", "last_month"), ("group_by", "agent"))
    assert lines(draw_costs(document, 80))[1:] == [" nothing was used in this time"]


async def test_calls_are_lines(api, lines):
    document = await api()("/calls", ("limit", "3"))
    assert lines(draw_calls(document, 120))[-1].endswith(TRACE)
    assert lines(draw_calls(document, 80)) == [
        " ended     model   agent   user  input  output  cost USD",
        " 00:00:30  who             u2                    unknown",
        " 00:00:20  gpt-4o  reader  u1                    <0.0001",
        " 00:00:10  gpt-4o  writer  u1       70      30    1.0000",
    ]


async def test_a_trace_is_a_tree(api, given_calls, lines):
    """Guarantees: each call with its cost and how it is known, each parent with all below it."""
    made = given_calls.charged
    usual = {"model": "gpt-4o", "provider": "openai", "status": "exact"}
    document = await api(
        made(1, 1, 0, calls=0, agent_runs=1, agent="planner"),
        made(2, 3, 2 * 10**9, parent=1, input_tokens=900, output_tokens=60, **usual),
        made(3, 4, 10**9, parent=1, cached_tokens=100, input_tokens=300, **usual),
        made(4, 5, 0, parent=9, unpriced=1, model="who", status="unpriced"),
    )(f"/traces/{TRACE}")
    shown = lines(draw_trace(document, 80))
    assert shown[0].startswith(f"── trace {TRACE} ──")
    assert shown[1].startswith(" ≥ $3.00 for 3 calls, 1,260 tokens")
    text = "\n".join(shown)
    assert "├─ gpt-4o" in text
    assert "└─ gpt-4o" in text
    assert "exact" in text
    assert "its parent 0000000000000009 is not kept" in text
    assert next(line for line in shown if "who" in line).split()[-1] == "unknown"
    assert any("≥" not in line and "3.0000" in line for line in shown), "the subtotal"


async def test_lines_lead_from_each_span_to_its_parent(api, lines):
    """Guarantees: whatever stands between a parent and its further children."""
    document = await api()(f"/traces/{TRACE}")
    one = document.spans[0]
    depths = (0, 1, 2, 3, 1, 2, 2, 0, 1)
    spans = [
        one.model_copy(update={"depth": depth, "kind": "span", "name": str(at), "call": None})
        for at, depth in enumerate(depths)
    ]
    shown = lines(draw_trace(document.model_copy(update={"spans": spans}), 80))
    assert [match[1] for line in shown if (match := re.match(r" (\W*span \d)", line))] == [
        "span 0",
        "├─ span 1",
        "│  └─ span 2",
        "│     └─ span 3",
        "└─ span 4",
        "   ├─ span 5",
        "   └─ span 6",
        "span 7",
        "└─ span 8",
    ]


@pytest.mark.parametrize(
    ("input_usd", "output_usd", "shown"),
    [
        ("0.000150000", "0.000120000", "input $0.00015 · output $0.00012"),
        ("0.015360000", "0.900000000", "input $0.01536 · output $0.90"),
        ("0.000000400", "1204.500000000", "input <$0.000001 · output $1,204.50"),
    ],
)
async def test_parts_of_a_cost_are_exact(api, given_calls, lines, input_usd, output_usd, shown):
    """Guarantees: they add up as they are read, which four decimals do not."""
    document = await api(given_calls.charged(1, 1, 270_000, status="exact"))(f"/traces/{TRACE}")
    [span] = document.spans
    parts = {"input_usd": input_usd, "output_usd": output_usd}
    call = span.call.model_copy(update={"classes": span.call.classes.model_copy(update=parts)})
    spans = [span.model_copy(update={"call": call})]
    drawn = "\n".join(lines(draw_trace(document.model_copy(update={"spans": spans}), 120)))
    assert shown in drawn


async def test_an_aggregate_has_the_subtotal_of_its_call(api, given_calls, lines):
    """Guarantees: what an agent adds is not taken for all that is below it."""
    made = given_calls.charged
    document = await api(
        made(1, 1, 7 * 10**9, calls=0, agent="planner", status="aggregate"),
        made(2, 3, 4 * 10**9, parent=1, status="exact"),
    )(f"/traces/{TRACE}")
    root = document.spans[0]
    sums = root.model_copy(update={"call": root.call.model_copy(update={"aggregate": "sum"})})
    shown = lines(draw_trace(document.model_copy(update={"spans": [sums, document.spans[1]]}), 80))
    assert [line for line in shown if "7.0000" in line and "11.0000" in line]


async def test_an_agent_that_adds_nothing_is_not_called_unpriced(api, given_calls, lines):
    made = given_calls.charged
    document = await api(
        made(1, 1, 0, calls=0, agent="planner", status="unpriced"),
        made(2, 3, 4 * 10**9, parent=1, status="exact"),
    )(f"/traces/{TRACE}")
    root = document.spans[0]
    call = root.call.model_copy(update={"aggregate": "sum", "reason": "no model named"})
    spans = [root.model_copy(update={"call": call}), document.spans[1]]
    text = "\n".join(lines(draw_trace(document.model_copy(update={"spans": spans}), 80)))
    assert "its tokens are those of the spans below" in text
    assert "unpriced" not in text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(12.4, "12 ms"), (16_000, "16.0 s"), (150_000, "2 min"), (5_401_000, "90 min"),
     (90_061_000, "25 h 1 min")],
)  # fmt: skip
async def test_how_long_a_trace_took(api, lines, milliseconds, text):
    document = await api()(f"/traces/{TRACE}")
    trace = document.trace.model_copy(update={"duration_ms": milliseconds})
    shown = lines(draw_trace(document.model_copy(update={"trace": trace}), 80))
    assert shown[1].endswith(f"100 tokens, in {text}")


async def test_a_trace_of_unknown_cost_is_no_zero(api, given_calls, lines):
    ask = api(given_calls.charged(1, 30, 0, user="u2", session="s1", model="who", unpriced=1))
    assert " unknown  " in lines(draw_owner(await ask("/sessions/s1"), 80))[-1]


async def test_an_id_that_nothing_has_is_said_to_be_one(api, lines):
    shown = lines(draw_owner(await api()("/sessions/s-one"), 80))
    assert shown[1:] == [
        " nothing was used in this time",
        " no call that is kept names this session; check the id",
    ]


async def test_an_owner_has_its_traces(api, lines):
    shown = lines(draw_owner(await api()("/sessions/s1"), 80))
    assert shown[0].startswith("── costs · all time · UTC · session s1 ──")
    assert shown[-3] == " its latest traces"
    assert shown[-1].endswith(TRACE)


async def test_a_trace_whose_cost_is_only_unknown_is_no_zero(api, given_calls, lines):
    """Guarantees: neither in a list of traces, nor as the subtotal of its tree."""
    made = given_calls.charged
    ask = api(
        made(1, 1, 0, calls=0, agent_runs=1, agent="planner", session="s9"),
        made(2, 3, 0, parent=1, unpriced=1, model="who", session="s9"),
        made(3, 4, 0, parent=1, unpriced=1, model="who", session="s9"),
    )
    shown = lines(draw_owner(await ask("/sessions/s9"), 80))
    assert shown[-1].split()[-2:] == ["unknown", TRACE]
    tree = "\n".join(lines(draw_trace(await ask(f"/traces/{TRACE}"), 80)))
    assert tree.count("unknown") >= 3
    assert "0.0000" not in tree


async def overview(api, *charges):
    ask = api(*charges)
    periods = {
        word: await ask("/costs", ("window", word), ("compare", "previous"))
        for word in ("today", "week", "month")
    }
    ranked = [
        await ask("/costs", ("window", "today"), ("group_by", name))
        for name in ("agent", "task_type")
    ]
    traces = await ask("/traces")
    assert isinstance(traces, TracesDocument)
    assert isinstance(ranked[0], CostsDocument)
    budgets = (await ask("/budgets")).data
    return Overview(periods, "today", *ranked, [Task(each, each) for each in traces.data], budgets)


async def test_the_first_screen_has_all_of_it(api):
    found = await overview(api)
    text = "".join(f"{drawn(part, 80, is_coloured=False)}\n" for part in draw_today(found, 80))
    for each in (
        "── costs · 2027-01-15 08:00 UTC ──", "today       ≥ 1.0000", "by agent, today",
        "by task type, today", "latest tasks, with all they have cost", "(no task) reader",
    ):  # fmt: skip
        assert each in text


def test_an_empty_ledger_says_how_to_fill_it(lines):
    commands = ["export A=b", "export C=d"]
    assert [line.strip() for line in lines(draw_empty(commands))][1:] == commands


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("is_coloured", [False, True])
async def test_names_can_neither_break_lines_nor_steer_a_terminal(
    api, given_calls, width, is_coloured
):
    """Guarantees: with hostile and very long names every line fits, and is a line."""
    names = {"agent": HOSTILE * 9, "model": HOSTILE, "provider": "p" * 200, "task_type": "表" * 90}
    made = given_calls.charged
    charges = [
        made(1, 10, 10**9, user=HOSTILE, session="s" * 300, task=HOSTILE, **names),
        made(2, 20, 5, parent=1, user=HOSTILE, session="s" * 300, task=HOSTILE, **names),
    ]
    ask = api(*charges)
    parts = [
        *draw_costs(await ask("/costs", ("group_by", "agent"), ("group_by", "model")), width),
        *draw_calls(await ask("/calls"), width),
        *draw_trace(await ask(f"/traces/{TRACE}"), width),
        *draw_owner(await ask(f"/sessions/{'s' * 300}"), width),
        *draw_today(await overview(api, *charges), width),
    ]
    for part in parts:
        text = drawn(part, width, is_coloured=is_coloured)
        for sequence in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[38;5;31m", "\x1b[38;5;166m"):
            text = text.replace(sequence, "" if is_coloured else "?")
        assert not any(sign in text for sign in "\x1b\r\u202e\U000e0041")
        assert all(cells(line) <= width for line in text.splitlines())
