"""A budgets file as a policy; every mistake in it is reported at once, with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import Final

from processor.core.budgets.checks import OWN_DIMENSIONS
from processor.core.budgets.form import BudgetsFile, Cost, Rule, Thresholds
from processor.core.budgets.policy import Budget, Policy, version_of
from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Document
from processor.core.files.validation import validate
from processor.core.model import Calendar, Scope, WindowKind

NAMED_LIMITS: Final[Mapping[str, tuple[str, Scope, WindowKind]]] = MappingProxyType(
    {
        "per_call_max": ("per-call", "call", "none"),
        "per_session_max": ("per-session", "session", "none"),
        "per_user_daily": ("per-user-daily", "user", "day"),
        "org_daily": ("per-org-daily", "org", "day"),
        "daily_limit": ("total-daily", "total", "day"),
        "weekly_limit": ("total-weekly", "total", "week"),
        "monthly_limit": ("total-monthly", "total", "month"),
    }
)
"""A limit by name alone -> the name, scope and window of its budget."""


def parse_budgets(text: str, source: str, dimensions: Collection[str] = ()) -> Policy:
    """Read a budgets file; `source` names it in messages.

    `dimensions` are the operator's own, by which a rule may limit and filter.

    An empty file is a policy without budgets. Raises ConfigError with every problem found.
    """
    document = Document(text, source)
    form, problems = validate(document, BudgetsFile, context={OWN_DIMENSIONS: tuple(dimensions)})
    calendar = Calendar(form.timezone, form.week_start, form.reset_hour)
    warn_at = {each.threshold for each in form.cost.notifications if each.threshold < 1}
    rules: list[list[Budget]] = []
    if isinstance(form.budgets, Thresholds):
        rules += _named(form.budgets, document, calendar)
    else:
        rules += [_budgets_of(rule, document, calendar) for rule in form.budgets]
    rules += _named(form, document, calendar)
    rules += _named(form.cost.alerts, document, calendar, tuple(sorted(warn_at)))
    problems += _repeated_names(rules, source)
    if problems:
        raise ConfigError(problems)
    warnings = (*map(str, document.warnings), *_without_effect(form.cost, document))
    return Policy(
        tuple(chain.from_iterable(rules)), version_of(text), warnings, calendar, tuple(dimensions)
    )


def _budgets_of(rule: Rule, document: Document, calendar: Calendar) -> list[Budget]:
    """The budgets of one rule: one for each limit it sets, none when it is switched off."""
    if not rule.enabled:
        return []
    budget = Budget(
        name=rule.name,
        scope=rule.scope,
        window=rule.window,
        limit=1,
        unit="usd",
        calendar=Calendar(
            rule.timezone or calendar.zone,
            calendar.week_start if rule.week_start is None else rule.week_start,
            calendar.reset_hour if rule.reset_hour is None else rule.reset_hour,
        ),
        warn_at=rule.warn_at,
        match=rule.match,
        overrides=rule.overrides,
        source_line=document.line(rule.place),
    )
    budgets = []
    if rule.limit_usd is not None:
        budgets.append(replace(budget, unit="usd", limit=rule.limit_usd))
    if rule.limit_tokens is not None:
        budgets.append(replace(budget, unit="tokens", limit=rule.limit_tokens))
    return budgets


def _named(
    limits: Thresholds, document: Document, calendar: Calendar, warn_at: tuple[Decimal, ...] = ()
) -> Iterator[list[Budget]]:
    """The budgets that limits by name alone stand for."""
    for key, (name, scope, window) in NAMED_LIMITS.items():
        limit: int | None = getattr(limits, key)
        if limit is not None:
            line = document.line((*limits.place, key))
            yield [
                Budget(
                    name, scope, window, limit, "usd", calendar, warn_at=warn_at, source_line=line
                )
            ]


def _without_effect(cost: Cost, document: Document) -> Iterator[str]:
    """Where a notification is sent is not decided in this file, so its type has no effect."""
    types = ", ".join(dict.fromkeys(each.type for each in cost.notifications if each.type))
    if types:
        where = document.where((*cost.place, "notifications"))
        yield f"{where}: only the thresholds count; nothing is sent by {types}"


def _repeated_names(rules: Sequence[Sequence[Budget]], source: str) -> Iterator[Problem]:
    """Two rules must not share a name; the two limits of one rule do."""
    lines: dict[str, int] = {}
    for budget in (rule[0] for rule in rules if rule):
        if budget.name in lines:
            what = f"is the name of two budgets, first in line {lines[budget.name]}"
            where = f"{source}:{budget.source_line}: {budget.name}"
            yield Problem(where, what, "give each its own name")
        lines.setdefault(budget.name, budget.source_line)
