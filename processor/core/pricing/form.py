"""The form of a price file: what may stand in it, and what its values have to look like.

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
    ValidationInfo,
    field_validator,
    model_validator,
)

from processor.core.files.checks import (
    PARENT,
    InvalidValueError,
    UnknownKeyError,
    choice,
    one_version,
    time_zone,
)
from processor.core.files.validation import FileModel, Flag, Whole, section
from processor.core.pricing import checks
from processor.core.pricing.rates import RATE_SPELLINGS, UNITS, GivenPrice
from processor.core.pricing.shapes import BEGINNING_NS, CatalogueName

_PROVIDER_KEYS = ("aliases", "free", "cache_semantics")


def _as_list(value: object) -> object:
    """One item stands for a list of it."""
    return [value] if isinstance(value, dict) else value


def _models_of_provider(value: object) -> object:
    """The short form of a provider is a map; what is none is a key that there is not."""
    if not isinstance(value, dict):
        raise UnknownKeyError(_PROVIDER_KEYS)
    return value


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
Catalogues = list[Annotated[CatalogueName, PlainValidator(checks.catalogue)]]
Version = Annotated[int, PlainValidator(one_version)]
Source = Annotated[str, PlainValidator(choice(("genai-prices", "none"), "source"))]
OnError = Annotated[str, PlainValidator(choice(("keep-last",), "reaction"))]
Semantics = Annotated[str, PlainValidator(choice(("inclusive", "exclusive", "auto"), "semantics"))]


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


class Catalogue(FileModel):
    """The published prices behind those of the file."""

    source: Source = "genai-prices"
    on_error: OnError = "keep-last"
    warn_if_older_than_days: Annotated[Whole, Field(ge=0)] = 60


class CacheDefaults(FileModel):
    """Prices of cached tokens where nothing else says them, as multiples of input."""

    read_multiplier: Multiplier = Fraction(1)
    write_multiplier: Multiplier = Fraction(1)
    write_1h_multiplier: Multiplier = Fraction(1)


class Providers(FileModel):
    """Names of providers, how they count, and short forms of their prices."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[
        str, Annotated[dict[str, Prices], BeforeValidator(_models_of_provider)]
    ] = Field(init=False)

    aliases: dict[str, Name] = Field(default={})
    free: list[Name] = Field(default=[])
    cache_semantics: dict[str, Semantics] = Field(default={})

    @property
    def short(self) -> dict[str, dict[str, Prices]]:
        """The prices of each provider's models that are written in short."""
        return self.__pydantic_extra__


class Fallback(FileModel):
    """Prices of models that have none."""

    enabled: Flag = False
    prices: Priced = section(Priced)

    @model_validator(mode="after")
    def _has_prices(self) -> Fallback:
        if self.enabled and (missing := self.prices.question_left_open()):
            raise InvalidValueError(missing.what, missing.fix, at=("prices",))
        return self


class Reported(FileModel):
    """Costs that come with the spans."""

    trust: list[Annotated[str, PlainValidator(str)]] = Field(default=[])


class PricesFile(FileModel):
    """A price file."""

    version: Version = 1
    currency: Name = "usd"
    usd_rate: Price | None = Field(default=None, validate_default=True)
    unit: Unit | None = None
    catalogue: Catalogue = section(Catalogue)
    catalogues: Catalogues | None = None
    cache_defaults: CacheDefaults = section(CacheDefaults)
    providers: Providers = section(Providers)
    models: list[Entry] = Field(default=[])
    fallback: Fallback = section(Fallback)
    reported: Reported = section(Reported)

    @field_validator("usd_rate")
    @classmethod
    def _fits_currency(cls, rate: Decimal | None, info: ValidationInfo) -> Decimal | None:
        currency: str = info.data.get("currency", "usd")
        if rate is None and currency != "usd":
            fix = f"write usd_rate, the USD for one {currency.upper()}"
            raise InvalidValueError("is not USD and has no rate", fix, at=(PARENT, "currency"))
        if rate == 0 or (rate is not None and currency == "usd" and rate != 1):
            raise InvalidValueError(f"cannot be {rate} for {currency.upper()}")
        return rate
