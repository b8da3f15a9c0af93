"""How the tables of the dialects say where a field is to be read."""

from __future__ import annotations

from typing import Literal, NamedTuple

from processor.core.semconv.values import Path

Kind = Literal[
    "llm", "embedding", "rerank", "image", "audio", "moderation",
    "agent", "workflow", "chain", "tool", "other", "never",
]  # fmt: skip
"""What a span is. ``other`` is a known step that is no call; ``never`` must not be billed."""

CALL_KINDS = frozenset({"llm", "embedding", "rerank", "image", "audio", "moderation"})

Condition = Literal["", "bare", "codex", "agent_entity", "anthropic"]
"""What must hold for a source to be read.

``bare``: the span is by an emitter that writes names without a namespace (Claude Code, Codex);
``codex``: by Codex; ``agent_entity``: Traceloop calls it an agent; ``anthropic``: the call went
to an Anthropic model, whose raw usage keeps cached tokens apart.
"""


class Source(NamedTuple):
    """One place where a field may stand. The first source that can be read wins."""

    keys: tuple[str, ...]
    """Attributes; of more than one, the sum of those present is read."""
    paths: tuple[Path, ...] = ()
    """Where to look inside the JSON that the attribute holds: the first present, or their sum."""
    sums_paths: bool = False
    is_bucket: bool = False
    """The count is one of mutually exclusive buckets: it leaves out what has its own."""
    when: Condition = ""
    unless: tuple[str, ...] = ()
    """Attributes beside which this source is not read."""


Sources = tuple[Source, ...]


def keys(*names: str, when: Condition = "") -> Sources:
    """One source for each attribute, in order."""
    return tuple(Source((name,), when=when) for name in names)


def total_of(*names: str) -> Sources:
    """One source: the sum of several attributes."""
    return (Source(names),)


def inside(key: str, *paths: str, when: Condition = "") -> Sources:
    """One source: dotted paths inside the JSON of one attribute, the first present wins."""
    return (Source((key,), tuple(map(_split, paths)), when=when),)


def buckets(key: str, *paths: str) -> Sources:
    """As `inside`, for counts that leave out what has a count of its own."""
    return (Source((key,), tuple(map(_split, paths)), is_bucket=True),)


def total_inside(key: str, *paths: str) -> Sources:
    """One source: the sum of several paths inside the JSON of one attribute."""
    return (Source((key,), tuple(map(_split, paths)), sums_paths=True),)


def _split(path: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))
