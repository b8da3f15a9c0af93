"""Budgets: the policy that a file describes, and whether a call takes a total over its limit.

`parse_budgets` reads the file; `verdict` judges totals by the policy. Pure.
"""

from processor.core.budgets.notify import DeclaredChannel
from processor.core.budgets.parse import parse_budgets
from processor.core.budgets.policy import Budget, Policy, Unit

__all__ = ["Budget", "DeclaredChannel", "Policy", "Unit", "parse_budgets"]
