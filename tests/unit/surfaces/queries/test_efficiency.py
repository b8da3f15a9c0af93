"""A task beside others of its type: no score without a baseline, or of an unknown cost."""

from __future__ import annotations

import pytest
from asked.calls import Sent

from processor.core.errors import NotFoundError
from processor.core.model import Owner, Usage
from processor.core.pricing import compile_catalog, parse_prices

NOW_S = 1_800_000_000
CATALOG = compile_catalog(
    parse_prices(
        "catalogue: {source: none}\n"
        "models: [{provider: openai, model: m, prices: {input: 1, output: 1}}]",
        "p.yaml",
    )
)


def call(task, tokens, *, span=1, task_type="review", model="m", trace=None, parent=0):
    own = Owner(task=task, task_type=task_type)
    return Sent(trace or int(task[1:]), span, NOW_S - 5000 + span * 10, model,
                Usage(input=tokens), own=own, parent=parent)  # fmt: skip


def tasks(count, task_type="review"):
    """Tasks t1 … that have used a thousand tokens, two thousand …; each in two calls."""
    return [
        call(f"t{number}", 500 * number, span=span, task_type=task_type)
        for number in range(1, count + 1)
        for span in (1, 2)
    ]


async def standing(ask_written, spans, task):
    return (await (await ask_written(spans, CATALOG)).insight.efficiency(task)).standing


async def test_the_score_is_the_median_of_others_beside_what_the_task_cost(ask_written):
    found = await standing(ask_written, tasks(12), "t4")
    # Others: 1, 2, 3, 5 … 12 thousand tokens, whose median is 7 thousand.
    assert (found.baseline.tasks, found.baseline.median_tokens) == (11, 7000)
    assert found.baseline.median_nano_usd == 7000 * 1000
    assert found.baseline.mean_tokens == round((78 - 4) * 1000 / 11)
    assert (found.totals.tokens, found.task_type, found.reason) == (4000, "review", "")
    assert found.score == pytest.approx(7 / 4)


@pytest.mark.parametrize(
    ("spans", "task", "reason"),
    [
        (tasks(10), "t4", "fewer than 10 other tasks"),
        (tasks(12, task_type=None), "t4", "the task has no type"),
        ([*tasks(12), call("t13", 1000, model="nobody-sells-it")], "t13", "its cost is not known"),
        ([*tasks(9), call("t10", 9, model="nobody-sells-it"), call("t11", 9)], "t11", "fewer than"),
        ([*tasks(12, task_type="other"), call("t13", 9)], "t13", "fewer than 10 other tasks"),
    ],
)
async def test_there_is_no_score_without_a_baseline(ask_written, spans, task, reason):
    found = await standing(ask_written, spans, task)
    assert found.score is None
    assert reason in found.reason


async def test_what_would_have_cost_less_in_this_task_alone(ask_written):
    """Guarantees: calls of other tasks are not looked at."""
    spans = [
        call(task, 900, span=span, trace=trace, parent=9)
        for task, trace in (("t1", 1), ("t2", 2))
        for span in (1, 2, 3)
    ]
    queries = await ask_written(spans, CATALOG)
    report = await queries.insight.efficiency("t1")
    [found] = report.suggestions
    assert found.group.kind == "repeated_calls"
    assert {trace for trace, _ in found.ids} == {(1).to_bytes(16)}
    assert found.saving_nano_usd == 2 * 900 * 1000


async def test_a_task_that_nobody_has(ask_written):
    queries = await ask_written(tasks(1), CATALOG)
    for task in ("t9", ""):
        with pytest.raises(NotFoundError):
            await queries.insight.efficiency(task)
