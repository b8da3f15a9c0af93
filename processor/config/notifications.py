"""The settings of notifications: by which channels, and what is reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from processor.config.channels import OneChannel, Webhook, checked_channels
from processor.config.values import Section, items
from processor.core.budgets import DeclaredChannel
from processor.core.files.checks import InvalidValueError, choice, shown, text
from processor.core.files.similar import nearest
from processor.core.otlp.addresses import is_loopback, parse_url

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_PERIODS: Final = ("day", "week", "month")


def time_of_day(value: object) -> int:
    """A time such as ``08:00``, as seconds after midnight."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise InvalidValueError(f"must be a time, got {shown(value)}", 'write "08:00", in quotes')
    return int(found[1]) * 3600 + int(found[2]) * 60


def channel_names(value: object) -> tuple[str, ...]:
    """One or more names of channels."""
    listed = items(value, "write [finance]")
    if not listed:
        raise InvalidValueError("has no channel", "write [finance]")
    return tuple(dict.fromkeys(map(text, listed)))


class ReportSettings(Section):
    """A report of each day, week or month that is over."""

    every: Annotated[
        Literal["day", "week", "month"], PlainValidator(choice(_PERIODS, "period"))
    ] = Field(description="day, week or month")
    at_s: Annotated[int, PlainValidator(time_of_day)] = Field(
        default=8 * 3600, alias="at", description="When it is sent on the day after."
    )
    channels: Annotated[tuple[str, ...], PlainValidator(channel_names)] = Field(
        description="the names of channels, such as [finance]"
    )


class Notifications(Section):
    """Who is notified when a budget or a share of it is reached, and by what."""

    channels: Annotated[dict[str, OneChannel], BeforeValidator(checked_channels)] = Field(
        default={},
        description="Channels by names of your own, which budgets may name under `notify`, such as "
        "{ops: {type: slack, url: '${env:SLACK_URL}'}, finance: {type: email, host: mail.example."
        "com, from: costs@example.com, to: [finance@example.com]}}.",
    )

    reports: list[ReportSettings] = Field(
        default=[],
        description="Reports of days, weeks or months that are over, such as [{every: week, at: "
        "'08:00', channels: [finance]}]: what they have cost, compared with the one before, by "
        "agent, model and team, and the budgets near their limit. `at` is the time of the day "
        "after, in the zone of the budgets file, whose weeks they have.",
    )

    @model_validator(mode="after")
    def _has_channels(self) -> Notifications:
        for number, report in enumerate(self.reports):
            for name in report.channels:
                if name not in self.channels:
                    near = nearest(name, self.channels)
                    fix = f"did you mean {near}?" if near else f"valid: {', '.join(self.channels)}"
                    what = f"unknown channel {shown(name)}"
                    raise InvalidValueError(what, fix, at=("reports", number, "channels"))
        return self

    @property
    def budget_channels(self) -> tuple[DeclaredChannel, ...]:
        """The channels as budgets ask for them."""
        return tuple(
            DeclaredChannel(name, each.type, each.budgets == "all")
            for name, each in self.channels.items()
        )

    def warnings(self) -> Iterator[str]:
        """What was accepted but deserves a look."""
        for name, each in self.channels.items():
            where = f"notifications.channels.{name}"
            if isinstance(each, Webhook) and not (each.secret or each.secret_file):
                yield f"{where}: without a secret the program there cannot tell who asks it"
            url = getattr(each, "url", "")
            if url.startswith("http://") and not is_loopback(parse_url(url, "").address.host):
                yield f"{where}: the address is plain HTTP, so others on the way can read it"
