"""A price file as entries; every mistake in it is reported at once, with its line and fix."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import cast

from processor.core.errors import ConfigError
from processor.core.files.document import Document, Findings
from processor.core.files.validation import validate
from processor.core.pricing.entries import ParseDefaults, read_entry, read_short
from processor.core.pricing.form import PricesFile, Providers
from processor.core.pricing.rates import Scale, check_units, rates_of
from processor.core.pricing.shapes import (
    GENAI_PRICES,
    CacheDefaults,
    CacheSemantics,
    CatalogueName,
    Partial,
    PriceEntry,
    PriceFile,
)
from processor.core.providers import SPELLINGS, provider_id

_UNIT = "per_1m"
_UNIT_OF_SHORT_FORM = "per_1k"


def parse_prices(text: str, source: str) -> PriceFile:
    """Read a price file; `source` names it in messages. The empty text is a usable file.

    Raises ConfigError with every problem found: where it is (file and line), what is wrong,
    and how to fix it. What is allowed but looks like a mistake is in `PriceFile.warnings`.
    """
    document = Document(text, source)
    form, problems = validate(document, PricesFile)
    findings = Findings(document, problems)
    aliases = {
        spelling.strip().lower(): SPELLINGS.get(name, name)
        for spelling, name in form.providers.aliases.items()
    }
    free = frozenset(provider_id(name, aliases) for name in form.providers.free)
    entries = _entries(form, aliases, findings)
    _check_unique(entries, findings)
    _check_free(entries, free, findings)
    file = PriceFile(
        source=source,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        entries=tuple(entries),
        aliases=aliases,
        free=free,
        cache_semantics=_cache_semantics(form.providers),
        cache_defaults=CacheDefaults(
            form.cache_defaults.read_multiplier,
            form.cache_defaults.write_multiplier,
            form.cache_defaults.write_1h_multiplier,
        ),
        fallback=_fallback(form, findings),
        catalogues=_catalogues(form, findings),
        warn_if_older_than_days=form.catalogue.warn_if_older_than_days,
        trusted=frozenset(form.reported.trust),
        warnings=tuple(findings.warnings),
    )
    if findings.problems:
        raise ConfigError(findings.problems)
    return file


def _entries(form: PricesFile, aliases: Mapping[str, str], findings: Findings) -> list[PriceEntry]:
    named = {entry.provider for entry in form.models} | set(form.providers.short)
    known = named | set(aliases) | set(SPELLINGS)
    defaults = ParseDefaults(
        unit=form.unit or _UNIT,
        usd_rate=form.usd_rate or Decimal(1),
        canonical=partial(_canonical, aliases=aliases),
        is_provider=known.__contains__,
    )
    entries = [read_entry(entry, defaults, findings) for entry in form.models]
    short = defaults._replace(unit=form.unit or _UNIT_OF_SHORT_FORM)
    entries += [
        read_short(provider, model, prices, short, findings)
        for provider, models in form.providers.short.items()
        for model, prices in models.items()
    ]
    return entries


def _catalogues(form: PricesFile, findings: Findings) -> tuple[CatalogueName, ...]:
    """The published catalogues, each with its place in the file."""
    if form.catalogues is None:
        return () if form.catalogue.source == "none" else (GENAI_PRICES,)
    if "source" in form.catalogue.model_fields_set:
        what = "stands beside catalogues, which says the same"
        findings.problem(("catalogue", "source"), what, "remove it")
    named: list[CatalogueName] = []
    for position, each in enumerate(form.catalogues):
        place = ("catalogues", position)
        if each in [name._replace(where="") for name in named]:
            findings.problem(place, "names a catalogue twice", "remove it")
        where = findings.document.where(place) if each.path else ""
        named.append(each._replace(where=where))
    return tuple(named)


def _canonical(name: str, aliases: Mapping[str, str]) -> str:
    """The id of a provider that entries are for; the name of a gateway stands for itself."""
    return provider_id(name, aliases) or name.strip().lower()


def _check_unique(entries: Sequence[PriceEntry], findings: Findings) -> None:
    """Refuse two entries for the same name: which of them holds would be a matter of order."""
    counted = Counter((each.provider, each.model, each.adjust is None) for each in entries)
    for (provider, model, _), count in counted.items():
        if count > 1:
            what = f"has {provider}:{model} {count} times"
            findings.problem(("models",), what, "keep one entry")
    aliases = Counter(pair for each in entries for pair in set(each.aliases))
    for (provider, model), count in aliases.items():
        if count > 1:
            what = f"has the alias {provider}:{model} on {count} entries"
            findings.problem(("models",), what, "keep it on one")


def _check_free(entries: Sequence[PriceEntry], free: frozenset[str], findings: Findings) -> None:
    priced = {
        each.provider for each in entries if any(any(step.rates.values()) for step in each.steps)
    }
    for provider in sorted(priced & free):
        what = f"makes {provider} free, so its prices are never used"
        findings.warning(("providers", "free"), what, "keep one of them")


def _cache_semantics(providers: Providers) -> dict[str, CacheSemantics]:
    return {
        name.lower(): cast("CacheSemantics", each)
        for name, each in providers.cache_semantics.items()
    }


def _fallback(form: PricesFile, findings: Findings) -> Partial | None:
    prices = form.fallback.prices
    scale = Scale(form.unit or _UNIT, form.usd_rate or Decimal(1), explicit=False)
    rates = rates_of(prices.given, scale, findings)
    check_units(scale, prices.place, findings)
    return rates if form.fallback.enabled else None
