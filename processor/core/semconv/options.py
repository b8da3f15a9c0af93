"""What the operator decides about reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from processor.core.model import Group, Owner
from processor.core.semconv.dialects.instrumentations import Inclusion
from processor.core.semconv.dimensions import NO_OWN_DIMENSIONS, OwnDimensions
from processor.core.semconv.owners import hash_user, read_inherited_owner, read_name
from processor.core.semconv.plausibility import UsageLimits

CacheSemantics = Literal["inclusive", "exclusive", "auto"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the operator decides about reading."""

    cache_semantics: Mapping[str, CacheSemantics] = field(default_factory=dict)
    """Whether reported input includes cached tokens, by instrumentation scope, by provider, or
    as ``default``. The first of these that is there decides; ``auto`` leaves it to evidence."""
    user_hash_salt: str | None = None
    """When set, user ids are replaced by pseudonyms made with it."""
    dimensions: OwnDimensions = NO_OWN_DIMENSIONS
    """The operator's own dimensions."""
    limits: UsageLimits = field(default_factory=UsageLimits)
    """What a single call may report and still be charged."""


def inherited_owner(group: Group, options: ReadOptions) -> Owner:
    """Read what scope and resource say, the operator's own dimensions included."""
    scope, resource = group.scope_attributes, group.resource
    found = read_inherited_owner(scope, resource, options.user_hash_salt)
    if not options.dimensions:
        return found
    own_ids = options.dimensions.read_inherited(scope, resource)
    return found._replace(own_dimensions=own_ids).or_nobody()


def read_scope_id(scope: str, text: str, options: ReadOptions) -> str | None:
    """The id of a scope as it would be read from a span that says `text`; None for no id."""
    found = read_name(text)
    if found is None or scope != "user" or options.user_hash_salt is None:
        return found
    return hash_user(found, options.user_hash_salt)


def operator_rule(names: tuple[str, ...], options: ReadOptions) -> Inclusion | None:
    """What the operator says of cached tokens, under the first of these names, or of all."""
    rules = options.cache_semantics
    if not rules:
        return None
    for name in (*names, "default"):
        rule = rules.get(name)
        if rule is not None:
            return None if rule == "auto" else rule
    return None
