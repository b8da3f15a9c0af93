"""Spans that another processor like this one has written on, read as they were before that."""

from __future__ import annotations

from processor.core.enrich.names import STATUS

_TOKENS = frozenset({"llm.tokens.input", "llm.tokens.output", "llm.tokens.total"})


def as_reported(shape: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a shape in their places, with ``""`` for counts that a processor has added.

    It writes its status and, where a span has no counts under these names, the tokens after it.
    What the span reported of itself must be read again as the first processor has read it, so that
    both come to the same sums.
    """
    if STATUS not in shape:
        return shape
    at = shape.index(STATUS)
    return tuple(
        "" if position > at and key in _TOKENS else key for position, key in enumerate(shape)
    )
