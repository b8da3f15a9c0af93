"""Which provider is meant: by a name on a span, by a host, or by the name of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from processor.core.providers.table import (
    CLASS_PREFIXES,
    CLASS_SUFFIXES,
    CLIENT_IDS,
    INTERMEDIARIES,
    NO_REGIONS,
    OPEN_WEIGHTS,
    PLACEHOLDER_MODELS,
    PLACEHOLDER_PREFIXES,
    PROVIDERS,
    PUBLISHERS,
    REGION_MARK,
    RESELLERS,
    SPELLINGS,
    STANDARD_TIERS,
    TAGGED_MODELS,
    UNNAMED,
)

_NAME_MAX = 128
"""Characters of a provider's name that are looked at."""

_HOSTS = tuple((end, provider.id) for provider in PROVIDERS for end in provider.hosts)
_PATHS = tuple((re.compile(row.paths), row.id) for row in PROVIDERS if row.paths)
_BRANDS = tuple((re.compile(row.brands), row.id) for row in PROVIDERS if row.brands)
_OPEN_WEIGHTS = re.compile(OPEN_WEIGHTS)
_NO_ALIASES: Mapping[str, str] = {}
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_JOINED: Mapping[str, str] = {
    **{_SEPARATORS.sub("", name): "" for name in INTERMEDIARIES},
    **{_SEPARATORS.sub("", spelling): found for spelling, found in SPELLINGS.items()},
}
"""Every known word without what joins its parts -> the provider's id, ``""`` for a framework."""
_BEFORE = (*CLASS_PREFIXES, *(_SEPARATORS.sub("", name) for name in INTERMEDIARIES - UNNAMED))


def provider_id(name: str, aliases: Mapping[str, str] = _NO_ALIASES) -> str:
    """The id of the provider that a name means.

    ``""`` when the name means none (a framework, a gateway, ``unknown``); the name itself, in
    lower case, when nothing is known of it. `aliases` come before the table. A dotted name
    (``openai.embedding``) that is not known as a whole is tried by its leading parts, one with
    slashes (``langgenius/openai/openai``) by its last. The name of a class or module
    (``ChatOpenAI``) means none: see `provider_of_class`.
    """
    whole = name.strip().lower()[:_NAME_MAX]
    for part in _parts(whole):
        known = aliases.get(part) or SPELLINGS.get(part)
        if known is not None:
            return known
        if part in INTERMEDIARIES:
            return ""
    return whole if provider_of_class(whole) is None else ""


def provider_of_class(name: str) -> str | None:
    """The id of the provider whose class, module or framework integration a name is.

    ``""`` for a framework, and for a client that others' services are called with as well
    (``ChatOpenAI``); None when the name is neither, such as that of a provider nobody knows.
    """
    found = _id_of_class(name)
    return "" if found in CLIENT_IDS else found


def api_id(name: str) -> str:
    """The id of the provider whose API is spoken, by the name of a provider, class or module.

    As `provider_id`, but a client that others' services are called with as well means its own
    provider: they answer in its format. ``""`` for frameworks and gateways.
    """
    return provider_id(name) or _id_of_class(name) or ""


def _id_of_class(name: str) -> str | None:
    whole = name.strip().lower()[:_NAME_MAX]
    for word in dict.fromkeys((whole, whole.rpartition(".")[2])):
        found = _without_affixes(_SEPARATORS.sub("", word))
        if found is not None:
            return found
    return None


def _without_affixes(word: str) -> str | None:
    """What a joined word means once what classes have before and after their subject is off."""
    while word:
        for known in (word, word.replace("chat", "", 1)):
            if known in _JOINED:
                return _JOINED[known]
        prefix = next(filter(word.startswith, _BEFORE), "")
        suffix = "" if prefix else next(filter(word.endswith, CLASS_SUFFIXES), "")
        if not prefix and not suffix:
            return None
        word = word.removeprefix(prefix).removesuffix(suffix)
    return ""


def _parts(name: str) -> Iterator[str]:
    """The name and its leading parts, then the same of what follows its last slash."""
    while name:
        part = name
        while part:
            yield part
            part = part.rpartition(".")[0]
        name = name.rpartition("/")[2] if "/" in name else ""


def choose_statement(stated: Iterable[str], host: str) -> str:
    """Of the names that a span states for its provider, the one that says who charges for it.

    In lower case and otherwise as stated; ``""`` when nothing is. A provider comes before a
    reseller, a reseller before a framework or gateway. The server's host decides, as an id, where
    no provider is stated, or only what a client library states whoever answers.
    """
    names = [name for name in (text.strip().lower() for text in stated) if name not in UNNAMED]
    ids = [provider_id(name) for name in names]
    served = next((at for at, found in enumerate(ids) if found not in RESELLERS | {""}), None)
    if served is None or ids[served] in CLIENT_IDS:
        by_host = _provider_at(host)
        if by_host:
            return by_host
    if served is not None:
        return names[served]
    resold = (name for name, found in zip(names, ids, strict=True) if found)
    of_class = (name for name in names if provider_of_class(name))
    return next(resold, "") or next(of_class, names[0] if names else "")


def infer_provider(model: str, aliases: Mapping[str, str] = _NO_ALIASES) -> str:
    """The id of who likely charges for a model named without its provider; ``""`` when unclear.

    A form of name that one provider uses decides, then a leading segment that names a provider
    (``openai/gpt-4o``), then the brand. Open weights that many providers serve decide nothing,
    and neither does a brand with a tag (``command-r:35b``), which is how local servers name
    what they have copied.
    """
    name = model.strip().lower()
    by_path = _match(_PATHS, name)
    if by_path:
        return by_path
    is_open = _OPEN_WEIGHTS.search(name) is not None
    segment, slash, rest = name.partition("/")
    if slash and rest:
        known = aliases.get(segment) or SPELLINGS.get(segment)
        if known is not None and not (is_open and known in PUBLISHERS):
            return known
    segment, colon, rest = name.partition(":")
    known = (aliases.get(segment) or SPELLINGS.get(segment)) if colon and rest else None
    if known is not None and (segment not in TAGGED_MODELS or _match(_BRANDS, rest) == known):
        return known
    is_tagged = ":" in name and not name.startswith("ft:")
    return "" if is_open or is_tagged else _match(_BRANDS, name)


def normalise_tier(stated: str) -> str:
    """A service tier in lower case, ``""`` for the standard one.

    Beside the tier, or alone, may stand where the call was served: ``batch geo:us``.
    """
    tier = stated.strip().lower()
    if tier in STANDARD_TIERS:
        return ""
    if REGION_MARK not in tier:
        return tier
    service, region = split_tier(tier)
    words = ("" if service in STANDARD_TIERS else service, region and f"{REGION_MARK}{region}")
    return " ".join(filter(None, words))


def split_tier(tier: str) -> tuple[str, str]:
    """The service tier and the region of a normalised tier; ``""`` for what it does not name."""
    words = tier.split()
    regions = [word for word in words if word.startswith(REGION_MARK)]
    service = " ".join(word for word in words if not word.startswith(REGION_MARK))
    region = regions[0].removeprefix(REGION_MARK) if regions else ""
    return service, "" if region in NO_REGIONS else region


def is_placeholder(model: str) -> bool:
    """Whether a text stands where a model's name should and names none."""
    name = model.strip().lower()
    return name in PLACEHOLDER_MODELS or name.startswith(PLACEHOLDER_PREFIXES)


def _provider_at(host: str) -> str:
    name = host.strip().lower().rstrip(".")
    return next((provider for end, provider in _HOSTS if name.endswith(end)), "")


def _match(patterns: Iterable[tuple[re.Pattern[str], str]], model: str) -> str:
    return next((provider for pattern, provider in patterns if pattern.match(model)), "")
