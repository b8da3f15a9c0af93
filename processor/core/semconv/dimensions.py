"""The dimensions that the operator declares, read beside what all dialects say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain

from processor.core.model import OwnIds, Value, Wanted, merge_own_ids
from processor.core.semconv.owners import read_name
from processor.core.semconv.sources import Values

_Positions = tuple[tuple[str, tuple[int, ...]], ...]
"""For each dimension that may stand there, the positions of its attributes, best first."""


@dataclass(frozen=True, eq=False)
class OwnDimensions:
    """Attributes by the name of the dimension that they are, best first."""

    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.attributes)

    @cached_property
    def keys(self) -> frozenset[str]:
        """All attributes; a span that carries one is worth a look."""
        return frozenset(chain.from_iterable(self.attributes.values()))

    @lru_cache(maxsize=4)  # noqa: B019 - there is one of these as long as the program runs
    def wanted_beside(self, wanted: Wanted) -> Wanted:
        """What has to be scanned: these attributes beside what is `wanted` anyhow."""
        if not self.keys:
            return wanted
        return replace(
            wanted, keys=wanted.keys | self.keys, supporting=wanted.supporting - self.keys
        )

    def read(self, keys: tuple[str, ...], values: Values) -> OwnIds:
        """Read what a span says, given the keys of its shape and its values."""
        found = []
        for name, positions in self._positions(keys):
            for position in positions:
                text = read_name(values[position])
                if text is not None:
                    found.append((name, text))
                    break
        return tuple(found)

    @lru_cache(maxsize=1024)  # noqa: B019 - there is one of these as long as the program runs
    def _positions(self, keys: tuple[str, ...]) -> _Positions:
        if self.keys.isdisjoint(keys):
            return ()
        return tuple(
            (name, tuple(keys.index(key) for key in attributes if key in keys))
            for name, attributes in sorted(self.attributes.items())
        )

    def read_inherited(self, scope: Mapping[str, Value], resource: Mapping[str, Value]) -> OwnIds:
        """Read what scope and resource say, the scope first."""
        near, far = (self.read(tuple(each), tuple(each.values())) for each in (scope, resource))
        return merge_own_ids(near, far)


NO_OWN_DIMENSIONS = OwnDimensions()
