"""The budgets that come with the program say what the documentation says."""

from decimal import Decimal
from pathlib import Path

from processor.core.budgets import parse_budgets

ROOT = Path(__file__).parents[4]
SHIPPED = ROOT / "processor" / "config" / "defaults" / "budgets.yaml"


def test_defaults_limit_call_session_user_and_org():
    policy = parse_budgets(SHIPPED.read_text("utf-8"), "budgets.yaml")
    assert [(each.name, each.scope, each.window, each.limit) for each in policy.budgets] == [
        ("per-call", "call", "none", 1 * 10**9),
        ("per-session", "session", "none", 10 * 10**9),
        ("per-user-daily", "user", "day", 50 * 10**9),
        ("per-org-daily", "org", "day", 1000 * 10**9),
    ]
    assert policy.warnings == ()


def test_totals_stand_in_the_file_switched_off():
    lines = SHIPPED.read_text("utf-8").splitlines()
    totals = [line.replace("# - {", "- {") for line in lines if "# - {name: total" in line]
    policy = parse_budgets("budgets:\n" + "\n".join(totals), "budgets.yaml")
    assert [(each.name, each.limit // 10**9) for each in policy.budgets] == [
        ("total-daily", 10),
        ("total-weekly", 50),
        ("total-monthly", 200),
    ]


def test_filtered_example_in_the_file_can_be_switched_on():
    text = SHIPPED.read_text("utf-8")
    example = text[text.index("  # - name: research-tokens") :].replace("  # ", "  ")
    (budget,) = parse_budgets("budgets:\n" + example, "budgets.yaml").budgets
    assert (budget.unit, budget.limit, budget.warn_at) == ("tokens", 50_000_000, ())
    assert Decimal(1) not in budget.warn_at


def test_copy_for_operators_is_the_same_file():
    assert (ROOT / "config" / "budgets.yaml").read_bytes() == SHIPPED.read_bytes()
