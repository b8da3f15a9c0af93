"""Where the fields of a call stand in the values of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from processor.core.semconv.columns import Columns, resolve
from processor.core.semconv.dialects.costs import REPORTED_COSTS
from processor.core.semconv.dialects.naming import MODELS_INSIDE, RESPONSE_IDS, TIERS
from processor.core.semconv.dialects.owners import OWNERS
from processor.core.semconv.dialects.tokens import COUNTS
from processor.core.semconv.sources import Condition, Sources
from processor.core.semconv.usage import Counts

INPUT = Counts._fields.index("input")
OUTPUT = Counts._fields.index("output")
TOTAL = Counts._fields.index("total")


class Slot(NamedTuple):
    """A field that a span may fill: its position among its kind, and its columns in order."""

    position: int
    first: int
    """The value to try before any ceremony, or -1 where the first column is not a plain one."""
    columns: Columns


Slots = tuple[Slot, ...]


class Layout(NamedTuple):
    """The columns of everything that differs from span to span."""

    counts: Slots
    """Positions are those of `usage.Counts`."""
    owners: Slots
    """Positions are those of `model.Owner`."""
    costs: Columns
    response_ids: Columns
    tiers: Columns
    models_inside: Columns

    def has_count(self, position: int) -> bool:
        """Whether a count may stand on such spans."""
        return any(slot.position == position for slot in self.counts)

    @property
    def has_usage(self) -> bool:
        """Whether input or output may stand on such spans."""
        return self.has_count(INPUT) or self.has_count(OUTPUT)


def lay_out(index: Mapping[str, int], held: frozenset[Condition]) -> Layout:
    """Resolve every field for one shape and the conditions that its spans fulfil."""
    return Layout(
        lay_out_fields(COUNTS, index, held),
        lay_out_fields(OWNERS, index, held),
        resolve(REPORTED_COSTS, index, held),
        resolve(RESPONSE_IDS, index, held),
        resolve(TIERS, index, held),
        resolve(MODELS_INSIDE, index, held),
    )


def lay_out_fields(
    fields: Mapping[str, Sources], index: Mapping[str, int], held: frozenset[Condition]
) -> Slots:
    """Resolve the fields that such spans can fill at all."""
    columns = [resolve(sources, index, held) for sources in fields.values()]
    return tuple(
        Slot(position, _plain_index(found), found)
        for position, found in enumerate(columns)
        if found
    )


def _plain_index(columns: Columns) -> int:
    first = columns[0]
    return first.indices[0] if not first.paths and len(first.indices) == 1 else -1
