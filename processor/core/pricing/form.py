"""The form of a price file: what may stand in it, and what its values have to look like."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated

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
)
from processor.core.files.validation import FileModel, Flag, Whole, section
from processor.core.pricing import checks
from processor.core.pricing.entry_form import (
    Entry,
    Multiplier,
    Name,
    Price,
    Priced,
    Prices,
    Unit,
)
from processor.core.pricing.shapes import CatalogueName

_PROVIDER_KEYS = ("aliases", "free", "cache_semantics")


def _models_of_provider(value: object) -> object:
    """The short form of a provider is a map; what is none is a key that there is not."""
    if not isinstance(value, dict):
        raise UnknownKeyError(_PROVIDER_KEYS)
    return value


Catalogues = list[Annotated[CatalogueName, PlainValidator(checks.catalogue)]]
Version = Annotated[int, PlainValidator(one_version)]
Source = Annotated[str, PlainValidator(choice(("genai-prices", "none"), "source"))]
OnError = Annotated[str, PlainValidator(choice(("keep-last",), "reaction"))]
Semantics = Annotated[str, PlainValidator(choice(("inclusive", "exclusive", "auto"), "semantics"))]


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
