"""The catalog: an immutable value that knows every price, and remembers what it was asked."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from processor.core.errors import ConfigError, Problem
from processor.core.pricing.catalogues import Catalogue
from processor.core.pricing.entry_index import EntryIndex
from processor.core.pricing.litellm import LitellmPrices
from processor.core.pricing.names import NAME_LIMIT
from processor.core.pricing.provider_price import PriceSources
from processor.core.pricing.resolve import resolve
from processor.core.pricing.shapes import (
    GENAI_PRICES,
    CacheSemantics,
    CatalogueName,
    Match,
    PriceFile,
)
from processor.core.providers import SPELLINGS

_MEMO_LIMIT = 4096
_LONGEST = 2 * NAME_LIMIT
_MOST_MODELS = 4

Question = tuple[str, tuple[str, ...], str]
"""Provider, models and service tier, as a span names them."""


class Memo:
    """Answers to the latest questions, unknown models among them; bounded, like an LRU.

    Two generations: a full young one becomes the old one, and what is asked again moves back.
    So at most twice the limit is kept, and a matched costs one dictionary look-up.
    """

    def __init__(self, limit: int) -> None:
        """Keep at least the `limit` answers asked for last."""
        self._limit = limit
        self._young: dict[Question, Match] = {}
        self._old: dict[Question, Match] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, question: Question) -> Match | None:
        """The answer, if it is still known."""
        match = self._young.get(question)
        if match is None:
            match = self._old.pop(question, None)
            if match is not None:
                self.put(question, match)
        return match

    def put(self, question: Question, match: Match) -> None:
        """Remember an answer."""
        if len(self._young) >= self._limit:
            self._old = self._young
            self._young = {}
        self._young[question] = match


@dataclass(frozen=True, slots=True)
class Catalog:
    """Prices of the operator and of the catalogue, compiled. Equal inputs give equal prices.

    A reload makes a new value; nothing that was remembered outlives the prices it came from.
    """

    version: str
    """Names the content of the price file and of the catalogues; written on every charge.

    Where another catalogue than the installed one has answered, its name follows, as in
    ``1a2b3c4d+litellm``.
    """
    catalogue_version: str
    """The version of the installed catalogue, ``""`` when it is not used."""
    catalogue_names: tuple[str, ...]
    """Every catalogue that is asked, with its version, in that order."""
    cache_semantics: Mapping[str, CacheSemantics]
    """Provider, scope or ``default`` -> whether reported input includes cached tokens.

    A provider stands under its id as well as under the name that the operator wrote."""
    trusted: frozenset[str]
    """Attributes whose reported cost wins over ours."""
    warn_if_older_than_days: int
    sources: PriceSources = field(repr=False)
    _price_dates: tuple[date, ...] = field(repr=False)
    _memo: Memo = field(default_factory=lambda: Memo(_MEMO_LIMIT), repr=False, compare=False)

    def match(self, provider: str, models: tuple[str, ...], tier: str) -> Match:
        """The price for what a span names; remembered unless it is absurdly long."""
        question = (provider, models, tier)
        match = self._memo.get(question)
        if match is None:
            names = tuple(model[:_LONGEST] for model in models[:_MOST_MODELS])
            match = resolve(self.sources, provider[:_LONGEST], names, tier[:_LONGEST])
            mark = f"+{match.version}" if match.version else ""
            match = match._replace(version=f"{self.version}{mark}")
            if sum(map(len, (provider, tier, *models))) <= _LONGEST:
                self._memo.put(question, match)
        return match

    def age_days(self, now_ns: int) -> int | None:
        """For how many days at most the catalogue has not followed the market.

        Counted from its newest price in force; None without a catalogue.
        """
        today = datetime.fromtimestamp(now_ns // 10**9, UTC).date()
        position = bisect_right(self._price_dates, today)
        return (today - self._price_dates[position - 1]).days if position else None

    def is_stale(self, now_ns: int) -> bool:
        """Whether the catalogue is older than the operator accepts."""
        age = self.age_days(now_ns)
        return age is not None and age > self.warn_if_older_than_days


def compile_catalog(file: PriceFile, texts: Mapping[str, str] | None = None) -> Catalog:
    """Make the catalog of a price file; models are compiled when they are first asked for.

    `texts` has the content of the catalogues that are files, by the path that the price file names.
    Raises ConfigError where one is missing or cannot be used.
    """
    catalogues = [_catalogue(name, texts or {}) for name in file.catalogues]
    version, price_dates = _installed() if file.use_catalogue else ("", ())
    others = [
        each.version
        for name, each in zip(file.catalogues, catalogues, strict=True)
        if name.kind != GENAI_PRICES.kind
    ]
    order = [name.kind for name in file.catalogues] if others else []
    digest = hashlib.sha256(" ".join([file.digest, version, *others, *order]).encode()).hexdigest()
    sources = PriceSources(
        entries=EntryIndex(file.entries),
        catalogues=catalogues,
        aliases=file.aliases,
        free=file.free,
        cache_defaults=file.cache_defaults,
        fallback=file.fallback,
    )
    return Catalog(
        version=digest[:8],
        catalogue_version=version,
        catalogue_names=tuple(each.version for each in catalogues),
        cache_semantics=_by_every_name(file.cache_semantics),
        trusted=file.trusted,
        warn_if_older_than_days=file.warn_if_older_than_days,
        sources=sources,
        _price_dates=price_dates,
    )


def _installed() -> tuple[str, tuple[date, ...]]:
    """The version of the installed catalogue, and when prices in it have changed."""
    # All its prices are read with the module: only who compiles a catalog waits for that.
    from processor.core.pricing import genai_prices  # noqa: PLC0415 - as the line above says

    return genai_prices.VERSION, genai_prices.price_dates()


def _catalogue(name: CatalogueName, texts: Mapping[str, str]) -> Catalogue:
    if name.kind == GENAI_PRICES.kind:
        from processor.core.pricing.genai_prices import GenaiPrices  # noqa: PLC0415 - see _installed

        return GenaiPrices()
    if name.path not in texts:
        raise ConfigError([Problem(name.where, f"the file {name.path} was not read")])
    return LitellmPrices(texts[name.path], name.path)


def _by_every_name(rules: Mapping[str, CacheSemantics]) -> Mapping[str, CacheSemantics]:
    """The rules, each also under the id of the provider that its name is a spelling of."""
    by_id = {SPELLINGS[name]: rule for name, rule in rules.items() if name in SPELLINGS}
    return {**by_id, **rules}
