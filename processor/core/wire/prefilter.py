"""A search for encoded names, so that most spans are ruled out without reading their attributes.

It may match a span that carries none of the names (they can occur in a text), but never misses one
that does. So it decides whether to look, not what is there.

A key is a tag, its length, and its text in one piece. Each pattern begins with one fixed byte of
such a tag: a regular expression that does passes over all other bytes several times faster than
one that begins with a choice. The names of events are few and long, and their tag is also that of
every value, so they are searched for as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from processor.core.model import Wanted
from processor.core.wire.envelope import Record

Prefilter = tuple[re.Pattern[bytes], ...]
"""Patterns of which at least one matches in every span that carries what is looked for."""

_KEY_TAGS = (rb"\n", rb"\x8a\x80*\x00")
"""The tag of field 1, as it is always written and as it may be: padded."""
KEYS_MAX = 256
"""Keys that a `KeySearch` has gathered when it starts anew."""
_LENGTH = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_KEY_HEADS = tuple(tag + _LENGTH for tag in _KEY_TAGS)


@lru_cache(maxsize=16)
def wanted_prefilter(wanted: Wanted) -> Prefilter:
    """Compile the search for keys that are a reason to look at a span; empty without any."""
    return _compile((wanted.keys - wanted.supporting).union(wanted.prefixes), _KEY_HEADS)


@lru_cache(maxsize=16)
def event_prefilter(wanted: Wanted) -> Prefilter:
    """Compile the search for wanted events; empty without any.

    It has a pattern for each first letter: one that began with a choice would be slower than all
    of them together.
    """
    first_letters = sorted({name[:1] for name in wanted.events})
    return tuple(
        pattern
        for letter in first_letters
        for pattern in _compile((n for n in wanted.events if n[:1] == letter), (b"",))
    )


class KeySearch:
    """The search for attributes whose keys edits set: one that grows, rather than one for each.

    Edits set some of a few dozen keys, in hundreds of combinations, and compiling a search takes
    a millisecond. One for more keys than asked for only matches a little more often.
    """

    def __init__(self) -> None:
        """Begin without any key."""
        self._covered: tuple[frozenset[str], Prefilter] = (frozenset(), ())

    def covering(self, keys: frozenset[str]) -> Prefilter:
        """The search for at least `keys`."""
        covered, prefilter = self._covered
        if not keys <= covered:
            covered = covered | keys if len(covered) < KEYS_MAX else keys
            prefilter = _compile(covered, _KEY_HEADS)
            self._covered = covered, prefilter
        return prefilter


def narrow(prefilter: Prefilter, payload: bytes, start: int, end: int) -> Prefilter:
    """Leave out the patterns that match nowhere from `start` to `end`: most, most times."""
    return tuple([pattern for pattern in prefilter if pattern.search(payload, start, end)])


def find_candidates(prefilter: Prefilter, payload: bytes, places: Sequence[Record]) -> list[int]:
    """Find the places that are worth a closer look, as ascending indexes into `places`."""
    found: set[int] = set()
    for pattern in prefilter:
        search = pattern.search
        found.update([i for i, (_, start, end) in enumerate(places) if search(payload, start, end)])
    return sorted(found)


def _compile(names: Iterable[str], heads: Iterable[bytes]) -> Prefilter:
    """Compile the search for one of `heads` before one of `names`; empty when there are none."""
    encoded = sorted(name.encode("utf-8", "replace") for name in names)
    if not encoded:
        return ()
    if not encoded[0]:  # A text that is absent is empty too: there is nothing to search for.
        return (re.compile(b""),)
    return tuple(re.compile(head + _alternatives(encoded)) for head in heads)


def _alternatives(words: list[bytes]) -> bytes:
    """Build a pattern that tries no byte twice: words that begin alike share that beginning."""
    if not words[0]:  # The words are sorted; when one of them ends here, all of them match here.
        return b""
    tails: dict[int, list[bytes]] = {}
    for word in words:
        tails.setdefault(word[0], []).append(word[1:])
    branches = [re.escape(bytes([first])) + _alternatives(rest) for first, rest in tails.items()]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
