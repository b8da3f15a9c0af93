"""From the names on a span to a price: the levels of precedence, in one place.

For each model the span names (the response's before the request's):

1. operator entry by exact name, 2. by alias, 3. by pattern,
4. the catalogue, by the name and then by what it is also written as,

then 5. the operator's entry for all models, 6. the fallback price, 7. unpriced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processor.core.model import Status
from processor.core.pricing.entry_tariff import flat_table
from processor.core.pricing.names import NAME_LIMIT, Candidate
from processor.core.pricing.provider_price import (
    PriceSources,
    free_match,
    join_reasons,
    price_at,
    price_by_entry,
    with_flat_rates,
)
from processor.core.pricing.shapes import BEGINNING_NS, Match, Step, Tariff
from processor.core.providers import (
    IMITATED,
    infer_provider,
    is_placeholder,
    normalise_tier,
    provider_id,
    provider_of_class,
)

FROM_MODEL = "provider inferred from the model"
FROM_FILE = "provider inferred from the price file"
FROM_CLASS = "provider inferred from the name of a class"
"""Reasons of a price that was found for a call which names no provider."""


def resolve(sources: PriceSources, provider: str, models: Sequence[str], tier: str) -> Match:
    """The price of a call that names this provider and these models, at this service tier.

    Where the call names no provider, or one whose client others are called with and that does not
    sell such a model, it is inferred, and the price says so: its status is never ``exact`` then.
    """
    stated = provider_id(provider, sources.aliases)
    service_tier = normalise_tier(tier)
    known = [model.strip().lower() for model in models if not is_placeholder(model)]
    shown = known[0][:NAME_LIMIT] if known else ""
    if stated in sources.free:
        return free_match("provider is free", stated, shown)
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
        return _price_at_stated(sources, stated, model, tier)
    failures: list[Match] = []
    for provider, reason in _inferred_providers(sources, word, model):
        if provider in sources.free:
            return _as_inferred(free_match("provider is free", provider, model), reason)
        match = price_at(sources, provider, model, tier)
        if match.any_provider:
            return match
        if match.tariff:
            return _as_inferred(match, reason) if reason else match
        failures.append(match)
    return next((failure for failure in reversed(failures) if failure.provider), failures[-1])


def _price_at_stated(sources: PriceSources, stated: str, model: str, tier: str) -> Match:
    """The price at the provider that is stated, or at the maker where only its client was used."""
    match = price_at(sources, stated, model, tier)
    maker = infer_provider(model, sources.aliases) if stated in IMITATED else ""
    if match.tariff or maker in {"", stated}:
        return match
    if maker in sources.free:
        own = free_match("provider is free", maker, model)
    else:
        own = price_at(sources, maker, model, tier)
    return _as_inferred(own, FROM_MODEL) if own.tariff else match


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


def _as_inferred(match: Match, reason: str) -> Match:
    """The same price, marked: an exact one becomes an alias, a weaker one stays what it is."""
    if not match.tariff:
        return match
    status: Status = "alias" if match.status == "exact" else match.status
    return match._replace(status=status, reason=join_reasons(reason, match.reason))


def _last_resort(sources: PriceSources, failure: Match, tier: str, *, is_inferred: bool) -> Match:
    """Levels 5 and 6, for the first model the span names."""
    matched = sources.entries.last_resort(failure.provider)
    if matched is not None:
        match = price_by_entry(sources, matched, failure.provider, [Candidate(failure.model)], tier)
        return _as_inferred(match, FROM_MODEL) if is_inferred and not match.any_provider else match
    if sources.fallback is None:
        return failure
    table = flat_table(sources.fallback, sources.cache_defaults)
    tariff: Tariff = (Step(BEGINNING_NS, table),)
    provider, model = failure.provider, failure.model
    match = Match("fallback", "fallback price", provider, model, tariff, rule="fallback")
    return with_flat_rates(match._replace(source="price_file"))
