"""Whom a span or log record belongs to: the owner that it states."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

from processor.core.model import NOBODY, Group, Owner, Value
from processor.core.semconv.dialects.owners import (
    INHERITED_OWNERS,
    OWNERS,
    REDACTED,
    WINDOW_SERVICES,
)
from processor.core.semconv.layout import Slots, lay_out_fields
from processor.core.semconv.sources import Row, first
from processor.core.semconv.values import read_tags, read_text

_SESSION_KEYS = frozenset(key for source in INHERITED_OWNERS["session"] for key in source.keys)
_USER = Owner._fields.index("user")
_FEATURE = Owner._fields.index("feature")
_HASH_BYTES = 16
_NOTHING: list[str | None] = [None] * len(OWNERS)


def read_owner(slots: Slots, row: Row, user_hash_salt: str | None) -> Owner:
    """Read what a span, scope or resource says of its owner; NOBODY when it says nothing."""
    if not slots:
        return NOBODY
    found: list[str | None] = _NOTHING.copy()
    values = row.values
    for position, index, columns in slots:
        text = read_name(values[index]) if index >= 0 and position != _FEATURE else None
        if text is None:
            text = first(row, columns, read_tags if position == _FEATURE else read_name)
        if text is not None and position == _USER and user_hash_salt is not None:
            text = hash_user(text, user_hash_salt)
        found[position] = text
    return Owner._make((*found, ())) if any(found) else NOBODY


def read_inherited_owner(
    scope: Mapping[str, Value], resource: Mapping[str, Value], user_hash_salt: str | None
) -> Owner:
    """Read what scope and resource say, the scope first."""
    near = _read_mapping(scope, user_hash_salt)
    if read_text(resource.get("service.name")) in WINDOW_SERVICES:
        resource = {key: value for key, value in resource.items() if key != "session.id"}
    return near.over(_read_mapping(resource, user_hash_salt))


def names_session(group: Group) -> bool:
    """False where neither scope nor resource has an attribute that may name a session."""
    return not (
        _SESSION_KEYS.isdisjoint(group.resource)
        and _SESSION_KEYS.isdisjoint(group.scope_attributes)
    )


def hash_user(user: str, salt: str) -> str:
    """A user's pseudonym: a keyed BLAKE2b digest, which nobody can reverse without the salt."""
    text = user.encode("utf-8", "surrogatepass")
    return blake2b(text, key=_key(salt), digest_size=_HASH_BYTES).hexdigest()


@lru_cache(maxsize=4)
def _key(salt: str) -> bytes:
    """A salt of any length as a key of the length that BLAKE2b takes."""
    return blake2b(salt.encode("utf-8", "surrogatepass")).digest()


def read_name(value: object) -> str | None:
    """Read whom something belongs to; None where an SDK has redacted it."""
    text = read_text(value)
    return None if text is not None and text.startswith(REDACTED) else text


def _read_mapping(attributes: Mapping[str, Value], user_hash_salt: str | None) -> Owner:
    if not attributes:
        return NOBODY
    slots = _inherited_slots(tuple(attributes))
    return read_owner(slots, Row(tuple(attributes.values())), user_hash_salt) if slots else NOBODY


@lru_cache(maxsize=256)
def _inherited_slots(keys: tuple[str, ...]) -> Slots:
    index = {key: position for position, key in enumerate(keys)}
    return lay_out_fields(INHERITED_OWNERS, index, frozenset({""}))
