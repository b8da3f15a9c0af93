"""A budgets file as a policy; every mistake in it is reported at once, with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Final, NamedTuple

from processor.core.budgets.checks import CHANNELS, OWN_DIMENSIONS
from processor.core.budgets.form import BudgetsFile, Notification, Notify, Rule, Thresholds
from processor.core.budgets.notify import (
    Asked,
    DeclaredChannel,
    channels_by_threshold,
    types_without_channel,
    warnings_of,
)
from processor.core.budgets.policy import Budget, Policy, version_of
from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Document, Path
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


def parse_budgets(
    text: str,
    source: str,
    dimensions: Collection[str] = (),
    channels: Sequence[DeclaredChannel] | None = None,
) -> Policy:
    """Read a budgets file; `source` names it in messages.

    `dimensions` are the operator's own, by which a rule may limit and filter. `channels` are those
    of the settings; None where they are not known, and then nothing is said about them.

    An empty file is a policy without budgets. Raises ConfigError with every problem found.
    """
    document = Document(text, source)
    names = None if channels is None else tuple(each.name for each in channels)
    context = {OWN_DIMENSIONS: tuple(dimensions), CHANNELS: names}
    form, problems = validate(document, BudgetsFile, context=context)
    calendar = Calendar(form.timezone, form.week_start, form.reset_hour)
    reading = _Reading(document, calendar, channels or ())
    rules: list[list[Budget]] = []
    if isinstance(form.budgets, Thresholds):
        rules += reading.named(form.budgets)
    else:
        rules += [reading.budgets_of(rule) for rule in form.budgets]
    rules += reading.named(form)
    rules += reading.named(form.cost.alerts, form.cost.notifications)
    problems += _repeated_names(rules, source)
    if problems:
        raise ConfigError(problems)
    warnings = tuple(map(str, document.warnings))
    if channels is not None:
        warnings += tuple(_without_effect(form, document, channels))
    return Policy(
        tuple(chain.from_iterable(rules)),
        version_of(text),
        warnings,
        # Days of questions are those of the calendar, whatever hour those of budgets begin at.
        calendar._replace(reset_hour=0),
        tuple(dimensions),
    )


class _Reading(NamedTuple):
    """What the budgets of one file have in common."""

    document: Document
    calendar: Calendar
    channels: Sequence[DeclaredChannel]

    def budgets_of(self, rule: Rule) -> list[Budget]:
        """The budgets of one rule: one for each limit it sets, none when it is switched off."""
        if not rule.enabled:
            return []
        asked = _asked(rule.notify) if "notify" in rule.model_fields_set else None
        warn_at = tuple(sorted({*rule.warn_at, *warnings_of(asked or ())}))
        calendar = self.calendar
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
            warn_at=warn_at,
            match=rule.match,
            overrides=rule.overrides,
            notify=channels_by_threshold(asked, warn_at, self.channels),
            source_line=self.document.line(rule.place),
        )
        budgets = []
        if rule.limit_usd is not None:
            budgets.append(replace(budget, unit="usd", limit=rule.limit_usd))
        if rule.limit_tokens is not None:
            budgets.append(replace(budget, unit="tokens", limit=rule.limit_tokens))
        return budgets

    def named(
        self, limits: Thresholds, notifications: Sequence[Notification] = ()
    ) -> Iterator[list[Budget]]:
        """The budgets that limits by name alone stand for."""
        asked = _asked(notifications)
        named = [each for each in asked if each.channel or each.type] or None
        warn_at = tuple(sorted(warnings_of(asked)))
        notify = channels_by_threshold(named, warn_at, self.channels)
        for key, (name, scope, window) in NAMED_LIMITS.items():
            limit: int | None = getattr(limits, key)
            if limit is not None:
                line = self.document.line((*limits.place, key))
                yield [
                    Budget(
                        name, scope, window, limit, "usd", self.calendar,
                        warn_at=warn_at, notify=notify, source_line=line,
                    )
                ]  # fmt: skip


def _asked(listed: Sequence[Notify | Notification]) -> list[Asked]:
    return [Asked(each.channel, each.type, each.threshold) for each in listed]


def _without_effect(
    form: BudgetsFile, document: Document, channels: Sequence[DeclaredChannel]
) -> Iterator[str]:
    """Types of channels that are asked for, and of which the settings declare none."""
    places: list[tuple[Path, Sequence[Notify | Notification]]] = []
    if not isinstance(form.budgets, Thresholds):
        places += [((*rule.place, "notify"), rule.notify) for rule in form.budgets]
    places.append(((*form.cost.place, "notifications"), form.cost.notifications))
    for place, listed in places:
        if types := ", ".join(types_without_channel(_asked(listed), channels)):
            yield (
                f"{document.where(place)}: only the thresholds count; nothing is sent by {types}, "
                "as the settings have no such channel under notifications.channels"
            )


def _repeated_names(rules: Sequence[Sequence[Budget]], source: str) -> Iterator[Problem]:
    """Two rules must not share a name; the two limits of one rule do."""
    lines: dict[str, int] = {}
    for budget in (rule[0] for rule in rules if rule):
        if budget.name in lines:
            what = f"is the name of two budgets, first in line {lines[budget.name]}"
            where = f"{source}:{budget.source_line}: {budget.name}"
            yield Problem(where, what, "give each its own name")
        lines.setdefault(budget.name, budget.source_line)
