"""Deciding what a span is, once for all spans that look alike.

Dialect, kind, provider and models of a span depend on its keys, its scope and a few short texts
on it, all of which repeat from call to call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from processor.core.model import Aggregate, CallKind
from processor.core.providers import (
    choose_statement,
    is_placeholder,
)
from processor.core.semconv.counts import COUNT_FIELDS, UsageRules
from processor.core.semconv.dialects.aggregates import SERVER_SCOPES, USAGE_REQUIRED
from processor.core.semconv.dialects.calls import (
    CUMULATIVE,
    HOST,
    HOST_REGIONS,
    MODELS,
    PROVIDERS,
)
from processor.core.semconv.dialects.instrumentations import CACHE_RULES, REASONING_RULES
from processor.core.semconv.dialects.kinds import (
    CLASSES,
    IMAGE_MODELS,
    INPUT_ONLY_MODELS,
    KINDS,
    KINDS_BY_NAME,
    ONE_IMAGE_MODELS,
    OUTPUT_TYPE,
)
from processor.core.semconv.dialects.tokens import COUNTS
from processor.core.semconv.emitter import (
    RuleSubject,
    find_conditions,
    find_rule,
    likely_provider,
    name_dialect,
    name_family,
    sells_lifetimes,
)
from processor.core.semconv.kinds import Signature, find_call, find_kind
from processor.core.semconv.layout import INPUT, OUTPUT, TOTAL, Layout
from processor.core.semconv.sources import Condition
from processor.core.semconv.usage import INPUT_ONLY_KINDS, USUAL

DECIDING_NAMES = frozenset(KINDS_BY_NAME).union(
    (rule.span_name for rule in CACHE_RULES if rule.span_name),
    *(row.names for row in USAGE_REQUIRED),
)
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
_REGIONS = tuple(re.compile(rf"{pattern}(?::[0-9]+)?$") for pattern in HOST_REGIONS)
_IMAGES = re.compile(IMAGE_MODELS)
_ONE_IMAGE = re.compile(ONE_IMAGE_MODELS)
_INPUT_ONLY = re.compile(INPUT_ONLY_MODELS)
_USUAL_POSITIONS = frozenset(map(COUNT_FIELDS.index, USUAL))


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
    region: str
    """Where their host serves from, ``""`` when that says nothing."""
    may_have_tier: bool
    """Whether a service tier or a region may stand on them."""
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
    makes_one_image: bool
    """Whether they made one image where they do not say how many."""
    is_usual: bool
    """Whether they carry no counts but those of `usage.USUAL`."""
    is_cumulative: bool
    """Whether they may count the requests before them as well."""
    may_exclude_cache: bool
    """Whether their input may leave out cached tokens, as far as their emitter is known."""


def recognise(signature: Signature, lay_out: Callable[[frozenset[Condition]], Layout]) -> Profile:
    """Decide what spans of this signature are; `lay_out` knows where their fields stand."""
    dialect = name_dialect(signature.emitter, signature.keys, signature.texts)
    kind = find_kind(signature)
    models = _find_models(signature, find_conditions(dialect, "openai", signature.texts, kind))
    provider = _find_provider(signature)
    likely = likely_provider(provider, models)
    family = name_family(provider or signature.texts.get(CLASSES, ""), models)
    layout = lay_out(find_conditions(dialect, family, signature.texts, kind))
    call_kind, aggregate = find_call(signature, kind, dialect, layout, has_model=bool(models))
    stated = signature.texts.get("gen_ai.provider.name") or signature.texts.get("gen_ai.system", "")
    names = [model.lower() for model in models]
    images = _expect_images(signature, call_kind, names)
    region = _find_region(signature.texts.get(HOST, ""))
    subject = RuleSubject(
        signature.emitter, dialect, family, signature.name, models, stated, signature.keys
    )
    is_agent = kind in {"agent", "workflow"}
    cache_rule = find_rule(CACHE_RULES, subject)
    reasoning_rule = find_rule(REASONING_RULES, subject)
    has_lifetimes = sells_lifetimes(family, models)
    return Profile(
        call_kind=call_kind,
        aggregate=aggregate,
        needs_usage=aggregate is not None or _requires_usage(signature),
        repeats_parent=signature.emitter.scope.startswith(SERVER_SCOPES),
        is_agent=is_agent,
        is_tool=kind == "tool",
        is_irrelevant=call_kind is None and not is_agent and not layout.owners,
        region=region,
        may_have_tier=bool(region) or layout.may_have_tier,
        provider=provider,
        models=models,
        rule_names=(signature.emitter.scope, provider, likely),
        dialect=dialect,
        has_tokens={"llm.tokens.input", "llm.tokens.output"} <= signature.keys,
        rules=UsageRules(
            call_kind or "llm",
            family,
            cache_rule and cache_rule.inclusion,
            reasoning_rule and reasoning_rule.inclusion,
            call_kind not in INPUT_ONLY_KINDS and not any(map(_INPUT_ONLY.search, names)),
            images,
            has_lifetimes,
            adds_total=cache_rule is not None and cache_rule.adds_total,
            is_certain=cache_rule is None or cache_rule.is_certain,
        ),
        layout=layout,
        plain=None if images else _find_plain(layout),
        makes_one_image=call_kind == "image" and any(map(_ONE_IMAGE.search, names)),
        is_usual=not images and {slot.position for slot in layout.counts} <= _USUAL_POSITIONS,
        is_cumulative=CUMULATIVE in signature.keys,
        may_exclude_cache=has_lifetimes
        or (cache_rule is not None and cache_rule.inclusion == "exclusive"),
    )


def _find_region(host: str) -> str:
    found = next(filter(None, (pattern.match(host.lower()) for pattern in _REGIONS)), None)
    return found[1] if found else ""


def _expect_images(
    signature: Signature, call_kind: CallKind | None, names: Iterable[str]
) -> Literal["", "stated", "assumed"]:
    """Whether what such a chat answers is images, where its output is not broken down."""
    if call_kind != "llm":
        return ""
    asked = signature.texts.get(OUTPUT_TYPE, "").lower()
    if asked:
        return "stated" if asked.startswith("image") else ""
    return "assumed" if any(map(_IMAGES.search, names)) else ""


def _requires_usage(signature: Signature) -> bool:
    """Whether such a span is a call only if it reports usage."""
    return any(
        signature.emitter.scope.startswith(row.scope)
        and (row.unless is None or signature.texts.get(row.unless[0]) != row.unless[1])
        and row.unless_key not in signature.keys
        and (not row.names or signature.name in row.names)
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


def _find_plain(layout: Layout) -> tuple[int, int, int] | None:
    """Where input, output and the total stand, if nothing else on such spans bears on usage."""
    places = {slot.position: slot.first for slot in layout.counts}
    if not {INPUT, OUTPUT} <= places.keys() <= {INPUT, OUTPUT, TOTAL} or min(places.values()) < 0:
        return None
    return places[INPUT], places[OUTPUT], places.get(TOTAL, -1)
