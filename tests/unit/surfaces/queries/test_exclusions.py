"""Which calls are to leave all sums: what cannot be meant is refused with the fix."""

from __future__ import annotations

import pytest

from processor.core.errors import InvalidQuestionError
from processor.core.model import TIME_NS_MAX, Selection
from processor.surfaces.queries.exclusions import check_exclude
from processor.surfaces.queries.requests import ExcludeRequest

TRACE, SPAN = "0f" * 16, "a0" * 8


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "say which calls: name a trace, span, session or user, or give a time"),
        ({"reason": "only that"}, "say which calls"),
        ({"trace": "zz"}, "trace: must be a trace id of 32 hex digits"),
        ({"span": TRACE}, "span: must be the id of a trace and of a span, 32 and 16 hex digits"),
        ({"span": f"{TRACE}:{SPAN}00"}, "span: must be the id of a trace and of a span"),
        ({"span": f"{TRACE}:{SPAN}", "trace": "00" * 16}, "span: is of another trace"),
        ({"start_ns": 9, "end_ns": 9}, "end: must be after the start"),
        ({"start_ns": 2**64 - 1}, "end: must be after the start"),
        ({"user": "u", "reason": "x" * 501}, "reason: has more than 500 characters"),
    ],
)
def test_what_cannot_be_excluded_is_refused(request_, message):
    with pytest.raises(InvalidQuestionError, match=message):
        check_exclude(ExcludeRequest(**request_))


def test_what_is_given_is_what_is_meant():
    found = check_exclude(ExcludeRequest(span=f"{TRACE}:{SPAN}", session="s", user="u", end_ns=5))
    ids = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    assert found == Selection(*ids, "s", "u", 0, 5)
    assert check_exclude(ExcludeRequest(start_ns=5)) == Selection(start_ns=5, end_ns=TIME_NS_MAX)
    assert found.describe() == {
        "trace": TRACE, "span": SPAN, "session": "s", "user": "u"
    }  # fmt: skip
