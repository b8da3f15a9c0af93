"""Who wrote a span, whose counting it follows, and the rules about both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from processor.core.providers import infer_provider, provider_id
from processor.core.semconv.dialects.instrumentations import DIALECTS, Family, Inclusion, Rule
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


def name_family(provider: str, models: Iterable[str]) -> Family:
    """Whose way of counting the raw usage follows, by the provider's id and the models."""
    if provider == "aws" or "bedrock" in provider:
        return "bedrock"
    if provider == "anthropic" or any("claude" in model.lower() for model in models):
        return "anthropic"
    if provider.startswith(("google", "gcp", "gemini", "vertex")):
        return "google"
    return "openai"


class RuleSubject(NamedTuple):
    """What the rules about emitters ask for."""

    emitter: Emitter
    dialect: str
    family: Family
    span_name: str
    models: tuple[str, ...]
    stated: str = ""
    """The provider, or the gateway, as the span states it."""


def find_rule(rules: Sequence[Rule], spans: RuleSubject) -> Inclusion | None:
    """What the first rule that fits says; None when none does."""
    return next((rule.inclusion for rule in rules if _fits(rule, spans)), None)


def _fits(rule: Rule, spans: RuleSubject) -> bool:
    version = spans.emitter.numbers()
    return (
        spans.emitter.scope.startswith(rule.scope)
        and rule.dialect in {"", spans.dialect}
        and (not rule.families or spans.family in rule.families)
        and rule.span_name in {"", spans.span_name}
        and (not rule.since or (bool(version) and version >= rule.since))
        and (not rule.below or (bool(version) and version < rule.below))
        and rule.stated in {"", spans.stated.lower()}
        and (not rule.model or any(rule.model in model.lower() for model in spans.models))
    )
