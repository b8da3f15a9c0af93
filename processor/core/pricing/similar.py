"""Names like one that nothing is known by: what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final, NamedTuple

from genai_prices.data_snapshot import get_snapshot

from processor.core.files.similar import nearest
from processor.core.pricing.entries import is_glob
from processor.core.pricing.names import NAME_LIMIT
from processor.core.pricing.shapes import ANY, PriceFile
from processor.core.providers import infer_provider, normalise_tier

_SUGGESTIONS_MAX = 3
_LEAST_SIMILARITY = 0.75
"""By difflib's ratio; lower, and short names that have nothing to do with each other are alike."""
_FINE_TUNE: Final = "ft:"
_TIER_KEYS: Final = ("processing", "service_tier", "speed")
"""What the published catalogue calls a service tier."""


class KnownModel(NamedTuple):
    """A model that has a price, and a provider that has it; ``""`` for any."""

    provider: str
    model: str


def similar_models(file: PriceFile, provider: str, model: str) -> list[KnownModel]:
    """Known models whose names are most like `model`, best first; at most three.

    Of a provider's models, where its id is given and it has any; else of all, each model once, at
    the provider that sells it under its own name if there is one.
    """
    wanted = model.strip().lower()[:NAME_LIMIT]
    is_fine_tune = wanted.startswith(_FINE_TUNE)
    known = [
        each
        for each in _known_models(file)
        if each != (provider, wanted) and each.model.startswith(_FINE_TUNE) == is_fine_tune
    ]
    own = [each for each in known if each.provider in {provider, ""}]
    by_name: dict[str, KnownModel] = {}
    for each in own if provider and any(each.provider for each in own) else known:
        if each.model not in by_name or each.provider == infer_provider(each.model):
            by_name[each.model] = each
    found = difflib.get_close_matches(wanted, by_name, n=_SUGGESTIONS_MAX, cutoff=_LEAST_SIMILARITY)
    return [by_name[name] for name in found]


def similar_tier(file: PriceFile, tier: str) -> str:
    """The service tier most like one that no price has; ``""`` where it has, or none is like it."""
    wanted = normalise_tier(tier)
    known = {"standard"}
    for entry in file.entries:
        known.update(entry.service_tiers)
    known.update(_published_tiers(file))
    return "" if not wanted or wanted in known else nearest(wanted, sorted(known))


def _known_models(file: PriceFile) -> Iterator[KnownModel]:
    for entry in file.entries:
        named = ((entry.provider, entry.model),) if entry.steps else ()
        for provider, model in (*named, *entry.aliases):
            if not is_glob(model):
                yield KnownModel("" if provider == ANY else provider, model)
    if file.use_catalogue:
        for published in get_snapshot().providers:
            for each in published.models:
                yield KnownModel(published.id, each.id.lower())


def _published_tiers(file: PriceFile) -> Iterator[str]:
    if not file.use_catalogue:
        return
    for provider in get_snapshot().providers:
        for model in provider.models:
            for variant in model.price_variants or ():
                yield from (str(variant.when[key]) for key in _TIER_KEYS if key in variant.when)
