"""A trace is read as turns have written it: its tree, and which rows are no spans of it."""

import random

import pytest

from processor.io.ledger.reading import SqliteView
from processor.surfaces.queries.traces import trace_report

NOW_NS = 1_900_000_000 * 10**9


def tree_of(opened, given, trace=1):
    """Depth, kind, span and subtotal in tokens of each span of a trace."""
    trace_id = given.trace_id(trace)
    report = trace_report(SqliteView(opened.store._db), (trace_id, trace_id), NOW_NS)
    return [
        (
            each.depth,
            "tool" if each.span.is_tool else "agent" if each.span.is_agent else "",
            int.from_bytes(each.span.span_id, "big"),
            each.subtotal.input_tokens,
        )
        for each in report.spans
    ], report.missing_parents


async def test_an_agent_that_is_called_through_a_tool_is_below_its_caller(opened, given):
    """Guarantees: what a caller's subtotal says is what its span says."""
    stamps = await opened.post(
        given.carrier(1, user="ada", at_s=9),
        given.agent(2, 1, name="planner", at_s=8),
        given.call(3, 2, tokens=10, at_s=1),
        given.tool(4, 2, at_s=7),
        given.agent(5, 4, name="researcher", at_s=6),
        given.call(6, 5, tokens=100, at_s=2),
    )
    found, missing = tree_of(opened, given)
    assert missing == ()
    assert sorted(found) == [
        (0, "", 1, 110), (1, "agent", 2, 110), (2, "", 3, 10), (2, "tool", 4, 100),
        (3, "agent", 5, 100), (4, "", 6, 100),
    ]  # fmt: skip
    assert stamps[1].agent.input_tokens == 110


@pytest.mark.parametrize("seed", range(20))
async def test_subtotals_are_what_agents_say_whatever_is_between(opened, given, seed):
    """Guarantees: one number for what an agent cost, on its span and in the tree of its trace."""
    chance = random.Random(seed)
    above, specs, agents = [1], [given.carrier(1, user="ada", at_s=99)], []
    for number in range(2, 16):
        parent, at_s = chance.choice(above), chance.randrange(90)
        kind = chance.choice(("call", "call", "agent", "tool", "plain"))
        if kind == "call":
            specs.append(given.call(number, parent, tokens=chance.randrange(1, 100), at_s=at_s))
            continue
        above.append(number)
        agents += [number] * (kind == "agent")
        specs.append(getattr(given, kind)(number, parent, at_s=at_s))
    chance.shuffle(specs)
    stamps = await opened.post(*specs)
    rows = {spec.span: row for row, spec in enumerate(specs)}
    subtotals = {span: tokens for _, _, span, tokens in tree_of(opened, given)[0]}
    said = {each: stamps[rows[each]].agent for each in agents}
    assert {each: subtotals.get(each, 0) for each in agents} == {
        each: 0 if total is None else total.input_tokens for each, total in said.items()
    }
