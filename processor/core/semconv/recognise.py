"""Deciding what a span is, once for all spans that look alike.

Dialect, kind, provider and models of a span depend on its keys, its scope and a few short texts
on it, all of which repeat from call to call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, cast

from processor.core.model import Aggregate, CallKind
from processor.core.providers import (
    choose_statement,
    is_placeholder,
)
from processor.core.semconv.counts import COUNT_FIELDS, UsageRules
from processor.core.semconv.dialects.calls import (
    CUMULATIVE,
    HOST,
    MODELS,
    PROVIDERS,
)
from processor.core.semconv.dialects.instrumentations import (
    AGGREGATES,
    CACHE_RULES,
    REASONING_RULES,
    SERVER_SCOPES,
    USAGE_REQUIRED,
)
from processor.core.semconv.dialects.kinds import (
    CLASSES,
    KINDS,
    KINDS_BY_CLASS,
    KINDS_BY_KEYS,
    KINDS_BY_NAME,
)
from processor.core.semconv.dialects.tokens import COUNTS, PARTIAL
from processor.core.semconv.emitter import (
    Emitter,
    RuleSubject,
    find_conditions,
    find_rule,
    likely_provider,
    name_dialect,
    name_family,
)
from processor.core.semconv.layout import INPUT, OUTPUT, TOTAL, Layout
from processor.core.semconv.sources import CALL_KINDS, Condition, Kind
from processor.core.semconv.usage import USUAL

DECIDING_NAMES = frozenset(KINDS_BY_NAME) | {
    rule.span_name for rule in CACHE_RULES if rule.span_name
}
"""Span names that say what a span is; of other spans the name plays no part here."""

DECIDING_KEYS = frozenset(
    {CLASSES}
    | {key for key, _ in KINDS}
    | {key for source in (*MODELS, *PROVIDERS) for key in source.keys}
    | {HOST}
)
"""Attributes whose texts say what a span is."""

CALL_SIGNS = (DECIDING_KEYS - {HOST}).union(
    *(source.keys for sources in COUNTS.values() for source in sources)
)
"""Attributes without which a span is no call, so that no text on it matters: not its host."""

_MODELS_MAX = 4
_USUAL_POSITIONS = frozenset(map(COUNT_FIELDS.index, USUAL))
_CLASSES = tuple((re.compile(pattern), kind) for pattern, kind in KINDS_BY_CLASS)
_KINDS_BY_UNITS: tuple[tuple[str, CallKind], ...] = (
    ("characters", "audio"),
    ("duration_ms", "audio"),
    ("images", "image"),
    ("searches", "rerank"),
)


class Signature(NamedTuple):
    """What spans that look alike share."""

    keys: AbstractSet[str]
    texts: Mapping[str, str]
    """The values of `DECIDING_KEYS`."""
    emitter: Emitter
    name: str
    """The span's name when it is one of `DECIDING_NAMES`, else ``""``."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is decided once for such spans, and where to find what is not."""

    call_kind: CallKind | None
    """None: they are no calls, whatever their numbers."""
    aggregate: Aggregate | None
    needs_usage: bool
    """Whether they are only calls when they report usage."""
    repeats_parent: bool
    """Whether they repeat the call of their parent when they are the server's side."""
    is_agent: bool
    is_tool: bool
    is_irrelevant: bool
    """Whether nothing can be read from them."""
    provider: str
    """As such spans state it, ``""`` when they do not."""
    models: tuple[str, ...]
    rule_names: tuple[str, ...]
    """What an operator's rule about cached tokens may call them by, the closest first."""
    dialect: str
    has_tokens: bool
    rules: UsageRules
    layout: Layout
    plain: tuple[int, int, int] | None
    """Where input, output and total stand (-1: no total), when such spans carry no other count;
    else None."""
    is_usual: bool
    """Whether they carry no counts but those of `usage.USUAL`."""
    is_cumulative: bool
    """Whether they may count the requests before them as well."""


def recognise(signature: Signature, lay_out: Callable[[frozenset[Condition]], Layout]) -> Profile:
    """Decide what spans of this signature are; `lay_out` knows where their fields stand."""
    dialect = name_dialect(signature.emitter, signature.keys, signature.texts)
    kind = _find_kind(signature)
    models = _find_models(signature, find_conditions(dialect, "openai", signature.texts, kind))
    provider = _find_provider(signature)
    likely = likely_provider(provider, models)
    family = name_family(likely, models)
    layout = lay_out(find_conditions(dialect, family, signature.texts, kind))
    call_kind, aggregate = _find_call(signature, kind, dialect, layout, has_model=bool(models))
    stated = signature.texts.get("gen_ai.provider.name") or signature.texts.get("gen_ai.system", "")
    subject = RuleSubject(signature.emitter, dialect, family, signature.name, models, stated)
    is_agent = kind in {"agent", "workflow"}
    return Profile(
        call_kind=call_kind,
        aggregate=aggregate,
        needs_usage=aggregate is not None or _requires_usage(signature),
        repeats_parent=signature.emitter.scope.startswith(SERVER_SCOPES),
        is_agent=is_agent,
        is_tool=kind == "tool",
        is_irrelevant=call_kind is None and not is_agent and not layout.owners,
        provider=provider,
        models=models,
        rule_names=(signature.emitter.scope, provider, likely),
        dialect=dialect,
        has_tokens={"llm.tokens.input", "llm.tokens.output"} <= signature.keys,
        rules=UsageRules(
            call_kind or "llm",
            family,
            find_rule(CACHE_RULES, subject),
            find_rule(REASONING_RULES, subject),
        ),
        layout=layout,
        plain=_find_plain(layout),
        is_usual={slot.position for slot in layout.counts} <= _USUAL_POSITIONS,
        is_cumulative=CUMULATIVE in signature.keys,
    )


def _requires_usage(signature: Signature) -> bool:
    """Whether such a span is a call only if it reports usage."""
    return any(
        signature.emitter.scope.startswith(row.scope)
        and (row.unless is None or signature.texts.get(row.unless[0]) != row.unless[1])
        for row in USAGE_REQUIRED
    )


def _find_provider(signature: Signature) -> str:
    texts = signature.texts
    stated = [texts[key] for source in PROVIDERS for key in source.keys if key in texts]
    return choose_statement(stated, texts.get(HOST, ""))


def _find_models(signature: Signature, conditions: frozenset[Condition]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for source in MODELS:
        model = signature.texts.get(source.keys[0], "")
        if not is_placeholder(model) and source.when in conditions:
            found[model] = None
    return tuple(found)[:_MODELS_MAX]


def _find_kind(signature: Signature) -> Kind | None:
    """What the strongest sign says; ``never`` is the strongest wherever it stands."""
    stated = [
        meanings.get(signature.texts[key].lower())
        for key, meanings in KINDS
        if key in signature.texts
    ]
    stated.append(KINDS_BY_NAME.get(signature.name))
    stated.append(_kind_of_class(signature.texts.get(CLASSES, "").lower()))
    stated += [kind for keys, kind in KINDS_BY_KEYS if keys <= signature.keys]
    return "never" if "never" in stated else next(filter(None, stated), None)


def _kind_of_class(name: str) -> Kind | None:
    """What a component is, by the name of its class; None without one."""
    return next((kind for pattern, kind in _CLASSES if name and pattern.match(name)), None)


def _find_call(
    signature: Signature, kind: Kind | None, dialect: str, layout: Layout, *, has_model: bool
) -> tuple[CallKind | None, Aggregate | None]:
    """What kind of call such spans are, if any, and how they repeat others, if they do."""
    has_model = has_model or bool(layout.models_inside)
    has_usage = layout.has_usage
    is_partial = not has_usage and not signature.keys.isdisjoint(PARTIAL)
    if kind in {"never", "tool"} or (kind == "other" and not has_model) or is_partial:
        return None, None
    if kind is None:
        return _find_call_without_kind(signature, dialect, layout, has_model=has_model)
    operation = signature.texts.get("ai.operationId") or signature.name
    aggregate = _find_aggregate(kind, signature.emitter.scope, dialect, operation)
    if aggregate is not None and not has_usage:
        return None, None
    if kind in CALL_KINDS:
        return cast("CallKind", kind), aggregate
    return "embedding" if operation.startswith("ai.embed") else "llm", aggregate


def _find_call_without_kind(
    signature: Signature, dialect: str, layout: Layout, *, has_model: bool
) -> tuple[CallKind | None, Aggregate | None]:
    """What such spans are that do not say it: what they count, or whom they ask, tells."""
    if layout.has_usage:  # Usage without a model is a sum over spans, but for our own convention.
        return "llm", None if has_model or dialect == "seed" else "sum"
    if not has_model:
        return None, None
    if layout.has_units:
        return _kind_of_units(layout), None
    names_provider = any(key in signature.texts for source in PROVIDERS for key in source.keys)
    return ("llm" if names_provider or layout.has_count(TOTAL) else None), None


def _kind_of_units(layout: Layout) -> CallKind:
    """The kind of a call that says it only by what it counts."""
    for name, kind in _KINDS_BY_UNITS:
        if layout.has_count(COUNT_FIELDS.index(name)):
            return kind
    return "llm"


def _find_aggregate(kind: Kind, scope: str, dialect: str, operation: str) -> Aggregate | None:
    for rule in AGGREGATES:
        if (
            kind in rule.kinds
            and scope.startswith(rule.scope)
            and rule.dialect in {"", dialect}
            and rule.operation in {"", operation}
        ):
            return rule.aggregate
    return None


def _find_plain(layout: Layout) -> tuple[int, int, int] | None:
    """Where input, output and the total stand, if nothing else on such spans bears on usage."""
    places = {slot.position: slot.first for slot in layout.counts}
    if not {INPUT, OUTPUT} <= places.keys() <= {INPUT, OUTPUT, TOTAL} or min(places.values()) < 0:
        return None
    return places[INPUT], places[OUTPUT], places.get(TOTAL, -1)
