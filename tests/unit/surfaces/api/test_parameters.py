"""What cannot be asked is refused by the parameter's name, with the fix; nothing is ignored."""

from __future__ import annotations

import pytest

from processor.core.errors import NotFoundError
from processor.surfaces.api import InvalidParametersError


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("/costs", [("windw", "today")], r"^windw: unknown parameter; did you mean window\?"),
        ("/costs", [("filter", "a")], r"^filter: names no dimension; write filter\[agent\]=…"),
        ("/costs", [("filter[agnet]", "a")], r"^filter: unknown dimension 'agnet'; did you mean"),
        ("/costs", [("filter[trace]", "zz")], r"^filter\[trace\]: must be a trace id"),
        ("/costs", [("group_by", "agnet")], r"^group_by: .*did you mean agent\?"),
        ("/costs", [("bucket", "2d")], r"^bucket: unknown value '2d'; .*it takes 15m, 1h, 1d"),
        ("/costs", [("order_by", "-cost")], r"^order_by: .*did you mean -cost_usd\?"),
        ("/costs", [("limit", "0")], "^limit: must be at least 1, got 0"),
        ("/costs", [("limit", "9999")], "^limit: must be at most 1000, got 9999"),
        ("/costs", [("limit", "many")], "^limit: must be a whole number, got 'many'"),
        ("/costs", [("limit", "1"), ("limit", "2")], "^limit: is given more than once"),
        ("/costs", [("compare", "prior")], "^compare: unknown value 'prior'; .*takes previous"),
        ("/costs", [("classes", "perhaps")], "^classes: must be true or false"),
        ("/costs", [("format", "xml")], "^format: unknown value 'xml'; it takes json, csv"),
        ("/costs", [("time_zone", "Europe/Berln")], "^time_zone: .*did you mean Europe/Berlin"),
        ("/costs", [("starting_at", "soon")], "^starting_at: 'soon' is not a time; write 2026"),
        ("/costs", [("starting_at", "2026-11-01T00:00:00.5")], "has a part of a second"),
        ("/costs", [("starting_at", "1066-10-14")], "is not between 1970 and 2262"),
        (
            "/costs", [("starting_at", "2026-11-02"), ("ending_at", "2026-11-01")],
            "^ending_at: must be after starting_at",
        ),
        ("/calls", [("cursor", "zz")], "^cursor: is none that was given here"),
        ("/traces", [("kind", "llm")], "^kind: is of the calls of one execution"),
        ("/traces", [("filter[model]", "m")], "^filter: unknown dimension 'model'"),
        ("/traces", [("filter[user]", "a,b")], "^filter: takes one value of one dimension"),
        ("/traces/zz", [], "^trace_id: must be a trace id of 32 hex digits"),
        ("/agents/a", [("value", "b")], "^value: unknown parameter"),
        ("/agents/a", [("filter[agent]", "b")], r"^filter\[agent\]: is the agent asked about"),
        ("/owners/agnet/a", [], r"^dimension: .*did you mean agent\?"),
        ("/dimensions", [("dimension", "agnet")], "^dimension: unknown dimension"),
    ],
)  # fmt: skip
async def test_what_cannot_be_asked(api, path, query, message):
    with pytest.raises(InvalidParametersError, match=message):
        await api()(path, *query)


async def test_every_problem_is_named_at_once(api):
    with pytest.raises(InvalidParametersError) as caught:
        await api()("/costs", ("windw", "x"), ("limit", "0"), ("format", "xml"))
    assert [each.parameter for each in caught.value.problems] == ["windw", "format", "limit"]


@pytest.mark.parametrize(
    ("value", "costs"),
    [("a", 1), ("a,b", 3), ("c\\,d", 4), ("", 8), ("a,", 9), ("nobody", 0)],
)
async def test_filters_take_lists_of_values(api, given_calls, value, costs):
    """Guarantees: commas part values, an escaped one belongs to one, an empty one has no name."""
    made = given_calls.charged
    ask = api(*(made(n + 1, n, 2**n, agent=name) for n, name in enumerate(["a", "b", "c,d", ""])))
    document = await ask("/costs", ("filter[agent]", value))
    assert document.totals.cost_usd == f"0.{costs:09d}"


async def test_filters_of_one_dimension_add_up_and_of_two_have_to_be_met(api):
    ask = api()
    both = await ask("/costs", ("filter[agent]", "writer"), ("filter[agent]", "reader"))
    assert both.totals.calls == 3
    narrow = await ask("/costs", ("filter[agent]", "writer"), ("filter[user]", "u1"))
    assert narrow.totals.calls == 1


@pytest.mark.parametrize("path", ["/", "/cost", "/agents/", "/agents/a/b", "/traces/%ff", ""])
async def test_there_is_nothing_at_other_paths(api, path):
    with pytest.raises(NotFoundError):
        await api()(path)
