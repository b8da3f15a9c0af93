"""What many rows have in common, between our types and the columns of tables of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

from processor.core.model import DimensionSet, Entry, Owner, OwnIds, Usage

Columns = tuple[Any, ...]
"""Values in the order of a table's columns."""

OriginOwner = tuple[Owner, str | None]
"""An owner, with the service where both are said by a scope and resource."""

_DIGEST_BYTES = 16
"""So many that no two values share a digest by chance."""


class Details(NamedTuple):
    """What the entries of many calls have in common, in the order of ``call_details``."""

    status: Any
    reason: str
    provider: str
    model: str
    service: str
    price_version: str
    rates: tuple[int, ...] | None
    aggregate: Any
    rule: str
    has_tokens: bool
    kind: Any
    time_assumed: bool
    asked_provider: str
    asked_models: tuple[str, ...]
    asked_tier: str
    reported_by: str
    free: str
    scope: str
    doubt: str
    is_cumulative: bool
    may_exclude_cache: bool
    time_rescaled: bool


shared_of: Callable[[Entry], Columns] = attrgetter(
    "status", "reason", "provider", "model", "service", "price_version", "rates", "aggregate",
    "rule", "has_tokens", "kind", "time_assumed", "asked", "reported_by", "free", "scope", "doubt",
    "is_cumulative", "may_exclude_cache", "time_rescaled",
)  # fmt: skip
"""What an entry has in common with others; `details_of` has it by name."""
_ASKED = Details._fields.index("asked_provider")


def details_of(shared: Columns) -> Details:
    """What `shared_of` gives, in the order of ``call_details``."""
    return Details._make((*shared[:_ASKED], *shared[_ASKED], *shared[_ASKED + 1 :]))


dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""Compact JSON of a value."""


def encode_name(name: str) -> Columns:
    """Columns of a name."""
    return (name,)


def encode_owner(said: OriginOwner, names: Iterable[int | None]) -> Columns:
    """Columns of an owner and, where that is said together with it, a service."""
    (*_, title, own), service = said
    return (*names, title, dump(dict(own)) if own else None, service)


def decode_owner(columns: Columns) -> tuple[Owner, str]:
    """An owner and a service; its names as texts."""
    *plain, text, service = columns
    own: OwnIds = () if text is None else tuple(json.loads(text).items())
    return Owner._make((*plain, own)).or_nobody(), service


def encode_details(shared: Columns) -> Columns:
    """Columns of details, of what `shared_of` gives."""
    details = details_of(shared)
    rates = None if details.rates is None else dump(details.rates)
    models = dump(details.asked_models)
    return (_digest(details), *details._replace(rates=rates, asked_models=models))  # type: ignore[arg-type]  # as text


def decode_details(columns: Columns) -> Details:
    """Details, without the digest."""
    found = Details._make(columns)
    return found._replace(
        rates=None if found.rates is None else filled(json.loads(found.rates)),  # type: ignore[arg-type]  # as text
        asked_models=tuple(json.loads(found.asked_models)),  # type: ignore[arg-type]  # as text
        has_tokens=bool(found.has_tokens),
        time_assumed=bool(found.time_assumed),
        is_cumulative=bool(found.is_cumulative),
        may_exclude_cache=bool(found.may_exclude_cache),
        time_rescaled=bool(found.time_rescaled),
    )


def filled(numbers: Sequence[int]) -> tuple[int, ...]:
    """Numbers of all quantities, with zeros for those that had not been thought of yet."""
    return (*numbers, *(0,) * (len(Usage._fields) - len(numbers)))


def encode_set(dimensions: DimensionSet) -> Columns:
    """Columns of a set of dimensions."""
    return (_digest(dimensions), *dimensions[:-1])


def _digest(value: object) -> bytes:
    return blake2b(dump(value).encode(), digest_size=_DIGEST_BYTES).digest()
