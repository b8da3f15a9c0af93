"""What is answered before a call: whether it may be made, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from processor.client.errors import CostClientError


@dataclass(frozen=True)
class CheckedBudget:
    """How a call stands against one budget; amounts are in USD, or tokens where `unit` says so."""

    budget: str
    allowed: bool
    scope: str
    scope_id: str | None
    window: str
    resets_at: datetime | None
    """When the window ends; None without one, and of a rolling one."""
    unit: str
    """``usd`` or ``tokens``."""
    limit: Decimal
    spent: Decimal
    reserved: Decimal
    """What is held for calls that were allowed and are not charged yet."""
    remaining: Decimal
    """Before this call; 0 where more was used."""
    estimate: Decimal | None
    """Of this call; None where it is not known."""
    at_least: bool
    """Some calls are not in what was spent."""


@dataclass(frozen=True)
class BudgetVerdict:
    """Whether a call may be made."""

    allowed: bool
    message: str | None
    """Why not, in words, of every budget that refuses."""
    deciding: CheckedBudget | None
    """The budget that refuses, or the one which is the nearest to its limit; None for none."""
    budgets: tuple[CheckedBudget, ...]
    """Every budget that applies."""
    not_checked: tuple[tuple[str, tuple[str, ...]], ...]
    """Budgets that may apply, each with the scopes that were not given; at most 100."""
    estimate_usd: Decimal | None
    """What the call is expected to cost; None where that is not known."""
    reservation_id: str | None
    """Of what is held; None where nothing is."""
    expires_at: datetime | None
    """When that lapses."""


class BudgetExceededError(CostClientError):
    """A budget does not allow the call, which was not made."""

    def __init__(self, budget: CheckedBudget) -> None:
        super().__init__(budget)
        self.checked = budget
        """All that is known of the budget."""
        self.budget = budget.budget
        """Its name."""
        self.spent = budget.spent
        self.limit = budget.limit
        self.remaining = budget.remaining
        """In USD, or tokens where `checked.unit` says so; without what is reserved for others."""
        self.window = budget.window
        self.resets_at = budget.resets_at

    def __str__(self) -> str:
        spent, limit = self.spent, self.limit
        if self.checked.unit != "usd":
            return f"Budget exceeded: {spent:f} / {limit:f} tokens"
        return f"Budget exceeded: ${_dollars(spent)} / ${_dollars(limit)}"


class BudgetUncheckedError(CostClientError):
    """Whether a budget allows the call is not known, and the guard was to fail closed."""


def _dollars(amount: Decimal) -> str:
    """Exact, with at least two decimals."""
    whole, _, part = f"{amount:f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def verdict_of(document: dict[str, Any]) -> BudgetVerdict:
    """What a document of the API says. Raises LookupError, TypeError or ValueError for another."""
    reservation, deciding = document["reservation"], document["deciding"]
    return BudgetVerdict(
        allowed=document["allowed"],
        message=document["message"],
        deciding=None if deciding is None else _checked(deciding),
        budgets=tuple(map(_checked, document["budgets"])),
        not_checked=tuple(
            (each["budget"], tuple(each["missing"])) for each in document["not_checked"]
        ),
        estimate_usd=document["estimate"]["cost_usd"],
        reservation_id=reservation and reservation["id"],
        expires_at=reservation and datetime.fromisoformat(reservation["expires_at"]),
    )


def _checked(row: dict[str, Any]) -> CheckedBudget:
    unit = row["unit"]
    amounts: dict[str, Any] = {
        name: None if (value := row[f"{name}_{unit}"]) is None else Decimal(value)
        for name in ("limit", "spent", "reserved", "remaining", "estimate")
    }
    resets_at = row["resets_at"]
    plain = ("budget", "allowed", "scope", "scope_id", "window", "unit", "at_least")
    return CheckedBudget(
        resets_at=datetime.fromisoformat(resets_at) if resets_at else None,
        **{name: row[name] for name in plain},
        **amounts,
    )
