"""The bounded memory of what spans look like.

A fleet sends a few dozen looks, however many spans. A sender who makes up new ones all the time
pays with its own speed: the memory is emptied when it is full, and long texts are not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from processor.core.semconv.columns import Values
from processor.core.semconv.dialects.naming import CACHE_HITS
from processor.core.semconv.emitter import Emitter
from processor.core.semconv.layout import Layout, lay_out
from processor.core.semconv.profile import Profile
from processor.core.semconv.recognise import (
    CALL_SIGNS,
    TELLING_KEYS,
    TELLING_NAMES,
    Signature,
    recognise,
)
from processor.core.semconv.sources import Condition
from processor.core.semconv.values import is_true, read_text

Shape = tuple[str, ...]

PROFILES_MAX = 4096
SHAPES_MAX = 1024
_KEPT_MAX = 1024
"""Characters of telling texts beyond which a profile is worked out anew for each span."""
_KEYS_MAX = 16 * 1024
"""Characters of keys beyond which a shape is worked out anew for each payload."""


class ShapeReader:
    """All spans of one shape from one emitter, told apart by their telling texts."""

    __slots__ = ("_emitter", "_index", "_layouts", "_positions", "_profiles", "_telling")

    def __init__(self, shape: Shape, emitter: Emitter, profiles: _Profiles) -> None:
        """Profiles are kept in `profiles`, which all readers share."""
        self._emitter = emitter
        self._index = {key: position for position, key in reversed([*enumerate(shape)])}
        self._profiles = profiles
        self._layouts: dict[frozenset[Condition], Layout] = {}
        telling = frozenset() if CALL_SIGNS.isdisjoint(shape) else TELLING_KEYS
        self._positions = {key: position for key, position in self._index.items() if key in telling}
        self._telling: Callable[[Values], object] = (
            itemgetter(*self._positions.values()) if self._positions else _nothing
        )

    def profile(self, values: Values, name: str) -> Profile:
        """The profile of a span with these values and this name."""
        if name not in TELLING_NAMES:
            name = ""
        key = (self, self._telling(values), name)
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
            if key in CACHE_HITS:
                text = "true" if is_true(value) else None
            else:
                text = read_text(value) if isinstance(value, str) else None
            if text is not None:
                texts[key] = text
        return recognise(Signature(self._index.keys(), texts, self._emitter, name), self._lay_out)

    def _lay_out(self, held: frozenset[Condition]) -> Layout:
        layout = self._layouts.get(held)
        if layout is None:
            layout = self._layouts[held] = lay_out(self._index, held)
        return layout

    def _is_worth_keeping(self, values: Values) -> bool:
        """Short texts only; a float might not even be equal to itself."""
        telling = [values[position] for position in self._positions.values()]
        length = sum(len(value) for value in telling if isinstance(value, str))
        return length <= _KEPT_MAX and all(
            value is None or isinstance(value, str | int) for value in telling
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
