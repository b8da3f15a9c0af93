"""The price of one model at one provider: by the operator's entry, else by the catalogues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processor.core.model import Status
from processor.core.pricing.catalogues import Catalogue, Listing, find_listing
from processor.core.pricing.entry_index import EntryIndex, EntryMatch
from processor.core.pricing.entry_tariff import compile_entry, region_multiplier
from processor.core.pricing.names import (
    Candidate,
    candidates,
    is_fine_tune,
    is_free_variant,
    is_opaque,
)
from processor.core.pricing.shapes import (
    ANY,
    BEGINNING_NS,
    FREE_RATES,
    NO_TIER_PRICE,
    CacheDefaults,
    Match,
    Partial,
    PriceEntry,
    PriceSource,
    Step,
    Table,
    Tariff,
)
from processor.core.pricing.tariff import flatten, map_tariff, scale_all, scale_tokens
from processor.core.providers import (
    REGION_MARK,
    RESELLERS,
    infer_provider,
    normalise_tier,
    provider_id,
    split_tier,
)

_VERTEX_LOCATION = re.compile(r"(?:^|/)locations/([a-z0-9-]+)/")
_FREE_TARIFF: Tariff = (Step(BEGINNING_NS, Table((), (FREE_RATES,))),)


@dataclass(frozen=True, slots=True)
class PriceSources:
    """Everything a price is looked for in."""

    entries: EntryIndex
    catalogues: Sequence[Catalogue]
    """Those that the file names, in the order in which they are asked."""
    aliases: Mapping[str, str]
    free: frozenset[str]
    cache_defaults: CacheDefaults
    fallback: Partial | None


def price_at(sources: PriceSources, provider: str, model: str, tier: str) -> Match:
    """The price of a model at a provider; ``""`` finds only what the operator's file names."""
    names = candidates(provider, model, sources.aliases)
    place = _VERTEX_LOCATION.search(model)
    if place and REGION_MARK not in tier:
        tier = normalise_tier(f"{tier} {REGION_MARK}{place[1]}")
    matched = sources.entries.find(provider, names)
    if matched is not None:
        return price_by_entry(sources, matched, provider, names, tier)
    if not provider:
        return Match("unpriced", "provider not named and not clear from the model", "", model)
    if is_free_variant(provider, model):
        return free_match("free variant", provider, model, "built_in")
    if is_opaque(model):
        return Match("unpriced", "resource id that names no model, needs an alias", provider, model)
    return _price_by_catalogue(sources, provider, names, tier)


def price_by_entry(
    sources: PriceSources, matched: EntryMatch, provider: str, names: list[Candidate], tier: str
) -> Match:
    """The price of an operator's entry, completed from the catalogue."""
    entry = matched.entry
    maker = provider if entry.provider == ANY else entry.provider
    provider = provider or ("" if maker == ANY else maker)
    if matched.status == "pattern":
        model, catalogue_names = names[0].name, names
    else:
        model, catalogue_names = entry.model, candidates(maker, entry.model, sources.aliases)
    listing, base = find_listing(sources.catalogues, maker, catalogue_names, tier)
    if entry.steps:
        tariff = compile_entry(entry, base, sources.cache_defaults, tier)
    else:
        tariff = _adjusted(base, entry, tier)
    if not tariff:
        return Match("unpriced", "alias of a model without a price", provider, model)
    status, reason = matched.status, matched.reason
    if entry.estimated:
        status, reason = "fallback", "estimate, no published price"
    elif entry.steps and not any(any(step.rates.values()) for step in entry.steps):
        status, reason = "free", "operator's price is zero"
    return with_flat_rates(
        Match(
            status,
            reason,
            provider,
            model,
            tariff,
            rule=f"{maker}:{entry.model}",
            any_provider=entry.provider == ANY,
            # Without prices of its own, an entry has those of the catalogue.
            alternatives=entry.alternatives
            or (listing is not None and not entry.steps and listing.alternatives),
            version=listing.catalogue if listing is not None and not entry.steps else "",
            source="price_file" if entry.steps else "catalogue",
            source_line=entry.source_line,
        )
    )


def _price_by_catalogue(
    sources: PriceSources, provider: str, names: list[Candidate], tier: str
) -> Match:
    """The catalogue's price, with the operator's discount on it."""
    model = names[0].name
    if not any(each.has_provider(provider) for each in sources.catalogues):
        return Match("unpriced", "provider not in the catalogue", provider, model)
    found, tariff = find_listing(sources.catalogues, provider, names, tier)
    if found is None and provider in RESELLERS:
        found, tariff = _find_at_maker(sources, names)
    if found is None:
        fine_tune = is_fine_tune(model)
        reason = "no price for this fine-tune" if fine_tune else "model unknown at this provider"
        return Match("unpriced", reason, provider, model)
    if not tariff:
        return Match("unpriced", "catalogue has no token price for this model", provider, model)
    own = found.provider == provider
    discount = sources.entries.discount(provider, names)
    if discount is not None:
        tariff = _adjusted(tariff, discount, tier)
    status, how = _status_of(found, own=own)
    untiered = NO_TIER_PRICE if split_tier(tier)[0] and not own else ""
    is_changed = discount is not None and discount.adjust != 1
    reason = join_reasons(how, "operator discount" if is_changed else "")
    match = Match(status, reason, provider, found.model, tariff, rule=found.rule, note=untiered)
    return with_flat_rates(
        match._replace(
            alternatives=found.alternatives,
            version=found.catalogue,
            source="catalogue",
            source_line=0 if discount is None else discount.source_line,
        )
    )


def _find_at_maker(sources: PriceSources, names: list[Candidate]) -> tuple[Listing | None, Tariff]:
    """The maker's own model behind ``maker/model`` of a reseller, who passes its price on."""
    for name in names:
        segment, _slash, model = name.name.partition("/")
        maker = provider_id(segment, sources.aliases)
        if maker and infer_provider(model) == maker:
            own = candidates(maker, model, sources.aliases)
            return find_listing(sources.catalogues, maker, own, "")
    return None, ()


def _status_of(found: Listing, *, own: bool) -> tuple[Status, str]:
    if not found.is_full_match:
        return "pattern", join_reasons(found.how, "similar name in the catalogue")
    if own and not found.how:
        return "exact", ""
    return "alias", join_reasons(found.how, "" if own else "maker's price")


def _adjusted(tariff: Tariff, entry: PriceEntry, tier: str) -> Tariff:
    """A catalogue's prices with what an entry says of all of them, and of where it was served."""
    adjust = entry.adjust
    if adjust is not None and adjust != 1:
        tariff = map_tariff(tariff, lambda row: scale_all(row, adjust))
    uplift = region_multiplier(entry.regions, split_tier(tier)[1])
    return tariff if uplift == 1 else map_tariff(tariff, lambda row: scale_tokens(row, uplift))


def free_match(reason: str, provider: str, model: str, source: PriceSource = "price_file") -> Match:
    """A price of nothing, why, and who says so."""
    return with_flat_rates(
        Match("free", reason, provider, model, _FREE_TARIFF, rule=reason, source=source)
    )


def with_flat_rates(match: Match) -> Match:
    """The same price with its rates at hand, where nothing else is to be known or said of them."""
    return match if match.note else match._replace(flat=flatten(match.tariff))


def join_reasons(*parts: str) -> str:
    """What is to be said of a price, in one text."""
    return ", ".join(part for part in parts if part)
