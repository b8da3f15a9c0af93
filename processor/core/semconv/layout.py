"""All tables together: which names are scanned, and where the fields stand in a shape."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from processor.core.enrich.names import OWN_NAMES, RECOMMENDATION, RESERVATION
from processor.core.model import Wanted
from processor.core.semconv.counts import COUNT_FIELDS
from processor.core.semconv.dialects.calls import (
    CACHE_HITS,
    CACHE_MARKS,
    CACHE_SAVED,
    CACHED_AT_NO_COST,
    CUMULATIVE,
    GROUNDING,
    HOST,
    MODELS,
    MODELS_INSIDE,
    PLAIN_CACHE_MARKS,
    PROVIDERS,
    REGIONS,
    REPORTED_COSTS,
    RESPONSE_IDS,
    TIERS,
)
from processor.core.semconv.dialects.instrumentations import DIALECTS
from processor.core.semconv.dialects.kinds import CLASSES, KINDS, KINDS_BY_KEYS
from processor.core.semconv.dialects.owners import INHERITED_OWNERS, OWNER_SUPPORT, OWNERS
from processor.core.semconv.dialects.tokens import COUNTS, PARTIAL
from processor.core.semconv.dialects.units import UNIT_SUPPORT, UNITS
from processor.core.semconv.response_cache import CacheColumns, lay_out_cache
from processor.core.semconv.sources import Columns, Condition, Sources, resolve

INPUT = COUNT_FIELDS.index("input")
OUTPUT = COUNT_FIELDS.index("output")
TOTAL = COUNT_FIELDS.index("total")
_UNITS = frozenset(map(COUNT_FIELDS.index, UNITS))


class Slot(NamedTuple):
    """A field that a span may fill: its position among its kind, and its columns in order."""

    position: int
    first: int
    """The value to try first, as it is, or -1 where the first column is not a plain one."""
    columns: Columns


Slots = tuple[Slot, ...]


class Layout(NamedTuple):
    """The columns of everything that differs from span to span."""

    counts: Slots
    """Positions are those of `counts.Counts`."""
    owners: Slots
    """Positions are those of `model.Owner`."""
    costs: Columns
    response_ids: Columns
    tiers: Columns
    regions: Columns
    """Where the call was served."""
    grounding: Columns
    """Queries for searches that an answer stands on."""
    models_inside: Columns
    cache: CacheColumns | None
    """Where a cache of responses may have left its mark."""

    def has_count(self, position: int) -> bool:
        """Whether a count may stand on such spans."""
        return any(slot.position == position for slot in self.counts)

    @property
    def has_usage(self) -> bool:
        """Whether input or output may stand on such spans."""
        return self.has_count(INPUT) or self.has_count(OUTPUT)

    @property
    def may_have_tier(self) -> bool:
        """Whether a service tier or a region may stand there, be it in the names of counts."""
        has_map = any(column.usage_map for slot in self.counts for column in slot.columns)
        return bool(self.tiers or self.regions or has_map)

    @property
    def has_units(self) -> bool:
        """Whether counts of what is billed beside tokens, or without any, may stand there."""
        return any(slot.position in _UNITS for slot in self.counts)


def lay_out(index: Mapping[str, int], conditions: frozenset[Condition]) -> Layout:
    """Resolve every field for one shape and the conditions that its spans fulfil."""
    return Layout(
        lay_out_fields(COUNTS, index, conditions),
        lay_out_fields(OWNERS, index, conditions),
        resolve(REPORTED_COSTS, index, conditions),
        resolve(RESPONSE_IDS, index, conditions),
        resolve(TIERS, index, conditions),
        resolve(REGIONS, index, conditions),
        resolve(GROUNDING, index, conditions),
        resolve(MODELS_INSIDE, index, conditions),
        lay_out_cache(index, conditions),
    )


def lay_out_fields(
    fields: Mapping[str, Sources], index: Mapping[str, int], conditions: frozenset[Condition]
) -> Slots:
    """Resolve the fields that such spans can fill at all."""
    columns = [resolve(sources, index, conditions) for sources in fields.values()]
    return tuple(
        Slot(position, _plain_index(found), found)
        for position, found in enumerate(columns)
        if found
    )


def _plain_index(columns: Columns) -> int:
    first = columns[0]
    is_plain = not first.paths and len(first.indices) == 1 and not first.in_seconds
    return first.indices[0] if is_plain else -1


_RESOURCE_KEYS = ("service.name", "telemetry.sdk.name")
_EVENT = "event:"

_SUPPORTING = frozenset({
    # The host of every web and database span; it names the provider of what is a call anyhow.
    HOST,
    # Said of calls, which have a model or tokens besides.
    CUMULATIVE,
    RESERVATION,
    *PLAIN_CACHE_MARKS,
    *(key for source in CACHE_SAVED for key in source.keys),
    *(key for source in CACHE_MARKS for key in source.unless),
    "hidden_params",
    "langfuse.observation.metadata",
    # A thread of the operating system, except on spans with Codex's own counts.
    "thread.id",
    # Names without a namespace; those who mean what we read write counts of tokens, too.
    "model",
    "request_id",
    "speed",
    # Makes an agent only together with `agent_name`.
    "model_name",
    *UNIT_SUPPORT,
    *OWNER_SUPPORT,
    # Kinds by which some SDKs sort all spans; of what concerns us they say more.
    "logfire.span_type",
    "sentry.op",
    "span.type",
    # Read of resources and scopes.
    *_RESOURCE_KEYS,
    "cost_center",
    "department",
    "team",
    "team.id",
})  # fmt: skip
"""What ordinary spans carry as well, and what says nothing unless something else does."""

_LATEST = frozenset({"thread.id"})
"""Rust's tracing writes the operating system's thread first, and Codex its conversation after it,
under the same name."""


def _names() -> set[str]:
    """Every key of every table; those of span events as ``event:<name>:<key>``."""
    fields = (
        MODELS,
        MODELS_INSIDE,
        PROVIDERS,
        TIERS,
        REGIONS,
        GROUNDING,
        RESPONSE_IDS,
        REPORTED_COSTS,
    )
    cache = (CACHE_HITS, CACHE_MARKS, CACHE_SAVED, CACHED_AT_NO_COST)
    sources = chain(*fields, *cache, *COUNTS.values(), *INHERITED_OWNERS.values())
    names = {key for source in sources for key in (*source.keys, *source.unless)}
    names.update(key for key, _ in KINDS)
    names.update(*(keys for keys, _ in KINDS_BY_KEYS))
    for dialect in DIALECTS:
        names.update(dialect.keys, (key for key, _ in dialect.values))
    names |= {HOST, CUMULATIVE, CLASSES, *PARTIAL, *_RESOURCE_KEYS}
    return names | {*OWN_NAMES, RESERVATION, RECOMMENDATION}


def _wanted(names: set[str]) -> Wanted:
    events = {name for name in names if name.startswith(_EVENT)}
    return Wanted(
        keys=frozenset(names - events - _SUPPORTING),
        events=frozenset(name.split(":")[1] for name in events),
        supporting=frozenset(names & _SUPPORTING),
        latest=_LATEST,
    )


WANTED = _wanted(_names())
"""What `wire.scan` has to read for `read`."""
