"""What all spans of one look have in common."""

from __future__ import annotations

from dataclasses import dataclass

from processor.core.model import Aggregate, CallKind
from processor.core.semconv.layout import Layout
from processor.core.semconv.usage import UsageRules


@dataclass(frozen=True, slots=True)
class Profile:
    """What is decided once for such spans, and where to find what is not."""

    call_kind: CallKind | None
    """None: they are no calls, whatever their numbers."""
    aggregate: Aggregate | None
    needs_usage: bool
    """Whether they are only calls when they report usage."""
    is_twin: bool
    """Whether they repeat the call of their parent when they are the server's side."""
    is_agent: bool
    is_silent: bool
    """Whether nothing can be read from them."""
    provider: str
    """As such spans state it, ``""`` when they do not."""
    models: tuple[str, ...]
    rule_names: tuple[str, ...]
    """What an operator's rule about cached tokens may call them by, the closest first."""
    dialect: str
    free: str
    has_tokens: bool
    terms: UsageRules
    layout: Layout
    plain: tuple[int, int] | None
    """Where input and output stand, when such spans carry no other count; else None."""
