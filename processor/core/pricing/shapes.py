"""What a price file says, and what it is compiled to. No behaviour lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from processor.core.errors import Problem
from processor.core.model import Status, Usage
from processor.core.money import Rates

Partial = Mapping[str, int]
"""Some of the rates of a model: field of `model.Usage` -> femto-USD per unit."""

CacheSemantics = Literal["inclusive", "exclusive", "auto"]

PriceSource = Literal["price_file", "catalogue", "built_in", ""]
"""Who says a price: the operator's or bundled file, a published catalogue, this program (a model
that is free by its name); ``""`` where there is no price."""

BEGINNING_NS = -(2**63)
"""The start of a price that has no date: before every span."""

FREE_RATES: Rates = (0,) * len(Usage._fields)

NO_TIER_PRICE = "no price for this service tier, standard price used"
"""The note of a price that stands for one of a service tier."""

REGIONAL = "regional"
"""The region of an uplift that holds in every one."""

ANY = "*"
"""The provider of an entry that holds for every provider, and the model of one for every model."""


class Tier(NamedTuple):
    """Rates for a whole request whose input, cache included, is more than `above` tokens."""

    above: int
    rates: Partial


class Window(NamedTuple):
    """A weekly recurring time: on `days` (Monday is 0) from `start_min` to `end_min` of the day.

    An end at or before the start is on the following day. `zone` None is UTC.
    """

    days: frozenset[int]
    start_min: int
    end_min: int
    zone: ZoneInfo | None = None


class Surcharge(NamedTuple):
    """What all token rates are multiplied with during a window; below 1 it is a discount."""

    window: Window
    multiplier: Fraction


class PriceStep(NamedTuple):
    """An operator's prices from one moment on."""

    start_ns: int
    rates: Partial
    tiers: tuple[Tier, ...] = ()
    schedule: tuple[Surcharge, ...] = ()


class ServiceTier(NamedTuple):
    """How a service tier differs: some rates of its own, or a multiplier on all token rates."""

    rates: Partial
    multiplier: Fraction = Fraction(1)
    tiers: tuple[Tier, ...] = ()
    """Its own rates for large requests."""


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One operator entry. Without `steps` it stands for the catalogue's price of its model."""

    provider: str
    model: str
    aliases: tuple[tuple[str, str], ...] = ()
    """(provider, model) pairs that mean this entry; the provider may be `ANY`."""
    steps: tuple[PriceStep, ...] = ()
    service_tiers: Mapping[str, ServiceTier] = field(default_factory=dict)
    adjust: Fraction | None = None
    """What every rate of the catalogue is multiplied with."""
    regions: Mapping[str, Fraction] = field(default_factory=dict)
    """Region, or `REGIONAL` for any -> what token rates are multiplied with there."""
    estimated: bool = False
    """The price is a stand-in: charges are marked as a fallback."""
    alternatives: bool = False
    """Prices by second, character, image or page are for calls that report no tokens."""
    source_line: int = field(default=0, compare=False)
    """Where it stands in its file."""


class CacheDefaults(NamedTuple):
    """Multiples of the input rate, for operator entries when nothing else prices cached tokens."""

    read: Fraction = Fraction(1)
    write: Fraction = Fraction(1)
    write_1h: Fraction = Fraction(1)


class CatalogueName(NamedTuple):
    """A published catalogue, as a price file names it."""

    kind: Literal["genai-prices", "litellm"]
    path: str = ""
    """Of a catalogue that is a file: where it is, as written."""
    where: str = ""
    """The place in the price file that names it, for messages."""


GENAI_PRICES = CatalogueName("genai-prices")


@dataclass(frozen=True, slots=True)
class PriceFile:
    """A price file that has been read and found usable."""

    source: str
    digest: str
    """SHA-256 of the text, in hexadecimal."""
    entries: tuple[PriceEntry, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Spelling of a provider -> its canonical id, in addition to those that are built in."""
    free: frozenset[str] = frozenset()
    """Canonical ids of providers that cost nothing."""
    cache_semantics: Mapping[str, CacheSemantics] = field(default_factory=dict)
    """Provider (or ``default``) -> whether its reported input includes cached tokens."""
    cache_defaults: CacheDefaults = field(default_factory=CacheDefaults)
    fallback: Partial | None = None
    """Prices for models nothing else prices; None leaves them unpriced."""
    catalogues: tuple[CatalogueName, ...] = (GENAI_PRICES,)
    """The published catalogues behind the entries, in the order in which they are asked."""
    warn_if_older_than_days: int = 60
    trusted: frozenset[str] = frozenset()
    """Attributes whose reported cost wins over ours."""
    warnings: tuple[Problem, ...] = ()
    """What is allowed but looks like a mistake."""

    @property
    def use_catalogue(self) -> bool:
        """Whether the catalogue that is installed with the program is among those asked."""
        return GENAI_PRICES in self.catalogues


class Table(NamedTuple):
    """Complete rates by size of request: `rows[i]` holds above `above[i - 1]` input tokens."""

    above: tuple[int, ...]
    rows: tuple[Rates, ...]


class Step(NamedTuple):
    """What holds from `start_ns` on. `table` None: no price was in force."""

    start_ns: int
    table: Table | None
    windows: tuple[tuple[Window, Table], ...] = ()
    """Tables for recurring times; the first that applies wins over `table`."""
    note: str = ""
    """What the price from this step stands for; such a charge is never ``exact``."""


Tariff = tuple[Step, ...]
"""The prices of one model over time, oldest first."""


class Match(NamedTuple):
    """The answer to "what does this model cost at this provider, and how do we know?"."""

    status: Status
    reason: str
    provider: str
    model: str
    tariff: Tariff = ()
    """Empty when there is no price."""
    flat: Rates | None = None
    """The rates, where they depend on neither time nor size and there is no note."""
    rule: str = ""
    """The operator's pattern, the catalogue's model …: shown in explanations only."""
    any_provider: bool = False
    """The operator's entry holds for every provider, so it does not matter which one it was."""
    alternatives: bool = False
    """Prices by second, character, image or page are for calls that report no tokens."""
    version: str = ""
    """What names the prices: those of the file, and of the catalogue that has answered."""
    note: str = ""
    """As `Step.note`, of the whole tariff."""
    source: PriceSource = ""
    source_line: int = 0
    """Of the operator's entry in the price file; 0 where none has decided."""
