"""The form of a budgets file: rules, and limits by name alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from processor.core.budgets import checks
from processor.core.files.checks import PARENT, InvalidValueError, one_version, time_zone
from processor.core.files.location import KIND
from processor.core.files.similar import nearest
from processor.core.files.validation import FileModel, Flag, Text, section

_BRIEF_SCOPES = frozenset({"call", "trace", "agent_run"})
"""Things that end by themselves, so that nothing has to renew their budget."""

BudgetName = Annotated[str, PlainValidator(checks.budget_name)]
ScopeName = Annotated[str, PlainValidator(checks.scope)]
WindowName = Annotated[str, PlainValidator(checks.window)]
NanoUsd = Annotated[int, PlainValidator(checks.limit_usd)]
Tokens = Annotated[int, PlainValidator(checks.limit_tokens)]
Shares = Annotated[tuple[Decimal, ...], PlainValidator(checks.warn_at)]
Threshold = Annotated[Decimal, PlainValidator(checks.threshold)]
ChannelName = Annotated[str, PlainValidator(checks.channel)]
MatchKey = Annotated[str, PlainValidator(checks.match_key)]
Patterns = Annotated[tuple[str, ...], PlainValidator(checks.patterns)]
Override = Annotated[int, PlainValidator(checks.override)]
Zone = Annotated[ZoneInfo, PlainValidator(time_zone)]
Weekday = Annotated[int, PlainValidator(checks.week_start)]
Hour = Annotated[int, PlainValidator(checks.reset_hour)]
Version = Annotated[int, PlainValidator(one_version)]


class Notify(FileModel):
    """Who is notified of a threshold: a channel, or all channels of a type."""

    channel: ChannelName = ""
    type: Text = ""
    threshold: Threshold | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Notify:
        if bool(self.channel) == bool(self.type):
            what = "needs either a channel or a type of channels"
            raise InvalidValueError(what, "write for example {channel: ops, threshold: 80%}")
        return self


class Rule(FileModel):
    """One item of ``budgets``."""

    name: BudgetName = Field(description="names appear on spans and in reports")
    scope: ScopeName = Field(description=f"one of {', '.join(checks.SCOPES)}")
    window: WindowName = "none"
    limit_usd: NanoUsd | None = None
    limit_tokens: Tokens | None = Field(default=None, validate_default=True)
    warn_at: Shares = ()
    match: dict[MatchKey, Patterns] = Field(default={})
    overrides: dict[str, Override] = Field(default={})
    notify: list[Notify] = Field(default=[])
    timezone: Zone | None = None
    week_start: Weekday | None = None
    reset_hour: Hour | None = None
    enabled: Flag = True

    @model_validator(mode="before")
    @classmethod
    def _is_rule(cls, value: object) -> object:
        if value == {}:
            raise InvalidValueError("is not a rule", "give it a name, a scope and a limit")
        return value

    @field_validator("window")
    @classmethod
    def _fits_scope(cls, window: str, info: ValidationInfo) -> str:
        each = info.data.get("scope")
        if each in _BRIEF_SCOPES and window != "none":
            raise InvalidValueError(
                f"a budget for each {each} covers all of it, so it has no window",
                f"remove window: {window}, or choose another scope",
            )
        return window

    @field_validator("limit_tokens")
    @classmethod
    def _has_limit(cls, tokens: int | None, info: ValidationInfo) -> int | None:
        # A limit in USD that is wrong is not in `data`: there is one, so that none is missing.
        if tokens is None and info.data.get("limit_usd", 1) is None:
            what, fix = "has no limit", "add limit_usd or limit_tokens"
            raise InvalidValueError(what, fix, at=(PARENT,))
        return tokens

    @field_validator("overrides", mode="before")
    @classmethod
    def _has_one_limit(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("scope") == "total":
            raise InvalidValueError(
                "a total has no ids whose limit could differ", "remove overrides"
            )
        limits = (info.data.get("limit_usd", 1), info.data.get("limit_tokens", 1))
        if None not in limits:
            raise InvalidValueError(
                "it is not clear which of the two limits they replace",
                "make two rules, one with limit_usd and one with limit_tokens",
            )
        return value


class Thresholds(FileModel):
    """Limits by name alone, in USD."""

    per_call_max: NanoUsd | None = None
    per_session_max: NanoUsd | None = None
    per_user_daily: NanoUsd | None = None
    org_daily: NanoUsd | None = None
    daily_limit: NanoUsd | None = None
    weekly_limit: NanoUsd | None = None
    monthly_limit: NanoUsd | None = None


class Notification(FileModel):
    """A share of the limits under ``cost`` that is a warning, and who is notified of it."""

    channel: ChannelName = ""
    type: Text = ""
    threshold: Threshold = Field(description="write for example 80%")


class Cost(FileModel):
    """The section that other tools have for limits of everything together."""

    alerts: Thresholds = section(Thresholds)
    notifications: list[Notification] = Field(default=[])


def _kind(value: object) -> str:
    """Whether ``budgets`` is a list of rules or a map of limits by name."""
    names = list(Thresholds.model_fields)
    is_named = isinstance(value, dict) and any(nearest(key, names) for key in value)
    return f"{KIND}thresholds" if is_named else f"{KIND}rules"


class BudgetsFile(Thresholds):
    """A budgets file: rules, limits by name, or both."""

    version: Version = 1
    timezone: Zone = ZoneInfo("UTC")
    week_start: Weekday = 0
    reset_hour: Hour = 0
    budgets: Annotated[
        Annotated[Thresholds, Tag(f"{KIND}thresholds")]
        | Annotated[list[Rule], Tag(f"{KIND}rules")],
        Discriminator(_kind),
    ] = Field(default=[])
    cost: Cost = section(Cost)
