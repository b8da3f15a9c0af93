"""The models of the price catalogue, found by name as the catalogue itself would find them.

Its own search tries every clause of every model, lower-cases the name each time, and keeps hits
in caches without bound. This index answers alike for a small share of the time, and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from processor.core.pricing.names import TAIL


class Found(NamedTuple):
    """A model of the catalogue, and how it was recognised."""

    model: types.ModelInfo
    at_host: str
    """Whose price it is: the host itself, or the one it falls back to."""
    tight: bool
    """The name is the model's own, or that with a date or version; not merely a similar one."""


class _Clause(NamedTuple):
    order: int
    kind: str
    text: str
    whole: types.MatchLogic
    model: types.ModelInfo


class Host:
    """One provider's models, indexed by name; answers as the catalogue's own search would."""

    def __init__(self, provider: types.Provider) -> None:
        """Index `provider`. The first model in its list that matches a name is the answer."""
        self.id = provider.id
        self.fallbacks = tuple(provider.fallback_model_providers or ())
        self._equals: dict[str, tuple[int, types.ModelInfo]] = {}
        self._clauses: list[_Clause] = []
        for order, model in enumerate(provider.models):
            self._add(order, model.match, model)
        self._starts = tuple(c.text for c in self._clauses if c.kind == "starts")
        self._ends = tuple(c.text for c in self._clauses if c.kind == "ends")
        self._inside = tuple({c.text for c in self._clauses if c.kind == "contains"})
        self._others = tuple(c.whole for c in self._clauses if c.kind == "other")

    def _add(self, order: int, clause: types.MatchLogic, model: types.ModelInfo) -> None:
        if isinstance(clause, types.ClauseOr):
            for part in clause.or_:
                self._add(order, part, model)
        elif isinstance(clause, types.ClauseEquals):
            self._equals.setdefault(clause.equals.lower(), (order, model))
        else:
            kind, text = _plain(clause)
            self._clauses.append(_Clause(order, kind, text.lower(), clause, model))

    def find(self, name: str) -> Found | None:
        """The model a name (lower case) means at this provider, without its fallbacks."""
        exact = self._equals.get(name)
        if not self._may_match(name):
            return None if exact is None else Found(exact[1], self.id, tight=True)
        for clause in self._clauses:
            if exact is not None and clause.order > exact[0]:
                break
            if _matches(clause, name):
                tight = name == clause.model.id.lower() or _is_tight(clause.whole, name)
                return Found(clause.model, self.id, tight)
        return None if exact is None else Found(exact[1], self.id, tight=True)

    def _may_match(self, name: str) -> bool:
        """Whether any clause but "equals" matches; most unknown names end here, cheaply."""
        return (
            name.startswith(self._starts)
            or name.endswith(self._ends)
            or any(map(name.__contains__, self._inside))
            or any(clause.is_match(name) for clause in self._others)
        )


def load_hosts() -> Mapping[str, Host]:
    """Every provider of the catalogue by its id."""
    return {provider.id: Host(provider) for provider in get_snapshot().providers}


def _plain(clause: types.MatchLogic) -> tuple[str, str]:
    if isinstance(clause, types.ClauseStartsWith):
        return "starts", clause.starts_with
    if isinstance(clause, types.ClauseEndsWith):
        return "ends", clause.ends_with
    if isinstance(clause, types.ClauseContains):
        return "contains", clause.contains
    return "other", ""


def _matches(clause: _Clause, name: str) -> bool:
    if clause.kind == "starts":
        return name.startswith(clause.text)
    if clause.kind == "ends":
        return name.endswith(clause.text)
    if clause.kind == "contains":
        return clause.text in name
    return clause.whole.is_match(name)


def _is_tight(clause: types.MatchLogic, name: str) -> bool:
    """Whether a clause covers all of a name but a path before it and a version after it."""
    if isinstance(clause, types.ClauseAnd):
        return any(_is_tight(part, name) for part in clause.and_)
    if isinstance(clause, types.ClauseOr):
        return any(_is_tight(part, name) for part in clause.or_)
    text = _plain(clause)[1].lower()
    if not text:
        return clause.is_match(name)
    before, found, after = name.partition(text)
    if after[:1].isdigit() and text[-1].isdigit():
        # The clause ends within a number (``flash-0`` for ``flash-001``): look at all of it.
        after = f"-{text.rpartition('-')[2]}{after}"
    is_path = not before or before.endswith("/")
    return bool(found) and is_path and TAIL.fullmatch(after) is not None
