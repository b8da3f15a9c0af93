"""From the names on a span to a price: the levels of precedence, in one place.

For each model the span names (the response's before the request's):

1. operator entry by exact name, 2. by alias, 3. by pattern,
4. the catalogue, by the name and then by what it is also written as,

then 5. the operator's entry for all models, 6. the fallback price, 7. unpriced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from processor.core.model import Status
from processor.core.pricing.catalogues import Catalogue, Listing, find_listing
from processor.core.pricing.entry_index import EntryIndex, EntryMatch
from processor.core.pricing.entry_tariff import compile_entry, flat_table, region_multiplier
from processor.core.pricing.names import (
    NAME_LIMIT,
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
    Step,
    Table,
    Tariff,
)
from processor.core.pricing.tariff import flatten, map_tariff, scale_all, scale_tokens
from processor.core.providers import (
    REGION_MARK,
    RESELLERS,
    infer_provider,
    is_placeholder,
    normalise_tier,
    provider_id,
    provider_of_class,
    split_tier,
)

FROM_MODEL = "provider inferred from the model"
FROM_FILE = "provider inferred from the price file"
FROM_CLASS = "provider inferred from the name of a class"
"""Reasons of a price that was found for a call which names no provider."""

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


def resolve(sources: PriceSources, provider: str, models: Sequence[str], tier: str) -> Match:
    """The price of a call that names this provider and these models, at this service tier.

    Where the call names no provider, one is inferred, and the price says so: its status is never
    ``exact`` then.
    """
    stated = provider_id(provider, sources.aliases)
    service_tier = normalise_tier(tier)
    known = [model.strip().lower() for model in models if not is_placeholder(model)]
    shown = known[0][:NAME_LIMIT] if known else ""
    if stated in sources.free:
        return _free("provider is free", stated, shown)
    failure = Match("unpriced", "no model named", stated, shown)
    word = provider.strip().lower()
    for position, model in enumerate(known):
        match = _price_of_model(sources, stated, word, model, service_tier)
        if match.tariff:
            return match
        if position == 0:
            failure = match
    return _last_resort(sources, failure, service_tier, is_inferred=not stated)


def _price_of_model(sources: PriceSources, stated: str, word: str, model: str, tier: str) -> Match:
    """Levels 1 to 4 for one model, at the provider that is stated or else inferred.

    `word` is what stands where a provider should: a framework or class, or nothing, where none
    is stated.
    """
    if len(model) > NAME_LIMIT:
        return Match("unpriced", "model name is too long", stated, model[:NAME_LIMIT])
    if stated:
        return _price_at(sources, stated, model, tier)
    failures: list[Match] = []
    for provider, reason in _inferred_providers(sources, word, model):
        if provider in sources.free:
            return _as_inferred(_free("provider is free", provider, model), reason)
        match = _price_at(sources, provider, model, tier)
        if match.any_provider:
            return match
        if match.tariff:
            return _as_inferred(match, reason) if reason else match
        failures.append(match)
    return next((failure for failure in reversed(failures) if failure.provider), failures[-1])


def _inferred_providers(sources: PriceSources, word: str, model: str) -> Iterator[tuple[str, str]]:
    """Who may charge for a call that states no provider, and how that is known.

    First whoever the operator's file has prices of under the very word that stands for it.
    """
    if word in sources.entries.providers:
        yield word, ""
    of_class = provider_of_class(word)
    if of_class:
        yield of_class, FROM_CLASS
    inferred = infer_provider(model, sources.aliases)
    if inferred != of_class or not inferred:
        yield inferred, FROM_MODEL if inferred else FROM_FILE


def _price_at(sources: PriceSources, provider: str, model: str, tier: str) -> Match:
    """The price of a model at a provider; ``""`` finds only what the operator's file names."""
    names = candidates(provider, model, sources.aliases)
    place = _VERTEX_LOCATION.search(model)
    if place and REGION_MARK not in tier:
        tier = normalise_tier(f"{tier} {REGION_MARK}{place[1]}")
    matched = sources.entries.find(provider, names)
    if matched is not None:
        return _price_by_entry(sources, matched, provider, names, tier)
    if not provider:
        return Match("unpriced", "provider not named and not clear from the model", "", model)
    if is_free_variant(provider, model):
        return _free("free variant", provider, model)
    if is_opaque(model):
        return Match("unpriced", "resource id that names no model, needs an alias", provider, model)
    return _price_by_catalogue(sources, provider, names, tier)


def _as_inferred(match: Match, reason: str) -> Match:
    """The same price, marked: an exact one becomes an alias, a weaker one stays what it is."""
    if not match.tariff:
        return match
    status: Status = "alias" if match.status == "exact" else match.status
    return match._replace(status=status, reason=_join(reason, match.reason))


def _price_by_entry(
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
    return _priced(
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
    reason = _join(how, "operator discount" if is_changed else "")
    match = Match(status, reason, provider, found.model, tariff, rule=found.rule, note=untiered)
    return _priced(match._replace(alternatives=found.alternatives, version=found.catalogue))


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
        return "pattern", _join(found.how, "similar name in the catalogue")
    if own and not found.how:
        return "exact", ""
    return "alias", _join(found.how, "" if own else "maker's price")


def _adjusted(tariff: Tariff, entry: PriceEntry, tier: str) -> Tariff:
    """A catalogue's prices with what an entry says of all of them, and of where it was served."""
    if entry.adjust is not None and entry.adjust != 1:
        tariff = map_tariff(tariff, lambda row: scale_all(row, entry.adjust or Fraction(1)))
    uplift = region_multiplier(entry.regions, split_tier(tier)[1])
    return tariff if uplift == 1 else map_tariff(tariff, lambda row: scale_tokens(row, uplift))


def _last_resort(sources: PriceSources, failure: Match, tier: str, *, is_inferred: bool) -> Match:
    """Levels 5 and 6, for the first model the span names."""
    matched = sources.entries.last_resort(failure.provider)
    if matched is not None:
        match = _price_by_entry(
            sources, matched, failure.provider, [Candidate(failure.model)], tier
        )
        return _as_inferred(match, FROM_MODEL) if is_inferred and not match.any_provider else match
    if sources.fallback is None:
        return failure
    table = flat_table(sources.fallback, sources.cache_defaults)
    tariff: Tariff = (Step(BEGINNING_NS, table),)
    provider, model = failure.provider, failure.model
    return _priced(Match("fallback", "fallback price", provider, model, tariff, rule="fallback"))


def _free(reason: str, provider: str, model: str) -> Match:
    return _priced(Match("free", reason, provider, model, _FREE_TARIFF, rule=reason))


def _priced(match: Match) -> Match:
    return match._replace(flat=flatten(match.tariff))


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
