"""From the names on a span to a price: the levels of precedence, in one place.

For each model the span names (the response's before the request's):

1. operator entry by exact name, 2. by alias, 3. by pattern,
4. the catalogue, by the name and then by what it is also written as,

then 5. the operator's entry for all models, 6. the fallback price, 7. unpriced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from processor.core.model import Status
from processor.core.pricing.entry_index import EntryIndex, EntryMatch
from processor.core.pricing.index import Found, Host
from processor.core.pricing.names import (
    NAME_LIMIT,
    Candidate,
    candidates,
    is_fine_tune,
    is_free_variant,
    is_opaque,
)
from processor.core.pricing.offered import compile_offer, flat_offer
from processor.core.pricing.published import NO_TIER_PRICE, compile_model
from processor.core.pricing.shapes import (
    ANY,
    BEGINNING_NS,
    FREE_RATES,
    CacheDefaults,
    Match,
    Partial,
    Step,
    Table,
    Tariff,
)
from processor.core.pricing.tariff import flatten, map_tariff, scale_all
from processor.core.providers import (
    CUSTOMER_NAMED,
    infer_provider,
    is_placeholder,
    normalise_tier,
    provider_id,
)

FROM_MODEL = "provider inferred from the model"
FROM_FILE = "provider inferred from the price file"
"""Reasons of a price that was found for a call which names no provider."""

_FREE_TARIFF: Tariff = (Step(BEGINNING_NS, Table((), (FREE_RATES,))),)


@dataclass(frozen=True, slots=True)
class PriceSources:
    """Everything a price is looked for in."""

    book: EntryIndex
    hosts: Mapping[str, Host]
    aliases: Mapping[str, str]
    free: frozenset[str]
    cache_defaults: CacheDefaults
    fallback: Partial | None


def resolve(shelf: PriceSources, provider: str, models: Sequence[str], tier: str) -> Match:
    """The price of a call that names this provider and these models, at this service tier.

    Where the call names no provider, one is inferred, and the price says so: its status is never
    ``exact`` then.
    """
    host = provider_id(provider, shelf.aliases)
    served = normalise_tier(tier)
    known = [model.strip().lower() for model in models if not is_placeholder(model)]
    shown = known[0][:NAME_LIMIT] if known else ""
    if host in shelf.free:
        return _free("provider is free", host, shown)
    failure = Match("unpriced", "no model named", host, shown)
    for place, model in enumerate(known):
        match = _price_of(shelf, host, model, served)
        if match.tariff:
            return match
        if place == 0:
            failure = match
    return _last_resort(shelf, failure, served, is_inferred=not host)


def _price_of(shelf: PriceSources, host: str, model: str, tier: str) -> Match:
    """Levels 1 to 4 for one model."""
    if len(model) > NAME_LIMIT:
        return Match("unpriced", "model name is too long", host, model[:NAME_LIMIT])
    if host:
        return _price_at(shelf, host, model, tier)
    seller = infer_provider(model, shelf.aliases)
    if seller in shelf.free:
        return _as_inferred(_free("provider is free", seller, model), FROM_MODEL)
    match = _price_at(shelf, seller, model, tier)
    return match if match.any_provider else _as_inferred(match, FROM_MODEL if seller else FROM_FILE)


def _price_at(shelf: PriceSources, seller: str, model: str, tier: str) -> Match:
    """The price of a model at a provider; ``""`` finds only what the operator's file names."""
    names = candidates(seller, model, shelf.aliases)
    hit = shelf.book.find(seller, names)
    if hit is not None:
        return _offered(shelf, hit, seller, names, tier)
    if not seller:
        return Match("unpriced", "provider not named and not clear from the model", "", model)
    if is_free_variant(seller, model):
        return _free("free variant", seller, model)
    if is_opaque(model):
        return Match("unpriced", "resource id that names no model, needs an alias", seller, model)
    return _listed(shelf, seller, names, tier)


def _as_inferred(match: Match, reason: str) -> Match:
    """The same price, marked: an exact one becomes an alias, a weaker one stays what it is."""
    if not match.tariff:
        return match
    status: Status = "alias" if match.status == "exact" else match.status
    return match._replace(status=status, reason=_join(reason, match.reason))


def _offered(
    shelf: PriceSources, hit: EntryMatch, seller: str, names: list[Candidate], tier: str
) -> Match:
    """The price of an operator's entry, completed from the catalogue."""
    offer = hit.offer
    maker = seller if offer.provider == ANY else offer.provider
    host = seller or ("" if maker == ANY else maker)
    if hit.status == "pattern":
        model, catalogue_names = names[0].name, names
    else:
        model, catalogue_names = offer.model, candidates(maker, offer.model, shelf.aliases)
    listed = _search(shelf, maker, catalogue_names)
    base = compile_model(listed[0].model, tier) if listed else ()
    if offer.steps:
        tariff = compile_offer(offer, base, shelf.cache_defaults, tier)
    else:
        tariff = base if offer.adjust is None else _scaled(base, offer.adjust)
    if not tariff:
        return Match("unpriced", "alias of a model without a price", host, model)
    status, reason = hit.status, hit.reason
    if offer.estimated:
        status, reason = "fallback", "estimate, no published price"
    elif offer.steps and not any(any(step.rates.values()) for step in offer.steps):
        status, reason = "free", "operator's price is zero"
    rule, for_any = f"{maker}:{offer.model}", offer.provider == ANY
    return _priced(Match(status, reason, host, model, tariff, rule=rule, any_provider=for_any))


def _listed(shelf: PriceSources, seller: str, names: list[Candidate], tier: str) -> Match:
    """The catalogue's price, with the operator's discount on it."""
    model = names[0].name
    if seller not in shelf.hosts:
        return Match("unpriced", "provider not in the catalogue", seller, model)
    result = _search(shelf, seller, names)
    if result is None:
        fine_tune = is_fine_tune(model)
        reason = "no price for this fine-tune" if fine_tune else "model unknown at this provider"
        return Match("unpriced", reason, seller, model)
    found, how = result
    own = found.at_host == seller
    # The catalogue's service tiers are those of the maker; another host need not offer them.
    tariff = compile_model(found.model, tier if own else "")
    if not tariff:
        return Match("unpriced", "catalogue has no token price for this model", seller, model)
    discount = shelf.book.discount(seller, names)
    if discount is not None and discount.adjust is not None:
        tariff = _scaled(tariff, discount.adjust)
    status: Status
    if not found.tight:
        status, how = "pattern", _join(how, "similar name in the catalogue")
    else:
        status, how = _tightly(own=own, how=how)
    untiered = NO_TIER_PRICE if tier and not own else ""
    reason = _join(how, "operator discount" if discount else "", untiered)
    rule = f"{found.at_host}:{found.model.id}"
    return _priced(Match(status, reason, seller, found.model.id, tariff, rule=rule))


def _tightly(*, own: bool, how: str) -> tuple[Status, str]:
    if own and not how:
        return "exact", ""
    return "alias", _join(how, "" if own else "maker's price")


def _search(shelf: PriceSources, seller: str, names: list[Candidate]) -> tuple[Found, str] | None:
    """Look the names up: first as the model's own, then as a similar one, then weakened."""
    host = shelf.hosts.get(seller)
    if host is None:
        return None
    spellings = [name for name in names if name.same]
    weakened = [name for name in names if not name.same]
    hosts = [host, *(shelf.hosts[name] for name in host.fallbacks if name in shelf.hosts)]
    if is_fine_tune(names[0].name):
        return _fine_tune(host, spellings)
    # Where customers choose the names, and at another host, a similar name says nothing.
    similar = host if seller not in CUSTOMER_NAMED else None
    return _first(hosts, spellings, similar) or _first(hosts, weakened, None)


def _first(
    hosts: Sequence[Host], names: Iterable[Candidate], similar_at: Host | None
) -> tuple[Found, str] | None:
    """The first name that is a model's own, else the first that is like one at `similar_at`."""
    similar: tuple[Found, str] | None = None
    for name in names:
        for host in hosts:
            found = host.find(name.name)
            if found is None:
                continue
            if found.tight:
                return found, name.how
            if similar is None and host is similar_at:
                similar = found, name.how
    return similar


def _fine_tune(host: Host, names: Iterable[Candidate]) -> tuple[Found, str] | None:
    """A fine-tune's own price; its base model's price is another one."""
    for name in names:
        found = host.find(name.name)
        if found is not None and found.model.id.startswith("ft:"):
            return found._replace(tight=True), "fine-tune price of its base model"
    return None


def _last_resort(shelf: PriceSources, failure: Match, tier: str, *, is_inferred: bool) -> Match:
    """Levels 5 and 6, for the first model the span names."""
    hit = shelf.book.last_resort(failure.provider)
    if hit is not None:
        match = _offered(shelf, hit, failure.provider, [Candidate(failure.model)], tier)
        return _as_inferred(match, FROM_MODEL) if is_inferred and not match.any_provider else match
    if shelf.fallback is None:
        return failure
    table = flat_offer(shelf.fallback, shelf.cache_defaults)
    tariff: Tariff = (Step(BEGINNING_NS, table),)
    host, model = failure.provider, failure.model
    return _priced(Match("fallback", "fallback price", host, model, tariff, rule="fallback"))


def _free(reason: str, host: str, model: str) -> Match:
    return _priced(Match("free", reason, host, model, _FREE_TARIFF, rule=reason))


def _scaled(tariff: Tariff, multiplier: Fraction) -> Tariff:
    return map_tariff(tariff, lambda row: scale_all(row, multiplier))


def _priced(match: Match) -> Match:
    return match._replace(flat=flatten(match.tariff))


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
