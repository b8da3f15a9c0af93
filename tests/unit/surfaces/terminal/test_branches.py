import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.surfaces.terminal.branches import branches
from processor.surfaces.terminal.received import ReceivedSpan


def span(span_id, parent_id="", start_ns=0):
    return ReceivedSpan(
        "t", span_id, parent_id, f"name {span_id}", start_ns, start_ns, False, "", {}
    )


def drawn(*spans):
    return [f"{branch.stem}{branch.span.span_id}" for branch in branches(spans)[0]]


def test_children_stand_below_their_parents_in_the_order_they_began():
    spans = [span("b", "root", 2), span("c", "a", 5), span("root"), span("a", "root", 1)]
    assert drawn(*spans) == ["root", "├─ a", "│  └─ c", "└─ b"]


def test_lines_below_a_name_continue_the_branches_around_it():
    found, _ = branches([span("root"), span("a", "root", 1), span("b", "root", 2)])
    assert [branch.below for branch in found] == ["│  ", "│  ", "   "]


def test_a_span_whose_parent_is_elsewhere_is_a_root():
    assert drawn(span("a", "unknown", 1), span("b", "", 2)) == ["a", "b"]


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "b", "b": "a"}])
def test_spans_in_a_circle_are_counted_and_not_followed(parents):
    spans = [span(each, parent) for each, parent in parents.items()]
    found, hidden = branches([*spans, span("root")])
    assert [branch.span.span_id for branch in found] == ["root"]
    assert hidden == len(parents)


def test_deep_nesting_does_not_push_names_off_the_line():
    spans = [span(str(depth), str(depth - 1), depth) for depth in range(1, 100)]
    found, hidden = branches(spans)
    assert hidden == 0
    assert max(len(branch.stem) for branch in found) <= 27
    assert found[-1].stem.startswith("… ")
    assert found[-1].stem.endswith("└─ ")


def test_a_huge_trace_is_cut_and_says_how_much():
    found, hidden = branches([span(str(number), "", number) for number in range(1000)])
    assert len(found) + hidden == 1000
    assert hidden > 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), unique_by=lambda pair: pair[0]))
def test_whatever_the_parents_each_span_is_drawn_at_most_once(pairs):
    found, hidden = branches([span(str(own), str(parent)) for own, parent in pairs])
    ids = [branch.span.span_id for branch in found]
    assert len(set(ids)) == len(ids)
    assert len(ids) + hidden == len(pairs)
