"""The form of one model's entry in a price file, and of the prices in it.

Prices stand among the other keys of a map, so the forms that have some take further keys: those
of `rates`, each with or without its unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

from processor.core.files.checks import InvalidValueError, choice, time_zone
from processor.core.files.validation import FileModel, Flag, Whole
from processor.core.pricing import checks
from processor.core.pricing.rates import RATE_SPELLINGS, UNITS, GivenPrice
from processor.core.pricing.shapes import BEGINNING_NS


def _as_list(value: object) -> object:
    """One item stands for a list of it."""
    return [value] if isinstance(value, dict) else value


Name = Annotated[str, PlainValidator(checks.name)]
Price = Annotated[Decimal, PlainValidator(checks.price)]
Multiplier = Annotated[Fraction, PlainValidator(checks.multiplier)]
MomentNs = Annotated[int, PlainValidator(checks.moment_ns)]
Minute = Annotated[int, PlainValidator(checks.minute)]
Weekday = Annotated[int, PlainValidator(checks.weekday)]
Zone = Annotated[ZoneInfo, PlainValidator(time_zone)]
RateKey = Annotated[str, PlainValidator(checks.rate_key)]
Unit = Annotated[str, PlainValidator(choice(tuple(UNITS), "unit"))]
Units = Annotated[str, PlainValidator(choice(("always", "without_tokens"), "use of units"))]


class Priced(FileModel):
    """A map with prices among its keys."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[RateKey, Price] = Field(init=False)

    @property
    def given(self) -> Iterator[GivenPrice]:
        """The prices in it."""
        for key, amount in self.__pydantic_extra__.items():
            yield GivenPrice((*self.place, key), *RATE_SPELLINGS[key], amount)

    @model_validator(mode="after")
    def _names_each_once(self) -> Priced:
        seen: set[str] = set()
        for each in self.given:
            if each.name in seen:
                what = f"gives {each.name} a second price"
                raise InvalidValueError(what, "keep one of them", at=each.place[-1:])
            seen.add(each.name)
        return self

    def question_left_open(self) -> InvalidValueError | None:
        """What is missing for these to be all prices of a model: input and output, or a fee."""
        names = {each.name for each in self.given}
        match "input" in names, "output" in names:
            case True, False:
                fix = "write output: 0 if output is not billed"
                return InvalidValueError("has no output price", fix)
            case False, True:
                fix = "write input: 0 if input is not billed"
                return InvalidValueError("has no input price", fix)
        return None if names else InvalidValueError("has no price", "write input and output prices")


class Prices(Priced):
    """All prices of a model."""

    @model_validator(mode="after")
    def _is_complete(self) -> Prices:
        if missing := self.question_left_open():
            raise missing
        return self


class Schedule(FileModel):
    """A recurring time at which prices are multiplied."""

    days: list[Weekday] = Field(default=list(range(7)))
    start_min: Minute = Field(default=0, alias="from")
    end_min: Minute = Field(default=24 * 60, alias="to")
    tz: Zone | None = None
    multiplier: Multiplier = Field(description="write `multiplier: 2`")


class Tier(Priced):
    """Prices of requests with more input than a threshold."""

    above: Annotated[Whole, Field(ge=0)] = Field(description="write `above: 200000`")
    inclusive: Flag = False


class Step(Prices):
    """The prices of a model from one moment on."""

    effective_from: MomentNs = BEGINNING_NS
    tiers: list[Tier] = Field(default=[])
    schedule: list[Schedule] = Field(default=[])


class ServiceTier(Priced):
    """How a service tier differs."""

    multiplier: Multiplier | None = None
    tiers: list[Tier] = Field(default=[])

    @model_validator(mode="after")
    def _differs(self) -> ServiceTier:
        if self.multiplier is None and not any(self.given) and not self.tiers:
            raise InvalidValueError("has no price", "write `multiplier: 0.5`, or prices")
        return self


class Adjust(FileModel):
    """A discount on the catalogue's prices, or a surcharge."""

    multiplier: Multiplier = Field(description="write `adjust: {multiplier: 0.85}`")


class Entry(FileModel):
    """One item of ``models``."""

    provider: Name = "*"
    model: Name = Field(description='write `model: name`, or `model: "*"` for all')
    aliases: list[Name] = Field(default=[])
    unit: Unit | None = None
    prices: Annotated[list[Step], BeforeValidator(_as_list)] = Field(default=[])
    tiers: list[Tier] = Field(default=[])
    schedule: list[Schedule] = Field(default=[])
    service_tiers: dict[str, ServiceTier] = Field(default={})
    regions: dict[str, Multiplier] = Field(default={})
    adjust: Adjust | None = None
    estimated: Flag = False
    units: Units = "always"

    @field_validator("prices")
    @classmethod
    def _begin_apart(cls, prices: list[Step]) -> list[Step]:
        if len({step.effective_from for step in prices}) < len(prices):
            what, fix = "has two prices from the same moment on", "give each effective_from"
            raise InvalidValueError(what, fix)
        return prices
