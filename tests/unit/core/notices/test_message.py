"""What people read of crossings."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from processor.core.budgets import parse_budgets
from processor.core.model import Crossing
from processor.core.notices import Rules, crossings_message, plain_name
from processor.core.notices.message import LISTED_MAX

BERLIN = ZoneInfo("Europe/Berlin")
START_S = int(datetime(2026, 11, 30, tzinfo=BERLIN).timestamp())
DAY_S = 86_400
RULES = Rules(
    parse_budgets(
        "timezone: Europe/Berlin\n"
        "budgets: [{name: per-user-daily, scope: user, window: day, limit_usd: 50}]",
        "b.yaml",
    )
)


def crossing(**more):
    values = {
        "budget": "per-user-daily", "scope": "user", "scope_id": "ada",
        "window_start_s": START_S, "window_end_s": START_S + DAY_S,
        "limit": 50 * 10**9, "unit": "usd", "threshold": 0.8, "spent": 41_200_000_000,
        "span": f"{'4b' * 16}:{'c0' * 8}",
    }  # fmt: skip
    return Crossing(**values | more)


def test_a_warning_says_who_is_at_what_until_when_and_where_it_was_reached():
    message = crossings_message([crossing()], RULES, START_S + 60)
    assert message.title == "per-user-daily: ada is at $41.20 of $50.00 (82 %) today"
    assert message.lines[:2] == (
        "The window ends 2026-12-01 00:00 (Europe/Berlin).",
        f"Reached in trace {'4b' * 16}, span {'c0' * 8}.",
    )


def test_the_limit_itself_is_said_and_no_share_is_rounded_up_to_it():
    reached = crossing(threshold=1.0, spent=50_004_000_000)
    title = crossings_message([reached], RULES, START_S).title
    assert title == "per-user-daily: ada has reached the limit, at $50.0040 of $50.00 (100 %) today"
    nearly = crossing(spent=49_999_999_000)
    assert "(99 %)" in crossings_message([nearly], RULES, START_S).title


def test_what_is_not_known_is_never_zero():
    message = crossings_message([crossing(at_least=True)], RULES, START_S)
    assert "ada is at least at $41.20 of $50.00 (82 %) today" in message.title
    assert "Calls of unknown cost are not in it: `llm-cost unpriced` lists them." in message.lines


def test_a_window_that_is_over_is_named_by_its_days():
    late = crossing(late=True)
    message = crossings_message([late], RULES, START_S + 2 * DAY_S)
    assert message.title.endswith("(82 %) from 2026-11-30 00:00 to 2026-12-01 00:00")
    assert message.lines[0] == "The window ended 2026-12-01 00:00 (Europe/Berlin)."


def test_a_rolling_window_has_no_end_that_anybody_waits_for():
    rules = Rules(
        parse_budgets(
            "budgets: [{name: week, scope: user, window: rolling 7d, limit_usd: 50}]", "b.yaml"
        )
    )
    message = crossings_message([crossing(budget="week")], rules, START_S)
    assert message.title.endswith("$50.00 (82 %) in any 7 days")
    assert not any("ends" in line for line in message.lines)


def test_every_scope_is_named_in_words():
    def who(**more):
        title = crossings_message([crossing(**more)], RULES, 0).title
        return title.split(": ", 1)[1].split(" is")[0]

    assert who(scope="total", scope_id="") == "everything together"
    assert who(scope="session", scope_id="s-1") == "session s-1"
    assert who(scope="user", scope_id="") == "user (unknown)"
    assert who(scope="call", scope_id="aa:bb") == "call bb"


def test_tokens_are_counted_as_such():
    title = crossings_message(
        [crossing(unit="tokens", limit=50_000, spent=41_000)], RULES, START_S
    ).title
    assert "is at 41,000 tokens of 50,000 tokens (82 %)" in title


def test_many_are_one_message_that_lists_the_worst_and_counts_the_others():
    many = [
        crossing(scope_id=f"user-{n}", threshold=1.0 if n % 100 == 0 else 0.8, spent=40_000 + n)
        for n in range(300)
    ]
    message = crossings_message(many, RULES, START_S)
    assert message.title == "3 limits reached, 297 warnings: per-user-daily"
    assert len(message.lines) == LISTED_MAX + 1
    assert all("has reached" in line for line in message.lines[:3])
    assert message.lines[-1].startswith("… and 290 more")


def test_of_one_total_only_the_highest_threshold_is_listed():
    both = [crossing(threshold=0.8), crossing(threshold=1.0), crossing(threshold=0.5)]
    assert "has reached the limit" in crossings_message(both, RULES, START_S).title


def test_names_from_outside_are_one_line_that_nothing_obeys():
    """Guarantees: no header of e-mail, escape of a terminal or mark of direction gets through."""
    bad = "ada\r\nBcc: all@example.com\x1b[2J\u202e" + "x" * 500
    message = crossings_message([crossing(scope_id=bad, budget=bad)], RULES, START_S)
    assert message.title.isprintable()
    assert len(message.title) < 250
    assert plain_name("ordinary name") == "ordinary name"
