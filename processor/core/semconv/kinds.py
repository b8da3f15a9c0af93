"""What a span is, and what kind of call, by what spans that look alike share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, cast

from processor.core.model import Aggregate, CallKind
from processor.core.semconv.counts import COUNT_FIELDS
from processor.core.semconv.dialects.aggregates import AGGREGATES
from processor.core.semconv.dialects.calls import PROVIDERS
from processor.core.semconv.dialects.kinds import (
    CLASSES,
    KINDS,
    KINDS_BY_CLASS,
    KINDS_BY_KEYS,
    KINDS_BY_NAME,
)
from processor.core.semconv.dialects.tokens import PARTIAL
from processor.core.semconv.emitter import Emitter
from processor.core.semconv.layout import TOTAL, Layout
from processor.core.semconv.sources import CALL_KINDS, Kind

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


def find_kind(signature: Signature) -> Kind | None:
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


def find_call(
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
