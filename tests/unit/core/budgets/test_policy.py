"""A budget knows the limit of each id, and names its totals by what they count."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets import Budget, Policy
from processor.core.model import Calendar

UTC = Calendar(ZoneInfo("UTC"))


def budget(**changes) -> Budget:
    fields = {
        "name": "b",
        "scope": "user",
        "window": "day",
        "limit": 50,
        "unit": "usd",
        "calendar": UTC,
    }
    return Budget(**{**fields, **changes})


def test_override_is_the_limit_of_its_id_only():
    rule = budget(overrides={"batch": 500})
    assert rule.limit_for("batch") == 500
    assert rule.limit_for("someone") == 50


def test_shares_end_with_the_limit_itself():
    assert budget(warn_at=(Decimal("0.5"), Decimal("0.8"))).thresholds == (0.5, 0.8, 1.0)
    assert budget().thresholds == (1.0,)


def test_budget_without_filter_has_no_digest():
    assert budget().digest == ""


def test_digest_names_scope_and_filter_and_nothing_else():
    match = {"service": ("api",), "provider": ("openai", "anthropic")}
    again = {"provider": ("anthropic", "openai"), "service": ("api",)}
    digest = budget(match=match).digest
    assert len(digest) == 12
    assert budget(match=again, name="c", limit=7, warn_at=(Decimal("0.5"),)).digest == digest
    assert budget(match=match, scope="org").digest != digest
    assert budget(match={"service": ("api",)}).digest != digest


def test_digest_is_the_same_in_every_version_of_the_program():
    # Totals are stored under it: a changed digest would begin them anew.
    assert budget(match={"service": ("api",)}).digest == "75a643c563ed"


def test_budgets_can_be_kept_in_sets_and_compare_by_meaning():
    assert len({budget(match={"model": ("*",)}), budget(match={"model": ("*",)})}) == 1
    assert budget(source_line=3) == budget(source_line=9)


def test_policy_is_empty_by_default():
    assert Policy().budgets == ()


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        (budget(), 0),
        (budget(window="month"), 0),
        (budget(window="none"), 0),
        (budget(window="rolling 7d"), 14),
        (budget(window="month", calendar=UTC._replace(reset_hour=3)), 32),
        (budget(window="week", calendar=Calendar(ZoneInfo("Asia/Tokyo"))), 8),
    ],
)
def test_quarter_hours_are_needed_where_days_of_the_file_s_zone_are_not_enough(rule, days):
    assert Policy((budget(), rule), calendar=UTC).quarter_hours_s == days * 86_400


def test_no_budget_needs_none():
    assert Policy().quarter_hours_s == 0
