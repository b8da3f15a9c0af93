"""A budgets file as a policy; every mistake in it is reported at once, with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from zoneinfo import ZoneInfo

from processor.core.budgets import checks
from processor.core.budgets.policy import Budget, Policy, Unit, version_of
from processor.core.budgets.short_form import KEYS as SHORT_FORM_KEYS
from processor.core.budgets.short_form import budgets_of
from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Document
from processor.core.files.fields import Check, Fields, Wrong, flag, shown
from processor.core.model import Calendar, Scope, WindowKind

_VERSION = 1
"""Of the file's format."""

_FILE_KEYS = ("version", "timezone", "week_start", "budgets", "cost")
_RULE_KEYS = (
    "name", "scope", "window", "limit_usd", "limit_tokens", "warn_at", "match", "overrides",
    "timezone", "week_start", "enabled",
)  # fmt: skip
_MATCH_KEYS = (
    "service", "provider", "model", "session", "user", "org", "agent", "feature", "task",
)  # fmt: skip
_BRIEF_SCOPES = frozenset({"call", "trace", "agent_run"})
"""Things that end by themselves, so that nothing has to renew their budget."""

_LIMITS: tuple[tuple[str, Unit, Check[int]], ...] = (
    ("limit_usd", "usd", checks.limit_usd),
    ("limit_tokens", "tokens", checks.limit_tokens),
)


def parse_budgets(text: str, source: str) -> Policy:
    """Read a budgets file; `source` names it in messages.

    An empty file is a policy without budgets. Raises ConfigError with every problem found.
    """
    document = Document(text, source)
    problems: list[Problem] = []
    warnings: list[str] = []
    top = Fields(document, (), document.root, _FILE_KEYS, problems)
    top.read("version", _version, _VERSION)
    calendar = _calendar(top, Calendar(ZoneInfo("UTC")))
    rules = [
        _rule(Fields(document, ("budgets", position), value, _RULE_KEYS, problems), calendar)
        for position, value in enumerate(top.items("budgets"))
    ]
    rules += [
        [budget] for budget in budgets_of(top.inner("cost", SHORT_FORM_KEYS), calendar, warnings)
    ]
    problems += _repeated_names(rules, source)
    if problems:
        raise ConfigError(problems)
    budgets = tuple(chain.from_iterable(rules))
    return Policy(budgets, version_of(text), tuple(warnings), calendar)


def _version(value: object) -> int:
    if value != _VERSION:
        raise Wrong(
            f"must be {_VERSION}, got {shown(value)}", "later versions need a later program"
        )
    return _VERSION


def _rule(rule: Fields, calendar: Calendar) -> list[Budget]:
    """The budgets of one rule: one for each limit it sets, none when it is switched off."""
    if not rule.values:
        rule.note(None, "is not a rule", "give it a name, a scope and a limit")
        return []
    scope: Scope = rule.require("scope", checks.scope, "user", f"one of {', '.join(checks.SCOPES)}")
    window: WindowKind = rule.read("window", checks.window, "none")
    if scope in _BRIEF_SCOPES and window != "none":
        rule.note(
            "window",
            f"a budget for each {scope} covers all of it, so it has no window",
            f"remove window: {window}, or choose another scope",
        )
    no_shares: tuple[Decimal, ...] = ()
    plan = Budget(
        name=rule.require("name", checks.budget_name, "", "names appear on spans and in reports"),
        scope=scope,
        window=window,
        limit=1,
        unit="usd",
        calendar=_calendar(rule, calendar),
        warn_at=rule.read("warn_at", checks.warn_at, no_shares),
        match=_match(rule),
        overrides=_overrides(rule, scope),
        source_line=rule.document.line(rule.path),
    )
    budgets = [replace(plan, unit=unit, limit=limit) for unit, limit in _limits(rule)]
    return budgets if rule.read("enabled", flag, default=True) else []


def _calendar(fields: Fields, default: Calendar) -> Calendar:
    return Calendar(
        fields.read("timezone", checks.time_zone, default.zone),
        fields.read("week_start", checks.week_start, default.week_start),
    )


def _limits(rule: Fields) -> Iterator[tuple[Unit, int]]:
    given = _given_limits(rule)
    if not given:
        rule.note(None, "has no limit", "add limit_usd or limit_tokens")
    for key, unit, check in given:
        yield unit, rule.read(key, check, 1)


def _given_limits(rule: Fields) -> list[tuple[str, Unit, Check[int]]]:
    return [limit for limit in _LIMITS if rule.values.get(limit[0]) is not None]


def _overrides(rule: Fields, scope: str) -> Mapping[str, int]:
    """Limits of single ids, in the unit of the one limit that the rule sets."""
    values = rule.values.get("overrides")
    if values is None:
        return {}
    if scope == "total":
        rule.note("overrides", "a total has no ids whose limit could differ", "remove overrides")
        return {}
    given = _given_limits(rule)
    if len(given) > 1:
        rule.note(
            "overrides",
            "it is not clear which of the two limits they replace",
            "make two rules, one with limit_usd and one with limit_tokens",
        )
        return {}
    check = given[0][2] if given else checks.limit_usd
    inner = rule.inner("overrides", values if isinstance(values, dict) else ())
    return {each: inner.require(each, check, 1, "give it a limit") for each in inner.values}


def _match(rule: Fields) -> Mapping[str, tuple[str, ...]]:
    inner = rule.inner("match", _MATCH_KEYS)
    none: tuple[str, ...] = ()
    return {
        key: inner.require(key, checks.patterns, none, 'use "*" for any value')
        for key in _MATCH_KEYS
        if key in inner.values
    }


def _repeated_names(rules: Sequence[Sequence[Budget]], source: str) -> Iterator[Problem]:
    """Two rules must not share a name; the two limits of one rule do."""
    lines: dict[str, int] = {}
    for budget in (rule[0] for rule in rules if rule and rule[0].name):
        if budget.name in lines:
            what = f"is the name of two budgets, first in line {lines[budget.name]}"
            where = f"{source}:{budget.source_line}: {budget.name}"
            yield Problem(where, what, "give each its own name")
        lines.setdefault(budget.name, budget.source_line)
