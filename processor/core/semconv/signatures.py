"""The bounded memory of signatures, and of what they were recognised as.

A fleet sends a few dozen signatures, however many spans. A sender of ever new ones
pays with its own speed: the memory is emptied when it is full, and long texts are not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from processor.core.semconv.emitter import Emitter
from processor.core.semconv.kinds import Signature
from processor.core.semconv.layout import Layout, lay_out
from processor.core.semconv.recognise import (
    CALL_SIGNS,
    DECIDING_KEYS,
    DECIDING_NAMES,
    Profile,
    recognise,
)
from processor.core.semconv.sources import Condition, Values
from processor.core.semconv.stamped import as_reported
from processor.core.semconv.values import read_text

Shape = tuple[str, ...]

PROFILES_MAX = 4096
SHAPES_MAX = 1024
_KEPT_MAX = 1024
"""Characters of deciding texts beyond which a profile is worked out anew for each span."""
_KEYS_MAX = 16 * 1024
"""Characters of keys beyond which a shape is worked out anew for each payload."""


class ShapeReader:
    """All spans of one shape from one emitter, distinguished by their deciding texts."""

    __slots__ = ("_deciding", "_emitter", "_index", "_layouts", "_positions", "_profiles")

    def __init__(self, shape: Shape, emitter: Emitter, profiles: _Profiles) -> None:
        """Profiles are kept in `profiles`, which all readers share."""
        self._emitter = emitter
        shape = as_reported(shape)
        self._index = {key: position for position, key in reversed([*enumerate(shape)])}
        self._profiles = profiles
        self._layouts: dict[frozenset[Condition], Layout] = {}
        deciding = frozenset() if CALL_SIGNS.isdisjoint(shape) else DECIDING_KEYS
        self._positions = {
            key: position for key, position in self._index.items() if key in deciding
        }
        self._deciding: Callable[[Values], object] = (
            itemgetter(*self._positions.values()) if self._positions else _nothing
        )

    def profile(self, values: Values, name: str) -> Profile:
        """The profile of a span with these values and this name."""
        if name not in DECIDING_NAMES:
            name = ""
        key = (self, self._deciding(values), name)
        try:
            profile = self._profiles.get(key)
        except TypeError:  # A list of pairs stands where a text should; it cannot be a key.
            return self._recognise(values, name)
        if profile is None:
            profile = self._recognise(values, name)
            if self._is_worth_keeping(values):
                if len(self._profiles) >= PROFILES_MAX:
                    self._profiles.clear()
                self._profiles[key] = profile
        return profile

    def _recognise(self, values: Values, name: str) -> Profile:
        texts: dict[str, str] = {}
        for key, position in self._positions.items():
            value = values[position]
            text = read_text(value) if isinstance(value, str) else None
            if text is not None:
                texts[key] = text
        return recognise(Signature(self._index.keys(), texts, self._emitter, name), self._lay_out)

    def _lay_out(self, conditions: frozenset[Condition]) -> Layout:
        layout = self._layouts.get(conditions)
        if layout is None:
            layout = self._layouts[conditions] = lay_out(self._index, conditions)
        return layout

    def _is_worth_keeping(self, values: Values) -> bool:
        """Short texts only; a float might not even be equal to itself."""
        deciding = [values[position] for position in self._positions.values()]
        length = sum(len(value) for value in deciding if isinstance(value, str))
        return length <= _KEPT_MAX and all(
            value is None or isinstance(value, str | int) for value in deciding
        )


_Profiles = dict[tuple[ShapeReader, object, str], Profile]


class Signatures:
    """The readers of every shape seen lately, and the profiles they share."""

    def __init__(self) -> None:
        self._readers: dict[tuple[Shape, Emitter], ShapeReader] = {}
        self._profiles: _Profiles = {}

    def reader(self, shape: Shape, emitter: Emitter) -> ShapeReader:
        """The reader of spans with this shape from this emitter."""
        reader = self._readers.get((shape, emitter))
        if reader is None:
            reader = ShapeReader(shape, emitter, self._profiles)
            if len(self._readers) >= SHAPES_MAX:
                self._readers.clear()
                self._profiles.clear()
            if sum(map(len, (*shape, *emitter))) <= _KEYS_MAX:
                self._readers[shape, emitter] = reader
        return reader


def _nothing(_: Values) -> object:
    return ()
