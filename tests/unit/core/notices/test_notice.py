"""Ids and JSON of crossings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from unit.core.notices.test_message import RULES, START_S, crossing

from processor.core.notices import (
    crossing_document,
    crossing_id,
    crossings_notice,
    folded_id,
    is_notified,
)
from processor.surfaces.api.documents.budgets import CrossingDocument


def test_an_id_is_that_of_the_key_and_of_nothing_else():
    one = crossing()
    assert crossing_id(one) == crossing_id(one._replace(spent=1, at_least=True, span="", late=True))
    others = {
        crossing_id(one._replace(**{name: value}))
        for name, value in (
            ("budget", "b"),
            ("scope", "s"),
            ("scope_id", "i"),
            ("window_start_s", 1),
            ("limit", 1),
            ("unit", "tokens"),
            ("threshold", 1.0),
        )
    }
    assert len(others | {crossing_id(one)}) == 8


def test_one_message_of_several_has_the_same_id_in_any_order():
    assert folded_id(["a", "b"]) == folded_id(["b", "a"]) != folded_id(["a", "c"])
    assert folded_id(["a"]) == "a"


@pytest.mark.parametrize("more", [{}, {"unit": "tokens", "scope": "total", "scope_id": ""}])
def test_the_json_is_what_the_api_says_of_a_crossing(more):
    """Guarantees: a program reads a webhook and the API by the same names and numbers."""
    one = crossing(**more)
    document = CrossingDocument.from_crossing(one, ZoneInfo("Europe/Berlin"))
    assert crossing_document(one, RULES) == document.model_dump(mode="json")


def test_the_type_of_a_notice_says_whether_a_limit_was_reached():
    assert crossings_notice([crossing()], RULES, 0, 0).type == "budget.warning"
    assert crossings_notice([crossing(threshold=1.0)], RULES, 0, 0).type == "budget.exceeded"


def test_what_is_found_in_a_window_of_long_ago_is_no_news():
    """Guarantees: a reprice of old calls, or spans of last month, notify nobody."""
    end_s = crossing().window_end_s
    assert is_notified(crossing(), end_s + 86_400)
    assert not is_notified(crossing(), end_s + 86_401)
    assert is_notified(crossing(window_start_s=0, window_end_s=0), START_S * 10)
