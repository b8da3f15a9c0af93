"""Model names as they are found on spans, and the names a price list would use for them.

Each rule rewrites a name or leaves it alone. Rules are applied in order, each to everything the
ones before it have made, so that the least changed name comes first. A rule that gives the same
model another spelling differs from one that weakens the name (drops its date): an operator's
entry holds for every spelling, and a weakened name is only looked for in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from processor.core.providers import provider_id

NAME_LIMIT = 512
"""Longer names are not looked up; the longest real ones are cloud resource names of about 200."""

_CANDIDATE_LIMIT = 32

_OPAQUE = re.compile(
    r"arn:aws[^/]*:(?:application-inference-profile|imported-model|provisioned-model|custom-model"
    r"|custom-model-deployment|prompt-router|default-prompt-router|endpoint)/"
)
_FINE_TUNE = re.compile(r"(ft:[^:]+)(?::.*)?$")
_GOOGLE_PATH = re.compile(r"(?:.*/)?models/([^/]+)$")
_ROUTE = re.compile(r"(?:converse|converse_like|invoke|chat|responses|eu|us|global)/(.+)$")
_AT_DEFAULT = re.compile(r"(.+)@(?:default|latest)$")
_AT_DATE = re.compile(r"(.+)@(\d{6,8}|\d{3})$")
_AT_REVISION = re.compile(r"(.+)@00\d$")
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_VARIANT = re.compile(r"(.+):(?:nitro|floor|online|exacto|thinking|beta)$")
_GEO = re.compile(r"(?:us|eu|apac|au|jp|ca|sa|in|global|us-gov)\.([a-z0-9]+\..+)$")
_BEDROCK_VERSION = re.compile(r"(.+?)(?:-v\d+)?(?::\d+)(?::\w+)?$")
_DOTTED = re.compile(r"(?<=\d)\.(?=\d)")
_DASHED = re.compile(r"(?<=[a-z]-)(\d)-(\d)(?=-|$|@|:)")
_WORD_ORDER = re.compile(r"(.*claude-)([4-9](?:[.-]\d)?)-(opus|sonnet|haiku)(.*)$")
_DATE = re.compile(r"(.+?)-(?:20\d\d-\d\d-\d\d|20\d{6})((?:-v\d+(?::\d+)?)?)$")
_GPT_DATE = re.compile(r"(gpt-.+)-\d{4}$")
_GEMINI_REVISION = re.compile(r"(gemini-.+)-00\d$")

_AZURE_VENDOR = re.compile(r"(?:meta|cohere)-(llama-.+|command-.+|embed-.+|rerank-.+)$")
_VENDORS = tuple(
    (re.compile(begin), vendor)
    for begin, vendor in (
        (r"claude-", "anthropic"),
        (r"titan-|nova-", "amazon"),
        (r"llama\d", "meta"),
        (r"command-|embed-(?:english|multilingual|v)|rerank-v\d-", "cohere"),
        (r"(?:mistral|mixtral|ministral|magistral|devstral|pixtral|voxtral)-", "mistral"),
        (r"jamba-|j2-", "ai21"),
        (r"r1-v|v3[.-]", "deepseek"),
        (r"gpt-", "openai"),
        (r"qwen\d", "qwen"),
        (r"palmyra-", "writer"),
        (r"gemma-", "google"),
        (r"nemotron-", "nvidia"),
        (r"kimi-", "moonshotai"),
        (r"minimax-", "minimax"),
        (r"glm-", "zai"),
    )
)
"""How the ids of Bedrock's models begin behind their vendor."""

TAIL = re.compile(
    r"(?>(?:[-@](?:20\d\d-\d\d-\d\d|20\d{6}|\d\d-20\d\d|\d\d-\d\d|\d{3,4}|v\d+|latest|default"
    r"|preview|exp|experimental)|:\d+)(?=[-@:]|$))*+"
)
"""What may follow a model's name without making it another model: dates, versions, ``latest``.

Each part is matched for good (``(?>…)``, ``*+``): names come from senders, and a pattern that
may divide them in many ways could be kept busy for ever.
"""


class Candidate(NamedTuple):
    """A name to look for, and how it was made from the name on the span."""

    name: str
    how: str = ""
    """Empty when nothing was changed that matters."""
    same: bool = True
    """False when the name was weakened."""


class _Rule(NamedTuple):
    how: str
    rewrite: Callable[[str, str, Mapping[str, str]], str | None]
    same: bool = True
    provider: str = ""
    """The only provider whose names the rule is for."""


def is_opaque(model: str) -> bool:
    """Whether a name (lower case) is a resource id that does not say which model is behind it."""
    return _OPAQUE.match(model) is not None


def is_fine_tune(model: str) -> bool:
    """Whether a name (lower case) is a fine-tuned model: it has a price of its own."""
    return model.startswith("ft:") or "/ft:" in model


def is_free_variant(provider: str, model: str) -> bool:
    """Whether a name (lower case) is a variant that its provider offers for free."""
    return provider == "openrouter" and model.endswith(":free")


def candidates(provider: str, model: str, aliases: Mapping[str, str]) -> list[Candidate]:
    """The names to look for, best first; the name itself, lower case, is the first."""
    found = [Candidate(model)]
    seen = {model}
    for rule in _RULES:
        if rule.provider not in ("", provider):
            continue
        for old in found[:]:
            name = rule.rewrite(old.name, provider, aliases)
            if name and name not in seen and len(found) < _CANDIDATE_LIMIT:
                seen.add(name)
                how = ", ".join(part for part in (old.how, rule.how) if part)
                found.append(Candidate(name, how, old.same and rule.same))
    return found


def _by(pattern: re.Pattern[str], replacement: str) -> Callable[[str, str, object], str | None]:
    """A rule that rewrites names the pattern matches."""

    def rewrite(name: str, _provider: str, _aliases: object) -> str | None:
        match = pattern.match(name)
        return match.expand(replacement) if match else None

    return rewrite


def _everywhere(pattern: re.Pattern[str], replacement: str) -> Callable[[str, str, object], str]:
    """A rule that replaces every occurrence of the pattern."""

    def rewrite(name: str, _provider: str, _aliases: object) -> str:
        return pattern.sub(replacement, name)

    return rewrite


def _strip_provider(name: str, provider: str, aliases: Mapping[str, str]) -> str | None:
    """Drop a leading segment that repeats the provider."""
    segment, slash, rest = name.partition("/")
    if not slash:
        segment, slash, rest = name.partition(":")  # As in ``openai:gpt-4o``.
    if not slash or not rest or provider_id(segment, aliases) != provider:
        return None
    return rest


def _dash_date(name: str, provider: str, _aliases: object) -> str | None:
    # Bedrock and Vertex write compact dates only, and so does the catalogue for them.
    return None if provider in {"aws", "google"} else _COMPACT_DATE.sub(r"-\1-\2-\3", name)


def _strip_arn(name: str, _provider: str, _aliases: object) -> str | None:
    return name.rpartition("/")[2] if name.startswith("arn:") else None


def _add_vendor(name: str, _provider: str, _aliases: object) -> str | None:
    """Put back the vendor of a Bedrock model, which some instrumentations take off its id."""
    return next((f"{vendor}.{name}" for begin, vendor in _VENDORS if begin.match(name)), None)


def _strip_date(name: str, provider: str, _aliases: object) -> str | None:
    # Mistral's dates distinguish generations that differ in price; its four digits stay as well.
    match = None if provider == "mistral" else _DATE.match(name)
    return match.expand(r"\1\2") if match else None


_RULES = (
    _Rule("provider prefix stripped", _strip_provider),
    _Rule("route stripped", _by(_ROUTE, r"\1")),
    _Rule("route stripped", _by(_ROUTE, r"\1")),
    _Rule("path stripped", _by(_GOOGLE_PATH, r"\1")),
    _Rule("path stripped", _strip_arn),
    _Rule("fine-tune id stripped", _by(_FINE_TUNE, r"\1"), provider="openai"),
    _Rule("version stripped", _by(_AT_DEFAULT, r"\1")),
    _Rule("", _by(_AT_DATE, r"\1-\2")),
    _Rule("", _dash_date),
    _Rule("variant stripped", _by(_VARIANT, r"\1"), provider="openrouter"),
    _Rule("region prefix stripped", _by(_GEO, r"\1"), provider="aws"),
    _Rule("vendor added", _add_vendor, provider="aws"),
    _Rule("vendor stripped", _by(_AZURE_VENDOR, r"\1"), provider="azure"),
    _Rule("dots and dashes exchanged", _everywhere(_DOTTED, "-")),
    _Rule("dots and dashes exchanged", _everywhere(_DASHED, r"\1.\2")),
    _Rule("word order changed", _by(_WORD_ORDER, r"\1\3-\2\4")),
    _Rule("version stripped", _by(_BEDROCK_VERSION, r"\1"), same=False, provider="aws"),
    _Rule("date stripped", _strip_date, same=False),
    _Rule("date stripped", _by(_GPT_DATE, r"\1"), same=False),
    _Rule("revision stripped", _by(_GEMINI_REVISION, r"\1"), same=False),
    _Rule("revision stripped", _by(_AT_REVISION, r"\1"), provider="google"),
)
