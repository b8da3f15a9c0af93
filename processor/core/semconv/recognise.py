"""Deciding what a span is, once for all spans that look alike.

Dialect, kind, provider and models of a span depend on its keys, its scope and a few short texts
on it, all of which repeat from call to call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, cast

from processor.core.model import Aggregate, CallKind
from processor.core.providers import (
    choose_statement,
    infer_provider,
    is_placeholder,
    provider_id,
)
from processor.core.semconv.dialects.instrumentations import (
    CACHE_RULES,
    QUIET,
    REASONING_RULES,
    REPEATS,
    TWIN_SCOPES,
    Family,
)
from processor.core.semconv.dialects.kinds import KINDS, KINDS_BY_KEYS, KINDS_BY_NAME
from processor.core.semconv.dialects.naming import (
    CACHE_HITS,
    HOST,
    MODELS,
    PROVIDERS,
)
from processor.core.semconv.dialects.tokens import COUNTS, PARTIAL
from processor.core.semconv.emitter import (
    Circumstances,
    Emitter,
    find_rule,
    held_conditions,
    name_dialect,
)
from processor.core.semconv.layout import INPUT, OUTPUT, TOTAL, Layout
from processor.core.semconv.profile import Profile
from processor.core.semconv.sources import CALL_KINDS, Condition, Kind
from processor.core.semconv.usage import UsageRules

TELLING_NAMES = frozenset(KINDS_BY_NAME) | {
    rule.span_name for rule in CACHE_RULES if rule.span_name
}
"""Span names that say what a span is; of other spans the name plays no part here."""

TELLING_KEYS = frozenset(
    {key for key, _ in KINDS}
    | {key for source in (*MODELS, *PROVIDERS) for key in source.keys}
    | {HOST, *CACHE_HITS}
)
"""Attributes whose texts say what a span is."""

CALL_SIGNS = (TELLING_KEYS - {HOST, *CACHE_HITS}).union(
    *(source.keys for sources in COUNTS.values() for source in sources)
)
"""Attributes without which a span is no call, so that no text on it matters: not its host."""

_MODELS_MAX = 4


class Signature(NamedTuple):
    """What spans that look alike share."""

    keys: AbstractSet[str]
    texts: Mapping[str, str]
    """The values of `TELLING_KEYS`."""
    emitter: Emitter
    name: str
    """The span's name when it is one of `TELLING_NAMES`, else ``""``."""


def recognise(look: Signature, lay_out: Callable[[frozenset[Condition]], Layout]) -> Profile:
    """Decide what spans of this look are; `lay_out` knows where their fields stand."""
    dialect = name_dialect(look.emitter, look.keys, look.texts)
    models = _find_models(look, held_conditions(dialect, "openai", look.texts))
    stated = [look.texts[key] for source in PROVIDERS for key in source.keys if key in look.texts]
    provider = choose_statement(stated, look.texts.get(HOST, ""))
    likely = likely_provider(provider, models)
    family = name_family(likely, models)
    layout = lay_out(held_conditions(dialect, family, look.texts))
    kind = _find_kind(look)
    call_kind, aggregate = _find_call(look, kind, dialect, layout, has_model=bool(models))
    circumstances = Circumstances(look.emitter, dialect, family, look.name, models)
    is_agent = kind in {"agent", "workflow"}
    return Profile(
        call_kind=call_kind,
        aggregate=aggregate,
        needs_usage=aggregate is not None or _is_quiet(look),
        is_twin=look.emitter.scope.startswith(TWIN_SCOPES),
        is_agent=is_agent,
        is_silent=call_kind is None and not is_agent and not layout.owners,
        provider=provider,
        models=models,
        rule_names=(look.emitter.scope, provider, likely),
        dialect=dialect,
        free="gateway cache" if any(key in look.texts for key in CACHE_HITS) else "",
        has_tokens={"llm.tokens.input", "llm.tokens.output"} <= look.keys,
        terms=UsageRules(
            call_kind or "llm",
            family,
            find_rule(CACHE_RULES, circumstances),
            find_rule(REASONING_RULES, circumstances),
        ),
        layout=layout,
        plain=_find_plain(layout, family),
    )


def _is_quiet(look: Signature) -> bool:
    """Whether such a span is a call only if it reports usage."""
    return any(
        look.emitter.scope.startswith(quiet.scope)
        and (quiet.unless is None or look.texts.get(quiet.unless[0]) != quiet.unless[1])
        for quiet in QUIET
    )


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
    return "google" if provider == "google" else "openai"


def _find_models(look: Signature, held: frozenset[Condition]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for source in MODELS:
        model = look.texts.get(source.keys[0], "")
        if not is_placeholder(model) and source.when in held:
            found[model] = None
    return tuple(found)[:_MODELS_MAX]


def _find_kind(look: Signature) -> Kind | None:
    """What the strongest sign says; ``never`` is the strongest wherever it stands."""
    stated = [meanings.get(look.texts[key].lower()) for key, meanings in KINDS if key in look.texts]
    stated.append(KINDS_BY_NAME.get(look.name))
    stated += [kind for keys, kind in KINDS_BY_KEYS if keys <= look.keys]
    return "never" if "never" in stated else next(filter(None, stated), None)


def _find_call(
    look: Signature, kind: Kind | None, dialect: str, layout: Layout, *, has_model: bool
) -> tuple[CallKind | None, Aggregate | None]:
    """What kind of call such spans are, if any, and how they repeat others, if they do."""
    has_model = has_model or bool(layout.models_inside)
    has_usage = layout.has_usage
    is_partial = not has_usage and not look.keys.isdisjoint(PARTIAL)
    if kind in {"never", "tool"} or (kind == "other" and not has_model) or is_partial:
        return None, None
    if kind is None:
        if has_usage:  # Usage without a model is a sum over spans, but for our own convention.
            return "llm", None if has_model or dialect == "seed" else "sum"
        return ("llm" if has_model and layout.has_count(TOTAL) else None), None
    operation = look.texts.get("ai.operationId") or look.name
    aggregate = _find_repeat(kind, look.emitter.scope, dialect, operation)
    if aggregate is not None and not has_usage:
        return None, None
    if kind in CALL_KINDS:
        return cast("CallKind", kind), aggregate
    return "embedding" if operation.startswith("ai.embed") else "llm", aggregate


def _find_repeat(kind: Kind, scope: str, dialect: str, operation: str) -> Aggregate | None:
    for repeat in REPEATS:
        if (
            kind in repeat.kinds
            and scope.startswith(repeat.scope)
            and repeat.dialect in {"", dialect}
            and repeat.operation in {"", operation}
        ):
            return repeat.aggregate
    return None


def _find_plain(layout: Layout, family: Family) -> tuple[int, int] | None:
    """Where input and output stand, if nothing else on such spans bears on usage.

    A total beside both bears on it only where Gemini's thoughts may be missing from the output.
    """
    slots = [slot for slot in layout.counts if slot.position != TOTAL or family == "google"]
    if [slot.position for slot in slots] != [INPUT, OUTPUT]:
        return None
    given, made = slots
    return (given.first, made.first) if given.first >= 0 and made.first >= 0 else None
