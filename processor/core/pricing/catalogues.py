"""Published catalogues: asked one after the other, the first that has a price answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from processor.core.pricing.names import Candidate
from processor.core.pricing.shapes import Tariff


class Listing(NamedTuple):
    """A model of a catalogue that a name means."""

    catalogue: str
    """The mark of the catalogue in price versions; ``""`` for the one that is always installed."""
    provider: str
    """Whose price it is: the provider itself, or the one whose prices it follows."""
    model: str
    is_full_match: bool
    """The name is the model's own; not merely a similar one."""
    how: str
    """How the name had to be changed."""
    compile: Callable[[str], Tariff]
    """Service tier -> the prices over time; empty where it has none in units that spans carry."""
    alternatives: bool = False
    """Prices by second, character, image or page are for calls that report no tokens."""

    @property
    def rule(self) -> str:
        """The model as explanations name it."""
        mark = f"{self.catalogue} " if self.catalogue else ""
        return f"{mark}{self.provider}:{self.model}"


class Catalogue(Protocol):
    """Prices that somebody publishes."""

    @property
    def version(self) -> str:
        """Names its content: what it is and which edition."""
        ...

    def has_provider(self, provider: str) -> bool:
        """Whether it has prices of a provider."""
        ...

    def find(self, provider: str, names: Sequence[Candidate]) -> Listing | None:
        """The model that the names of a call mean at a provider."""
        ...


def find_listing(
    catalogues: Sequence[Catalogue], provider: str, names: Sequence[Candidate], tier: str
) -> tuple[Listing | None, Tariff]:
    """The first listing with a price, and its prices; else the first listing without one."""
    unpriced: Listing | None = None
    for catalogue in catalogues:
        listing = catalogue.find(provider, names)
        if listing is not None:
            tariff = listing.compile(tier)
            if tariff:
                return listing, tariff
            unpriced = unpriced or listing
    return unpriced, ()
