"""The models of the price catalogue, found by name as the catalogue itself would find them.

Its own search tries every clause of every model, lower-cases the name each time, and keeps hits
in caches without bound. This index answers alike for a small share of the time, and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from processor.core.pricing.names import TAIL, Candidate, is_fine_tune
from processor.core.providers import CUSTOMER_NAMED


class Found(NamedTuple):
    """A model of the catalogue, and how it was recognised."""

    model: types.ModelInfo
    provider: str
    """Whose price it is: the provider itself, or the one whose prices it follows."""
    is_full_match: bool
    """The name is the model's own, or that with a date or version; not merely a similar one."""


class _Clause(NamedTuple):
    order: int
    kind: str
    text: str
    whole: types.MatchLogic
    model: types.ModelInfo


class ProviderModels:
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
            return None if exact is None else Found(exact[1], self.id, is_full_match=True)
        for clause in self._clauses:
            if exact is not None and clause.order > exact[0]:
                break
            if _matches(clause, name):
                is_full_match = name == clause.model.id.lower() or _covers(clause.whole, name)
                return Found(clause.model, self.id, is_full_match)
        return None if exact is None else Found(exact[1], self.id, is_full_match=True)

    def _may_match(self, name: str) -> bool:
        """Whether any clause but "equals" matches; most unknown names end here, cheaply."""
        return (
            name.startswith(self._starts)
            or name.endswith(self._ends)
            or any(map(name.__contains__, self._inside))
            or any(clause.is_match(name) for clause in self._others)
        )


def load_providers() -> Mapping[str, ProviderModels]:
    """Every provider of the catalogue by its id."""
    return {provider.id: ProviderModels(provider) for provider in get_snapshot().providers}


def find_model(
    catalogue: Mapping[str, ProviderModels], provider: str, names: Sequence[Candidate]
) -> tuple[Found, str] | None:
    """Look the names up: first as the model's own, then as a similar one, then weakened.

    Gives the model and how the name had to be changed for it; None where the provider, or the
    provider that its prices follow, has no such model.
    """
    models = catalogue.get(provider)
    if models is None:
        return None
    spellings = [name for name in names if name.same]
    weakened = [name for name in names if not name.same]
    if is_fine_tune(names[0].name):
        return _find_fine_tune(models, spellings)
    places = [models, *(catalogue[name] for name in models.fallbacks if name in catalogue)]
    # Where customers choose the names, and at another provider, a similar name says nothing.
    similar_at = models if provider not in CUSTOMER_NAMED else None
    return _find_first(places, spellings, similar_at) or _find_first(places, weakened, None)


def _find_first(
    places: Sequence[ProviderModels],
    names: Iterable[Candidate],
    similar_at: ProviderModels | None,
) -> tuple[Found, str] | None:
    """The first name that is a model's own, else the first that is like one at `similar_at`."""
    similar: tuple[Found, str] | None = None
    for name in names:
        for models in places:
            found = models.find(name.name)
            if found is None:
                continue
            if found.is_full_match:
                return found, name.how
            if similar is None and models is similar_at:
                similar = found, name.how
    return similar


def _find_fine_tune(models: ProviderModels, names: Iterable[Candidate]) -> tuple[Found, str] | None:
    """A fine-tune's own price; its base model's price is another one."""
    for name in names:
        found = models.find(name.name)
        if found is not None and found.model.id.startswith("ft:"):
            return found._replace(is_full_match=True), "fine-tune price of its base model"
    return None


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


def _covers(clause: types.MatchLogic, name: str) -> bool:
    """Whether a clause covers all of a name but a path before it and a version after it."""
    if isinstance(clause, types.ClauseAnd):
        return any(_covers(part, name) for part in clause.and_)
    if isinstance(clause, types.ClauseOr):
        return any(_covers(part, name) for part in clause.or_)
    text = _plain(clause)[1].lower()
    if not text:
        return clause.is_match(name)
    before, found, after = name.partition(text)
    if after[:1].isdigit() and text[-1].isdigit():
        # The clause ends within a number (``flash-0`` for ``flash-001``): look at all of it.
        after = f"-{text.rpartition('-')[2]}{after}"
    is_path = not before or before.endswith("/")
    return bool(found) and is_path and TAIL.fullmatch(after) is not None
