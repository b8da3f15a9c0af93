"""Who wrote a span, whose counting it follows, and the rules about both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from processor.core.providers import api_id, infer_provider, provider_id
from processor.core.semconv.dialects.instrumentations import (
    DIALECTS,
    OPENAI_APIS,
    OPENAI_GATEWAYS,
    Family,
    Rule,
)
from processor.core.semconv.interpretation import LIFETIMES
from processor.core.semconv.sources import CALL_KINDS, Condition, Kind


class Emitter(NamedTuple):
    """An instrumentation scope and the SDK it runs in."""

    scope: str
    version: str = ""
    sdk: str = ""

    def numbers(self) -> tuple[int, ...]:
        """The leading numbers of the version: ``1.34.0rc1`` → (1, 34)."""
        numbers: list[int] = []
        for part in self.version.split("."):
            if not (part.isascii() and part.isdigit() and len(part) <= 9):
                break
            numbers.append(int(part))
        return tuple(numbers)


def name_dialect(emitter: Emitter, keys: AbstractSet[str], texts: Mapping[str, str]) -> str:
    """Name the dialect of a span with these keys and deciding texts, ``""`` if it has none."""
    scope = emitter.scope.lower()
    for dialect in DIALECTS:
        if (
            scope.startswith(dialect.scopes)
            or not keys.isdisjoint(dialect.keys)
            or any(texts.get(key, "").lower() == text for key, text in dialect.values)
            or (dialect.sdk and dialect.sdk == emitter.sdk)
        ):
            return dialect.name
    return ""


def find_conditions(
    dialect: str, family: Family, texts: Mapping[str, str], kind: Kind | None
) -> frozenset[Condition]:
    """Which conditions of the tables' sources such spans fulfil."""
    conditions: dict[Condition, bool] = {
        "": True,
        "bare": dialect in {"claude-code", "codex"} or texts.get("span.type") == "llm_request",
        "codex": dialect == "codex",
        "agent_entity": texts.get("traceloop.span.kind") == "agent",
        "known": kind is not None,
        "agent": kind in {"agent", "workflow"},
        "agent_component": texts.get("haystack.component.type") == "Agent",
        "anthropic": family in {"anthropic", "bedrock"},
        "image": kind == "image",
        "genkit_model": dialect == "genkit" and kind in CALL_KINDS,
    }
    return frozenset(condition for condition, holds in conditions.items() if holds)


def likely_provider(stated: str, models: Iterable[str]) -> str:
    """The id of who likely served a call: good enough to know how its tokens are counted.

    What the call is charged by is for pricing to decide, which says where it had to infer.
    """
    return provider_id(stated) or next(filter(None, map(infer_provider, models)), "")


def name_family(stated: str, models: Sequence[str]) -> Family:
    """Whose way of counting the raw usage follows.

    `stated` is the provider, the gateway or the class of the client, as a span states it. Of all
    who serve Claude only Anthropic itself and the large clouds answer in Anthropic's format; the
    others, and gateways, answer in OpenAI's.
    """
    word = stated.strip().lower()
    is_claude = any(map(_is_claude, models))
    api = api_id(word) or _find_api(word, models)
    if api == "aws" or "bedrock" in api:
        return "bedrock"
    if api.startswith(("google", "gcp", "gemini", "vertex")):
        return "anthropic" if is_claude else "google"
    # Azure serves Claude through Anthropic's own API.
    is_direct = api == "anthropic" or (is_claude and api in {"", "azure"})
    return "anthropic" if is_direct else "openai"


def _find_api(word: str, models: Iterable[str]) -> str:
    """Whose API answers where the word for it means no provider; ``""`` when nothing tells."""
    gateway, _, api = word.partition(".")
    if gateway in OPENAI_GATEWAYS or api in OPENAI_APIS:
        return "openai"
    return next(filter(None, map(infer_provider, models)), "")


def _is_claude(model: str) -> bool:
    return "claude" in model.lower()


def sells_lifetimes(family: Family, models: Iterable[str]) -> bool:
    """Whether what is written to the cache costs more if it is to live longer.

    That follows from the model, whoever serves it in whatever format.
    """
    return family in LIFETIMES or any(map(_is_claude, models))


class RuleSubject(NamedTuple):
    """What the rules about emitters ask for."""

    emitter: Emitter
    dialect: str
    family: Family
    span_name: str
    models: tuple[str, ...]
    stated: str = ""
    """The provider, or the gateway, as the span states it."""
    keys: AbstractSet[str] = frozenset()
    """The names of its attributes."""


def find_rule(rules: Sequence[Rule], subject: RuleSubject) -> Rule | None:
    """The first rule that fits; None when none does."""
    return next((rule for rule in rules if _fits(rule, subject)), None)


def _fits(rule: Rule, subject: RuleSubject) -> bool:
    version = subject.emitter.numbers()
    return (
        subject.emitter.scope.startswith(rule.scope)
        and rule.dialect in {"", subject.dialect}
        and (not rule.families or subject.family in rule.families)
        and rule.span_name in {"", subject.span_name}
        and (not rule.since or (bool(version) and version >= rule.since))
        and (not rule.below or (bool(version) and version < rule.below))
        and rule.stated in {"", subject.stated.lower()}
        and (not rule.model or any(rule.model in model.lower() for model in subject.models))
        and (not rule.key or any(key.endswith(rule.key) for key in subject.keys))
    )
