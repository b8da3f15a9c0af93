"""Budgets as a table: what needs attention first, and it fits."""

from __future__ import annotations

import pytest

from processor.surfaces.api.documents import (
    AsOfDocument,
    BudgetDocument,
    BudgetRule,
    BudgetsDocument,
)
from processor.surfaces.terminal.budgets import draw_budgets
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells


def row(name, scope_id, spent, limit, state="ok", **fields):
    is_usd = fields.get("unit", "usd") == "usd"
    given = {
        "budget": name, "scope": "user", "scope_id": scope_id, "starting_at": None,
        "ending_at": "2026-12-01T00:00:00+00:00", "unit": "usd",
        "limit_usd": f"{limit:.9f}" if is_usd else None, "limit_tokens": None if is_usd else limit,
        "spent_usd": f"{spent:.9f}" if is_usd else None, "spent_tokens": None if is_usd else spent,
        "ratio": spent / limit, "at_least": False, "window": "day", "remaining_usd": None,
        "remaining_tokens": None, "warn_at": [], "state": state, "progress": 1.0,
        "projected_crossing_at": None,
    }  # fmt: skip
    return BudgetDocument(**{**given, **fields})


def rule(name, scope, window, limit="1.000000000"):
    return BudgetRule(
        budget=name, scope=scope, window=window, unit="usd", limit_usd=limit, limit_tokens=None,
        warn_at=[], match={}, overrides=0,
    )  # fmt: skip


ROWS = [
    row("per-user-daily", "ada", 12.5, 50),
    row("per-user-daily", "grace-hopper-with-a-very-long-name@example.com", 45, 50, "warning"),
    row("per-org-daily", "acme", 1120.5, 1000, "exceeded", at_least=True),
    row("per-session", "s-1", 20, 10, "exceeded", ending_at=None, window="none"),
    row("research-tokens", "r", 5_000_000, 50_000_000, unit="tokens"),
    row("per-team", "search", 0.00001, 50, progress=0.25),
    row("per-call", None, 0, 1, scope="call"),
]
RULES = [
    rule("per-call", "call", "none"), rule("per-session", "session", "none"),
    rule("per-trace", "trace", "none"), rule("org-weekly", "org", "week"),
]  # fmt: skip


def picture(rows=ROWS, rules=RULES, width=80, *, is_coloured=False):
    document = BudgetsDocument(
        data=rows, budgets=rules, next_cursor=None, time_zone="UTC", partial=[],
        as_of=AsOfDocument(
            read_at="2026-11-30T12:00:00+00:00", last_call_at=None, version="v"
        ),
    )  # fmt: skip
    return drawn(draw_budgets(document, width), width, is_coloured=is_coloured)


def test_the_picture_at_80_columns():
    assert (
        picture() + "\n"
        == """\
 budget         for            used                        spent / limit  resets
 per-session    s-1            ████████  200% over        $20.0000 / $10  never
 per-org-daily  acme           ████████  112% over  ≥ $1,120.50 / $1,000  12 h
 per-us…-daily  grace-…le.com  ███████▎   90% near        $45.0000 / $50  12 h
 per-us…-daily  ada            ██······   25%             $12.5000 / $50  12 h
 resear…tokens  r              ▊·······   10%            5.00M / 50M tok  12 h
 per-team       search         ▏·······   25% read        <$0.0001 / $50  12 h
 per-call: $1.00 for each call
 per-trace: $1.00 for each trace; none has reached it or a warning
 org-weekly: $1.00 a week for each org; nothing counts for it now
"""
    )


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width):
    for line in picture(width=width).splitlines():
        assert cells(line) <= width


def test_wide_terminals_have_whole_names_and_the_moment_of_the_reset():
    text = picture(width=120)
    assert "12 h, 12-01 00:00" in text
    assert "per-user-daily" in text


def test_what_is_said_by_colour_is_said_by_a_word_too():
    plain, coloured = picture(), picture(is_coloured=True)
    assert "over" in plain
    assert "near" in plain
    assert "\x1b[1;38;5;196m" in coloured
    assert "\x1b" not in plain


def test_a_limit_of_less_than_a_cent_is_whole():
    assert "$0.0010 / $1.005" in picture([row("per-user-daily", "a", 0.001, 1.005)], [])


def test_what_is_at_least_next_to_nothing_is_not_less_than_it_too():
    shown = picture([row("per-team", "search", 0.00001, 50, at_least=True)], [])
    assert "≥ $0.0000 / $50" in shown


def test_names_from_outside_are_escaped():
    text = picture([row("per-user-daily", "a\x1b[2Jb", 1, 50)], [])
    assert "\x1b" not in text


def test_without_budgets_it_says_so():
    assert picture([], []) == " There are no budgets."
