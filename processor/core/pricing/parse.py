"""Reading a price file: everything that is wrong with it is told at once, with line and mend."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, cast

from processor.core.errors import ConfigError
from processor.core.files.document import Document
from processor.core.pricing.entries import ParseDefaults, read_offer, read_short
from processor.core.pricing.rates import UNITS, Scale, check_complete, check_units, read_rates
from processor.core.pricing.reading import Reader
from processor.core.pricing.shapes import (
    CacheDefaults,
    CacheSemantics,
    Partial,
    PriceEntry,
    PriceFile,
)
from processor.core.providers import SPELLINGS, provider_id

_TOP_KEYS = frozenset(
    {
        "version", "currency", "usd_rate", "unit", "catalogue", "cache_defaults", "providers",
        "models", "fallback", "reported",
    }
)  # fmt: skip
_PROVIDER_KEYS = frozenset({"aliases", "free", "cache_semantics"})
_SEMANTICS = ("inclusive", "exclusive", "auto")
_SCHEMA_VERSION = 1
_WARN_DAYS = 60


def parse_prices(text: str, source: str) -> PriceFile:
    """Read a price file; `source` names it in messages. The empty text is a usable file.

    Raises ConfigError with every problem found: where it is (file and line), what is wrong,
    and how to mend it. Slips that may be meant are in `PriceFile.warnings`.
    """
    reader = Reader(Document(text, source))
    raw = reader.mapping(reader.document.root, (), _TOP_KEYS)
    if raw.get("version", _SCHEMA_VERSION) != _SCHEMA_VERSION:
        reader.wrong(("version",), "is not a version this program knows", "write version: 1")
    usd_rate = _usd_rate(reader, raw)
    unit = reader.choice(raw.get("unit"), ("unit",), tuple(UNITS), "per_1m")
    providers = reader.mapping(raw.get("providers"), ("providers",))
    aliases = _provider_aliases(reader, providers)
    free = _free(reader, providers, aliases)
    offers = _offers(reader, raw, _terms(raw, providers, aliases, unit, usd_rate))
    _check_unique(reader, offers)
    _check_free(reader, offers, free)
    use_catalogue, warn_days = _catalogue(reader, raw.get("catalogue"))
    file = PriceFile(
        source=source,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        offers=tuple(offers),
        aliases=aliases,
        free=free,
        cache_semantics=_cache_semantics(reader, providers),
        cache_defaults=_cache_defaults(reader, raw.get("cache_defaults")),
        fallback=_fallback(reader, raw.get("fallback"), Scale(unit, usd_rate, explicit=False)),
        use_catalogue=use_catalogue,
        warn_if_older_than_days=warn_days,
        trusted=_trusted(reader, raw.get("reported")),
        warnings=tuple(reader.warnings),
    )
    if reader.problems:
        raise ConfigError(reader.problems)
    return file


def _catalogue(reader: Reader, value: object) -> tuple[bool, int]:
    """Whether the catalogue is used, and how many days old it may be without a warning."""
    path = ("catalogue",)
    days = "warn_if_older_than_days"
    raw = reader.mapping(value, path, {"source", "on_error", days})
    sources = ("genai-prices", "none")
    source = reader.choice(raw.get("source"), (*path, "source"), sources, sources[0])
    reader.choice(raw.get("on_error"), (*path, "on_error"), ("keep-last",), "keep-last")
    return source != "none", reader.whole(raw.get(days), (*path, days), _WARN_DAYS)


def _usd_rate(reader: Reader, raw: Mapping[str, Any]) -> Decimal:
    """How many USD one unit of the file's currency is."""
    currency = reader.text(raw.get("currency", "usd"), ("currency",))
    if "usd_rate" in raw:
        rate = reader.number(raw["usd_rate"], ("usd_rate",))
        if rate == 0 or (rate is not None and currency == "usd" and rate != 1):
            reader.wrong(("usd_rate",), f"cannot be {rate} for {currency.upper()}")
        return rate or Decimal(1)
    if currency != "usd":
        fix = f"write usd_rate, the USD for one {currency.upper()}"
        reader.wrong(("currency",), "is not USD and has no rate", fix)
    return Decimal(1)


def _provider_aliases(reader: Reader, providers: Mapping[str, Any]) -> dict[str, str]:
    path = ("providers", "aliases")
    raw = reader.mapping(providers.get("aliases"), path)
    spelled = {key.strip().lower(): reader.text(value, (*path, key)) for key, value in raw.items()}
    return {spelling: SPELLINGS.get(name, name) for spelling, name in spelled.items()}


def _free(
    reader: Reader, providers: Mapping[str, Any], aliases: Mapping[str, str]
) -> frozenset[str]:
    names = reader.texts(providers.get("free"), ("providers", "free"))
    return frozenset(provider_id(name, aliases) for name in names)


def _terms(
    raw: Mapping[str, Any],
    providers: Mapping[str, Any],
    aliases: Mapping[str, str],
    unit: str,
    usd_rate: Decimal,
) -> ParseDefaults:
    listed = raw.get("models")
    named = {
        str(item["provider"]).lower()
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict) and item.get("provider")
    }
    known = named | set(providers) | set(aliases) | set(SPELLINGS)
    return ParseDefaults(
        unit,
        usd_rate,
        canonical=partial(provider_id, aliases=aliases),
        is_provider=known.__contains__,
    )


def _offers(reader: Reader, raw: Mapping[str, Any], terms: ParseDefaults) -> list[PriceEntry]:
    listed = reader.items(raw.get("models"), ("models",))
    offers = [read_offer(reader, item, ("models", i), terms) for i, item in enumerate(listed)]
    # The short form quotes per 1K unless the file says otherwise.
    short = terms if "unit" in raw else terms._replace(unit="per_1k")
    for provider, models in reader.mapping(raw.get("providers"), ("providers",)).items():
        if provider in _PROVIDER_KEYS:
            continue
        path = ("providers", provider)
        if isinstance(models, dict):
            offers += read_short(reader, models, path, provider, short)
        else:
            reader.unknown(path, provider, _PROVIDER_KEYS)
    return offers


def _check_unique(reader: Reader, offers: list[PriceEntry]) -> None:
    """Refuse two entries for the same name: which of them holds would be a matter of order."""
    counted = Counter((o.provider, o.model, o.adjust is None) for o in offers)
    for (provider, model, _), count in counted.items():
        if count > 1:
            reader.wrong(("models",), f"has {provider}:{model} {count} times", "keep one entry")
    aliases = Counter(pair for offer in offers for pair in set(offer.aliases))
    for (provider, model), count in aliases.items():
        if count > 1:
            reader.wrong(("models",), f"has the alias {provider}:{model} on {count} entries")


def _check_free(reader: Reader, offers: list[PriceEntry], free: frozenset[str]) -> None:
    for provider in sorted(
        {o.provider for o in offers if any(any(s.rates.values()) for s in o.steps)}
    ):
        if provider in free:
            what = f"makes {provider} free, so its prices are never used"
            reader.doubt(("providers", "free"), what, "keep one of them")


def _cache_semantics(reader: Reader, providers: Mapping[str, Any]) -> dict[str, CacheSemantics]:
    path = ("providers", "cache_semantics")
    raw = reader.mapping(providers.get("cache_semantics"), path)
    return {
        key.lower(): cast("CacheSemantics", reader.choice(value, (*path, key), _SEMANTICS, "auto"))
        for key, value in raw.items()
    }


def _cache_defaults(reader: Reader, value: object) -> CacheDefaults:
    keys = ("read_multiplier", "write_multiplier", "write_1h_multiplier")
    raw = reader.mapping(value, ("cache_defaults",), keys)
    one = Fraction(1)
    factors = [
        reader.multiplier(raw[key], ("cache_defaults", key)) if key in raw else one for key in keys
    ]
    return CacheDefaults(*factors)


def _fallback(reader: Reader, value: object, scale: Scale) -> Partial | None:
    raw = reader.mapping(value, ("fallback",), {"enabled", "prices"})
    path = ("fallback", "prices")
    prices = reader.mapping(raw.get("prices"), path)
    rates = read_rates(reader, prices, path, scale)
    check_units(reader, path, scale)
    if not reader.flag(raw.get("enabled"), ("fallback", "enabled")):
        return None
    check_complete(reader, rates, path)
    return rates


def _trusted(reader: Reader, value: object) -> frozenset[str]:
    raw = reader.mapping(value, ("reported",), {"trust"})
    items = reader.items(raw.get("trust"), ("reported", "trust"))
    return frozenset(str(item) for item in items)
