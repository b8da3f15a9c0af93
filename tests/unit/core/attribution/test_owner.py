"""Whom a span belongs to: its own word, the nearest ancestor's, the trace's, the surroundings'."""

from __future__ import annotations

import pytest

from processor.core.attribution.node import ScopeIds
from processor.core.attribution.owner import (
    AGENT_RUN,
    BUILT_IN_DIMENSIONS,
    by_scope,
    id_in,
    resolve,
)
from processor.core.attribution.trace import Trace
from processor.core.model import Owner

OWNED = BUILT_IN_DIMENSIONS[:AGENT_RUN]
"""The dimensions that spans, scopes and resources may name."""
NAMED = Owner._fields[:-1]
"""All but the operator's own."""


def ids_of(given, number, *specs):
    """The ids of one span among some, by scope."""
    trace = Trace(b"t" * 16)
    for one in specs:
        trace.insert(given.node(one))
    ids, _ = resolve(trace, trace.nodes[given.span_id(number)])
    return by_scope(ids)


def is_outermost(given, number, *specs):
    trace = Trace(b"t" * 16)
    for one in specs:
        trace.insert(given.node(one))
    return resolve(trace, trace.nodes[given.span_id(number)])[1]


def test_nobody_is_an_owner_without_a_name_and_is_never_guessed(given):
    ids = ids_of(given, 1, given.call(1))
    assert {ids[scope] for scope in BUILT_IN_DIMENSIONS[: AGENT_RUN + 1]} == {""}


def test_the_span_itself_is_asked_first(given):
    above = given.carrier(1, **dict.fromkeys(NAMED, "up"))
    own = Owner(**dict.fromkeys(NAMED, "own"))
    ids = ids_of(given, 2, above, given.call(2, 1, own=own))
    assert {ids[name] for name in OWNED} == {"own"}


@pytest.mark.parametrize("dimension", OWNED)
def test_every_dimension_is_asked_for_by_itself(given, dimension):
    """Guarantees: what a span says of one dimension hides nothing that is said above it."""
    others = [name for name in OWNED if name != dimension]
    above = given.carrier(1, **{name: f"up-{name}" for name in OWNED})
    ids = ids_of(given, 2, above, given.call(2, 1, own=Owner(**{dimension: "own"})))
    assert ids[dimension] == "own"
    assert [ids[name] for name in others] == [f"up-{name}" for name in others]


def test_the_owned_dimensions_are_the_first_fields_of_an_owner():
    assert Owner._fields == (*OWNED, "task_title", "own_dimensions")
    rest = ("agent_run", "model", "provider", "service", "kind", "status", "own_dimensions")
    assert ScopeIds._fields == (*OWNED, *rest)


def test_an_own_dimension_is_resolved_like_a_built_in_one(given):
    """Guarantees: span, nearest ancestor, trace, surroundings; each dimension by itself."""
    above = given.carrier(1, own_dimensions=(("plan", "pro"), ("team", "far")))
    near = given.carrier(2, 1, own_dimensions=(("team", "near"),))
    around = Owner(own_dimensions=(("environment", "test"), ("team", "resource")))
    ids = ids_of(given, 3, above, near, given.call(3, 2, inherited=around))
    assert (ids["plan"], ids["team"], ids["environment"]) == ("pro", "near", "test")
    mine = given.call(3, 2, own=Owner(own_dimensions=(("team", "own"),)), inherited=around)
    ids = ids_of(given, 3, above, near, mine)
    assert (ids["plan"], ids["team"], ids["environment"]) == ("pro", "own", "test")


def test_an_own_dimension_is_that_of_the_trace_where_all_agree(given):
    one, other = (given.carrier(at, own_dimensions=(("team", f"t{at}"),)) for at in (1, 2))
    assert ids_of(given, 3, one, given.call(3))["team"] == "t1"
    assert "team" not in ids_of(given, 3, one, other, given.call(3))


def test_an_id_is_found_by_the_name_of_its_dimension(given):
    trace = Trace(b"t" * 16)
    trace.insert(given.node(given.call(1, own=Owner(session="s", own_dimensions=(("team", "t"),)))))
    ids, _ = resolve(trace, trace.nodes[given.span_id(1)])
    found = [
        id_in(ids, scope) for scope in ("session", "team", "agent_run", "own_dimensions", "planet")
    ]
    assert found == ["s", "t", "", None, None]


def test_a_title_stands_for_a_task_that_has_no_id(given):
    titled = Owner(task_title="Fix the bug")
    assert ids_of(given, 1, given.call(1, own=titled))["task"] == "Fix the bug"
    above = given.carrier(1, task="T-9")
    assert ids_of(given, 2, above, given.call(2, 1, own=titled))["task"] == "T-9"


def test_the_nearest_ancestor_that_says_so_wins_for_each_dimension(given):
    ids = ids_of(
        given, 4,
        given.carrier(1, session="far", user="far"),
        given.carrier(2, 1, session="near"),
        given.plain(3, 2),
        given.call(4, 3),
    )  # fmt: skip
    assert (ids["session"], ids["user"]) == ("near", "far")


def test_the_nearest_ancestor_beats_what_the_trace_agrees_on(given):
    """Guarantees: where carriers disagree, there is no common word, and the near one counts."""
    ids = ids_of(
        given, 3,
        given.carrier(1, session="elsewhere"),
        given.carrier(2, session="above"),
        given.call(3, 2),
    )  # fmt: skip
    assert ids["session"] == "above"


def test_what_the_trace_agrees_on_beats_the_surroundings(given):
    specs = given.call(2, inherited=Owner(session="resource", feature="resource"))
    ids = ids_of(given, 2, given.carrier(1, session="s"), specs)
    assert (ids["session"], ids["feature"]) == ("s", "resource")


def test_the_surroundings_are_asked_last(given):
    ids = ids_of(given, 1, given.call(1, inherited=Owner(*"abcdefgh")))
    assert [ids[name] for name in OWNED] == list("abcdefgh")


def test_the_surroundings_of_an_ancestor_are_not_inherited(given):
    """Guarantees: another service's resource says nothing about this one's calls."""
    above = given.plain(1, inherited=Owner(session="other"))
    assert ids_of(given, 2, above, given.call(2, 1))["session"] == ""


def test_sessions_that_contradict_each_other_belong_to_nobody_else(given):
    ids = ids_of(
        given, 3, given.carrier(1, session="s1"), given.carrier(2, session="s2"), given.call(3)
    )
    assert ids["session"] == ""


@pytest.mark.parametrize("dimension", ["agent", "feature", "task", "task_type", "purpose"])
def test_what_need_not_hold_for_a_whole_trace_is_never_taken_from_a_sibling(given, dimension):
    ids = ids_of(given, 2, given.carrier(1, **{dimension: "x"}), given.call(2))
    assert ids[dimension] == ""


def test_a_run_is_named_after_its_outermost_agent(given):
    specs = (
        given.plain(1),
        given.agent(2, 1, "outer"),
        given.plain(3, 2),
        given.agent(4, 3, "inner"),
        given.call(5, 4),
    )
    ids = ids_of(given, 5, *specs)
    assert ids["agent_run"] == f"{(b't' * 16).hex()}:{given.span_id(2).hex()}"
    assert ids["agent"] == "inner"
    assert is_outermost(given, 2, *specs)
    assert not is_outermost(given, 4, *specs)
    assert not is_outermost(given, 5, *specs)


def test_two_agents_side_by_side_are_two_runs(given):
    specs = (given.plain(1), given.agent(2, 1), given.agent(3, 1), given.call(4, 3))
    assert is_outermost(given, 2, *specs)
    assert is_outermost(given, 3, *specs)
    assert ids_of(given, 4, *specs)["agent_run"].endswith(given.span_id(3).hex())


def test_a_span_that_is_no_call_has_neither_model_nor_provider(given):
    ids = ids_of(given, 1, given.agent(1))
    assert (ids["model"], ids["provider"], ids["service"]) == (None, None, "svc")


def test_a_call_has_the_model_and_provider_of_its_price(given):
    ids = ids_of(given, 1, given.call(1))
    assert (ids["model"], ids["provider"]) == ("gpt-4o", "openai")


def test_a_span_that_is_its_own_parent_is_its_own_owner(given):
    assert ids_of(given, 1, given.call(1, 1, own=Owner(session="s")))["session"] == "s"
