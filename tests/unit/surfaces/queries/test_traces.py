"""Calls one by one, and traces and runs as trees."""

from __future__ import annotations

import pytest

from processor.core.errors import InvalidQuestionError, NotFoundError
from processor.surfaces.queries import CallsRequest, TimeRange

TRACE = (1).to_bytes(16).hex()


def span(number):
    return number.to_bytes(8)


async def test_calls_are_listed_newest_first_in_pages(ask, given_calls):
    """Guarantees: pages hold every call once, also those that ended at one moment."""
    made = given_calls.charged
    queries = ask(*(made(number, number // 2, number) for number in range(1, 8)))
    found, cursor, pages = [], "", 0
    while True:
        page = await queries.calls(CallsRequest(cursor=cursor, limit=3))
        found += [call.totals.cost_nano_usd for call in page.calls]
        cursor, pages = page.cursor, pages + 1
        if not cursor:
            break
    assert (found, pages) == ([7, 6, 5, 4, 3, 2, 1], 3)


async def test_calls_that_come_meanwhile_do_not_move_the_next_page(ask, given_calls):
    made = given_calls.charged
    before = [made(number, number, number) for number in range(1, 5)]
    page = await ask(*before).calls(CallsRequest(limit=2))
    assert [call.totals.cost_nano_usd for call in page.calls] == [4, 3]
    later = [*before, made(5, 100, 5)]
    page = await ask(*later).calls(CallsRequest(limit=2, cursor=page.cursor))
    assert [call.totals.cost_nano_usd for call in page.calls] == [2, 1]


@pytest.mark.parametrize(
    ("filters", "costs"),
    [
        ({"agent": ["a"]}, [4, 1]),
        ({"user": ["u"]}, [3, 1]),
        ({"session": ["s"]}, [3]),
        ({"agent": ["a"], "user": ["u"]}, [1]),
        ({"agent": [""]}, [3, 2]),
        ({"trace": [(2).to_bytes(16).hex()]}, [4]),
        ({"agent": ["nobody"]}, []),
    ],
)
async def test_calls_are_filtered(ask, given_calls, filters, costs):
    made, day = given_calls.charged, given_calls.DAY_S
    queries = ask(
        made(1, -40 * day, 1, agent="a", user="u"), made(2, -day, 2),
        made(3, 10, 3, user="u", session="s"), made(4, 20, 4, agent="a", trace=2),
    )  # fmt: skip
    page = await queries.calls(CallsRequest(filters=filters))
    assert [call.totals.cost_nano_usd for call in page.calls] == costs
    page = await queries.calls(CallsRequest(TimeRange("7d"), filters=filters))
    assert [call.totals.cost_nano_usd for call in page.calls] == [
        each for each in costs if each > 1
    ]


async def test_a_call_says_whose_it_is(ask, given_calls):
    call = given_calls.charged(
        1, 10, 5, user="u", session="s", task="t", model="m", kind="llm",
        own=(("team", "x"),), parent=9,
    )  # fmt: skip
    [found] = (await ask(call).calls(CallsRequest())).calls
    assert (found.user, found.session, found.task) == ("u", "s", "t")
    assert (found.dimensions.model, found.dimensions.own) == ("m", (("team", "x"),))
    assert (found.trace_id.hex(), found.span_id, found.parent_id) == (TRACE, span(1), span(9))


@pytest.fixture
def tree(ask, given_calls):
    """An agent with two calls, one of them below another agent; and a call of a lost parent."""
    made = given_calls.charged
    return ask(
        made(1, 90, 0, calls=0, agent_runs=1, agent="planner", kind="agent"),
        made(2, 10, 5, parent=1, model="a"),
        made(3, 50, 0, calls=0, parent=1, kind="agent"),
        made(4, 40, 7, parent=3, model="b"),
        made(5, 60, 11, parent=77, model="b"),
        change=lambda db: db.execute(
            f"INSERT INTO corrections VALUES (1, 1, ?, ?, 0, -2{', 0' * 11})",
            (span(2), span(4)),
        ),
    )  # fmt: skip


async def test_a_trace_is_a_tree(tree):
    report = await tree.trace(TRACE)
    assert [(each.span.span_id[-1], each.depth) for each in report.spans] == [
        (5, 0), (1, 0), (2, 1), (3, 1), (4, 2),
    ]  # fmt: skip
    subtotals = {each.span.span_id[-1]: each.subtotal.cost_nano_usd for each in report.spans}
    assert subtotals == {1: 12, 2: 5, 3: 7, 4: 7, 5: 11}
    assert report.totals.cost_nano_usd == 23
    assert [(group.values[1], group.totals.cost_nano_usd) for group in report.by_model] == [
        ("b", 18), ("a", 5),
    ]  # fmt: skip


async def test_missing_parents_are_named(tree):
    report = await tree.trace(TRACE)
    assert report.missing_parents == (span(77),)
    assert [each.span.span_id[-1] for each in report.spans if each.is_parent_missing] == [5]


async def test_corrections_stand_with_the_span_that_they_change(tree):
    spans = {each.span.span_id: each.span for each in (await tree.trace(TRACE)).spans}
    assert spans[span(2)].corrections == ((span(4), -2),)
    assert spans[span(4)].corrections == ()


async def test_a_run_is_the_part_below_its_agent(tree):
    report = await tree.run(f"{TRACE}:{span(3).hex()}")
    assert [(each.span.span_id[-1], each.depth) for each in report.spans] == [(3, 0), (4, 1)]
    assert report.totals.cost_nano_usd == 7


async def test_what_is_not_there_is_not_found(tree):
    with pytest.raises(NotFoundError, match="nothing was charged in a trace"):
        await tree.trace("ff" * 16)
    with pytest.raises(NotFoundError, match="has no agent with the id"):
        await tree.run(f"{TRACE}:{'ff' * 8}")


async def test_a_trace_is_found_by_how_its_id_begins(ask, given_calls):
    """Guarantees: what a terminal shows of an id is enough, and never stands for another trace."""
    made, begins = given_calls.charged, int("04deded4" + 24 * "0", 16)
    queries = ask(made(1, 1, 5, trace=begins + 1), made(2, 2, 7, trace=begins + 2**96))
    for text in ("04deded4", "04DEDED400", f"{begins + 1:032x}"):
        report = await queries.trace(text)
        assert report.trace.trace_id == (begins + 1).to_bytes(16)
        assert report.totals.cost_nano_usd == 5
        [trace] = (await queries.whole_trace(text)).traces
        assert trace.totals.cost_nano_usd == 5
    with pytest.raises(NotFoundError, match=r"in a trace that begins with 04deded6$"):
        await queries.trace("04deded6")
    several = ask(made(1, 1, 5, trace=begins + 1), made(2, 2, 7, trace=begins + 2))
    with pytest.raises(InvalidQuestionError, match="several traces begin with 04deded400"):
        await several.trace("04deded400")
    for text in ("04deded", 33 * "0", "04deded4-", ""):
        with pytest.raises(InvalidQuestionError, match="or its first 8 or more"):
            await queries.trace(text)


@pytest.mark.parametrize(("limit", "is_cut"), [(4, True), (5, False)])
async def test_a_trace_with_more_spans_than_are_shown_says_so(tree, limit, is_cut):
    report = await tree.trace(TRACE, spans=limit)
    assert (report.is_cut, len(report.spans)) == (is_cut, limit)
    assert report.totals.cost_nano_usd == 23


async def test_rows_that_replace_others_cut_nothing(ask, given_calls):
    """Guarantees: what counts is spans, each as it is now, also where it came first last."""
    made = given_calls.charged
    again = "INSERT INTO spans SELECT id + 10, {} FROM spans WHERE id <= 2".format(
        "trace, span_id, parent_id, time_ns, flags, own_id, origin_id, details_id, input, "
        "cache_read, cache_write, cache_write_1h, output, reasoning, more, cost, cost_input, "
        "cost_output, cost_cache_read, cost_cache_write, cost_fees, saved, reported, response, "
        "duration_ns, stamp"
    )

    def repeat(db):
        db.execute(again)
        for table in ("charges", "charge_sums"):
            db.execute(f"UPDATE {table} SET id = id + 10 WHERE id <= 2")

    queries = ask(made(1, 10, 5), made(2, 20, 7), made(3, 30, 11), change=repeat)
    report = await queries.trace(TRACE, spans=3)
    assert [each.span.charge.totals.cost_nano_usd for each in report.spans] == [5, 7, 11]
    assert not report.is_cut
    report = await queries.trace(TRACE, spans=2)
    assert [each.span.charge.totals.cost_nano_usd for each in report.spans] == [5, 7]
    assert report.is_cut


async def test_a_run_has_all_its_cost_however_little_of_its_trace_is_shown(tree):
    """Guarantees: it is found beyond what is shown, and its totals are whole where it is cut."""
    report = await tree.run(f"{TRACE}:{span(1).hex()}", spans=1)
    assert [each.span.span_id for each in report.spans] == [span(1)]
    assert (report.totals.cost_nano_usd, report.is_cut) == (12, True)
    report = await tree.run(f"{TRACE}:{span(4).hex()}", spans=1)
    assert (report.totals.cost_nano_usd, report.is_cut) == (7, False)
    assert not report.spans[0].is_parent_missing
