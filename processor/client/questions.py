"""How a question is written once, and asked by both clients.

A question is a coroutine that awaits the document of each `Get` that it needs. One client awaits
it; the other one has each document at once, so that it ends at its first step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import wraps
from types import MethodType
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypedDict,
    TypeVar,
    overload,
)
from urllib.parse import quote, urlencode

from processor.client.records import Document

T = TypeVar("T")
P = ParamSpec("P")
Query = tuple[tuple[str, str], ...]
Filters = Mapping[str, "str | Sequence[str]"]
"""Accepted values by dimension, as ``{"team": ["search", "ads"]}``; ``""`` accepts what has none.
All filters have to be met."""


@dataclass(frozen=True, slots=True)
class Get:
    """One request: a path below the prefix of the API, and names and values."""

    path: str
    query: Query = ()

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def method(self) -> str:
        """Of HTTP."""
        return "GET"

    @property
    def body(self) -> bytes | None:
        """What is sent with it, as JSON; None for nothing."""
        return None


@dataclass(frozen=True, slots=True)
class Send:
    """A request that is no GET: a path likewise, and a document for POST."""

    path: str
    method: Literal["POST", "DELETE"]
    document: Mapping[str, object] | None = None

    def __str__(self) -> str:
        return self.path

    @property
    def body(self) -> bytes | None:
        """What is sent with it, as JSON; None for nothing."""
        return None if self.document is None else json.dumps(self.document).encode()


Ask = Get | Send


class Period(TypedDict, total=False):
    """A time: in words, or from a moment to a moment. Without any of them it is all time."""

    window: str
    """`today`, `yesterday`, `week`, `last_week`, `month`, `last_month`, `all`, or a length up to
    now such as `24h` or `7d`."""
    starting_at: datetime | str
    """Included. A text is RFC 3339 or a date; parts of a second are left out."""
    ending_at: datetime | str
    """Excluded; now where only `starting_at` is given."""
    time_zone: str
    """Where days begin, as an IANA name; without it the time zone of the processor's budgets."""


class Expected(TypedDict, total=False):
    """What a call is expected to use, and whether that is held for it."""

    estimate_usd: Decimal | float | str | None
    """What it is expected to cost."""
    tokens: int | None
    """Input and output together, for budgets in tokens."""
    model: str
    """Priced for the tokens below where `estimate_usd` is not given."""
    provider: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    """A part of the input."""
    reserve: bool
    """Whether the estimate is held until the call is charged."""
    reservation_id: str
    """Its id; one is made where none is given."""
    ttl_s: float
    """After how many seconds the reservation lapses."""


def path_of(*parts: str) -> str:
    """A path of these parts, quoted."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def query_of(filters: Filters | None = None, **given: object) -> Query:
    """Names and values of a query; what is None or empty is left out."""
    query = [(name, _text(value)) for name, value in given.items() if value not in {None, ""}]
    for name, values in (filters or {}).items():
        accepted = [values] if isinstance(values, str) else values
        query += [(f"filter[{name}]", each.replace(",", r"\,")) for each in accepted]
    return tuple(query)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat()
    return str(value)


class Now:
    """Marks what a client that waits is made of."""


class Later:
    """Marks what a client that is awaited is made of."""


A = TypeVar("A", Now, Later)


class Asker(Protocol):
    """What a client does for its resources."""

    async def fetch(self, ask: Ask) -> Document:
        """The document of one request. Raises CostClientError."""

    def run(self, question: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - see Question
        """The answer of a question, or what is to be awaited for it."""


class Resource(Generic[A]):
    """Some questions, asked by one client."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._fetch = asker.fetch


class Question(Generic[P, T]):
    """A method of a resource that gives an answer, or something to await for it."""

    def __init__(self, ask: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self._ask = ask
        self.__doc__ = ask.__doc__

    @overload
    def __get__(self, resource: None, kind: type) -> Self: ...
    @overload
    def __get__(self, resource: Resource[Now], kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, resource: Resource[Later], kind: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Resource[Any] | None, kind: type) -> Any:
        if resource is None:
            return self
        run, ask = resource._asker.run, MethodType(self._ask, resource)  # noqa: SLF001 - its part

        @wraps(ask)
        def asked(*args: P.args, **given: P.kwargs) -> Any:  # noqa: ANN401 - see the overloads
            return run(ask(*args, **given))

        return asked


def run_now(question: Coroutine[Any, Any, T]) -> T:
    """The answer of a question that waits for nothing."""
    try:
        question.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    question.close()
    raise RuntimeError("a question has to wait, in a client that cannot")
