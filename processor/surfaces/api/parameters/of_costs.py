"""What costs are asked by: time, dimensions, filters, buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.surfaces.api.parameters.of_time import PATH, Filter, InLastMonth, InTime, Parameters
from processor.surfaces.queries import (
    ADVICE_MAX,
    GROUPS_MAX,
    TRACES_MAX,
    AdviceRequest,
    ForecastRequest,
    UsageRequest,
    WhatIfRequest,
    unknown_word,
)

BUCKETS: Final[Mapping[str, str]] = {
    "15m": "15min", "1h": "hour", "1d": "day", "1w": "week", "1mo": "month",
}  # fmt: skip
"""The words for buckets, and those of questions, which are accepted as well."""
_ORDERS: Final = {"-cost_usd": "cost", "-calls": "calls", "-tokens": "tokens"}


class CostsParameters(InTime):
    """How much was used: in all, in buckets of time, and by up to two dimensions."""

    group_by: list[str] = Field(
        default_factory=list,
        description="Up to two dimensions; repeat it, or use a comma.",
        json_schema_extra={"maxItems": 2, "uniqueItems": True, "examples": [["agent", "model"]]},
    )
    filter: Filter = Field(default_factory=dict)
    bucket: str = Field(
        "",
        description="`15m`, `1h`, `1d`, `1w` or `1mo`.",
        examples=["1d"],
        json_schema_extra={"enum": ["", *BUCKETS, *BUCKETS.values()]},
    )
    order_by: str = Field(
        "-cost_usd",
        description="`-cost_usd`, `-calls` or `-tokens`: the largest come first.",
        json_schema_extra={"enum": [*_ORDERS, *_ORDERS.values()]},
    )
    limit: int = Field(20, ge=1, le=GROUPS_MAX, description="Groups to list; the rest is one row.")
    compare: Literal["previous"] | None = Field(
        None, description="`previous` gives the range before as well."
    )
    classes: bool = Field(
        default=False, description="Whether tokens and costs by class are wanted as well."
    )

    @property
    def is_of_now(self) -> bool:
        """A bucket says whether it is over."""
        return bool(self.bucket) or super().is_of_now

    def request(self, default: ZoneInfo) -> UsageRequest:
        """The question. Raises InvalidQuestionError."""
        if self.bucket and self.bucket not in {*BUCKETS, *BUCKETS.values()}:
            raise unknown_word("bucket", self.bucket, BUCKETS)
        order_by = _ORDERS.get(self.order_by, self.order_by)
        if order_by not in _ORDERS.values():
            raise unknown_word("order_by", self.order_by, _ORDERS)
        return UsageRequest(
            self.time(default),
            bucket=BUCKETS.get(self.bucket, self.bucket),
            group_by=self.group_by,
            filters=self.filter,
            order_by=order_by,
            limit=self.limit,
            compare=self.compare is not None,
            with_parts=self.classes,
        )


class OwnerParameters(CostsParameters):
    """One owner: a session, a user, an agent or a task."""

    value: str = Field(description="Its name or id.", json_schema_extra=PATH)
    traces: int = Field(20, ge=1, le=TRACES_MAX, description="How many traces to list.")


class OwnersParameters(OwnerParameters):
    """One value of any dimension."""

    dimension: str = Field(
        description="A built-in dimension or one of your own.", json_schema_extra=PATH
    )


class ForecastParameters(Parameters):
    """Of which window, and of what in it."""

    window: str = Field(
        "month",
        description="`today`, `week` or `month`.",
        json_schema_extra={"enum": ["today", "week", "month"]},
    )
    filter: Filter = Field(default_factory=dict)

    @property
    def is_of_now(self) -> bool:
        """The window of now goes on."""
        return True

    def request(self) -> ForecastRequest:
        """The question."""
        return ForecastRequest(self.window, self.filter, self.time_zone)


class WhatIfParameters(InLastMonth):
    """Which calls, and which models they are to have."""

    model: list[str] = Field(
        default_factory=list,
        description="`gpt-4o=gpt-4o-mini`: a model as answers name it, and what is to stand for "
        "it, which may be `provider:model`. Only calls of these are looked at. Repeat it. Without "
        "any all calls are compared with the prices in force.",
        json_schema_extra={"maxItems": 20, "examples": [["gpt-4o=gpt-4o-mini"]]},
    )
    filter: Filter = Field(default_factory=dict)

    def request(self, default: ZoneInfo) -> WhatIfRequest:
        """The question. Raises InvalidQuestionError."""
        return WhatIfRequest(self.time(default), self.filter, self.model)


class AdviceParameters(InLastMonth):
    """Which calls are looked at."""

    filter: Filter = Field(default_factory=dict)
    limit: int = Field(20, ge=1, le=ADVICE_MAX, description="Suggestions to list, and days.")

    def request(self, default: ZoneInfo) -> AdviceRequest:
        """The question. Raises InvalidQuestionError."""
        return AdviceRequest(self.time(default), self.filter, self.limit)
