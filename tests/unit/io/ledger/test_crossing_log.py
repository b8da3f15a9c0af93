"""Crossings that no span can carry are written to the log."""

from __future__ import annotations

import pytest

from processor.core.model import LOG_TRACE, Crossing
from processor.io.ledger.crossing_log import log_crossings

BY_RECORD = f"{(LOG_TRACE + b'12345678').hex()}:{b'abcdefgh'.hex()}"


def crossing(**more):
    values = {
        "budget": "daily", "scope": "total", "scope_id": "", "window_start_s": 0,
        "window_end_s": 0, "limit": 5 * 10**9, "unit": "usd", "threshold": 1.0, "spent": 6 * 10**9,
        "span": BY_RECORD,
    } | more  # fmt: skip
    return Crossing(**values)


@pytest.mark.parametrize(
    ("more", "logged"),
    [
        ({}, "budget daily: total (all) is at 6.00 USD and has reached the limit of 5.00 USD"),
        (
            {"threshold": 0.5, "scope": "user", "scope_id": "u"},
            "user u is at 6.00 USD and has reached 50%",
        ),
        (
            {"unit": "tokens", "spent": 9, "limit": 8},
            "at 9 tokens and has reached the limit of 8 tok",
        ),
    ],
)
def test_a_crossing_by_a_record_is_logged(caplog, more, logged):
    """Guarantees: what, whose, how much of how much."""
    log_crossings([crossing(**more)])
    (record,) = caplog.records
    assert logged in record.getMessage()


def test_a_crossing_by_a_span_is_not_logged(caplog):
    """Guarantees: what is written on a span is not repeated."""
    log_crossings([crossing(span=f"{b't' * 16!r}:1")])
    assert not caplog.records
