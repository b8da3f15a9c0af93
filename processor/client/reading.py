"""From documents of the API to what a client answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from processor.client.errors import UnexpectedAnswerError
from processor.client.records import (
    BudgetState,
    CallsPage,
    CostReport,
    CostSummary,
    Document,
    LLMCall,
    UsageGroup,
)
from processor.client.verdict import BudgetVerdict, verdict_of

_OF_NAMES: Final = frozenset({"group", "dimensions"})
"""Fields with names that people gave, which may end like those of amounts."""


P = ParamSpec("P")
T = TypeVar("T")


def _of_known_version(read: Callable[P, T]) -> Callable[P, T]:
    """Raise UnexpectedAnswerError for a document that has other fields than are read."""

    @wraps(read)
    def checked(*args: P.args, **given: P.kwargs) -> T:
        try:
            return read(*args, **given)
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
            message = (
                "what answers is no llm-cost-processor, or another version of it, whose answers "
                "this client cannot read: use the client of the same version"
            )
            raise UnexpectedAnswerError(message) from error

    return checked


@_of_known_version
def document_of(value: object) -> Document:
    """A document, with every amount in it as a decimal. Raises UnexpectedAnswerError."""
    if not isinstance(value, dict):
        raise TypeError(value)
    document: Document = _with_amounts(value)
    return document


def _with_amounts(value: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    if isinstance(value, list):
        return [_with_amounts(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _field(name, each) for name, each in value.items()}


def _field(name: str, value: Any) -> Any:  # noqa: ANN401 - likewise
    if name in _OF_NAMES:
        return value
    is_amount = isinstance(value, str) and (name == "cost" or name.endswith("_usd"))
    return Decimal(value) if is_amount else _with_amounts(value)


@_of_known_version
def page_of(document: Document) -> tuple[list[Document], str | None]:
    """The rows of a page, and the cursor of the one after."""
    return document["data"], document["next_cursor"]


@_of_known_version
def is_one_version(documents: Sequence[Document]) -> bool:
    """Whether nothing was charged between these documents."""
    return len({each["as_of"]["version"] for each in documents}) == 1


def _moment(text: str | None) -> datetime | None:
    """A moment; None for the beginning and the end of all time."""
    return datetime.fromisoformat(text) if text else None


@_of_known_version
def calls_page(document: Document) -> CallsPage:
    """Calls of a page."""
    rows = tuple(map(_call, document["data"]))
    return CallsPage(rows, document["next_cursor"], tuple(document["partial"]))


def _call(row: Document) -> LLMCall:
    tokens = row["tokens"]
    return LLMCall(
        id=f"{row['trace_id']}:{row['span_id']}",
        timestamp=datetime.fromisoformat(row["ended_at"]),
        duration_ms=row["duration_ms"],
        task_id=row["task"],
        session_id=row["session"],
        user_id=row["user"],
        agent=row["agent"],
        provider=row["provider"],
        model=row["model"],
        purpose=row["purpose"],
        kind=row["kind"],
        prompt_tokens=tokens["input"],
        completion_tokens=tokens["output"],
        total_tokens=tokens["total"],
        cached_tokens=tokens["cached"],
        cost_usd=row["cost_usd"],
        at_least=row["at_least"],
        cached=row["reason"] == "response_cache",
        status=row["status"],
    )


@_of_known_version
def summary(costs: Document, by_trace: Document | None, lacks: Iterable[str] = ()) -> CostSummary:
    """What was used, with as many executions as there are groups in `by_trace`."""
    totals = costs["totals"]
    if by_trace is not None:
        lacks = (*lacks, *by_trace["partial"])
    return CostSummary(
        total_cost=totals["cost_usd"],
        total_executions=None if by_trace is None else _groups_in(by_trace),
        total_tokens=totals["tokens"]["total"],
        at_least=totals["at_least"],
        total_calls=totals["calls"],
        unpriced_calls=totals["unpriced_calls"],
        agent_runs=totals["agent_runs"],
        starting_at=_moment(costs["starting_at"]),
        ending_at=_moment(costs["ending_at"]),
        partial=tuple(dict.fromkeys((*costs["partial"], *lacks))),
    )


def _groups_in(costs: Document) -> int:
    """How many groups there are, listed or not."""
    rest = costs["other"]
    return sum(not row["other"] for row in costs["data"]) + (rest["groups"] if rest else 0)


@_of_known_version
def report(costs: Document, grouped: Mapping[str, Document]) -> CostReport:
    """What was used, and by whom: documents by the dimension that each groups by."""
    totals, cache = costs["totals"], costs["cache"]
    partial = [reason for each in (costs, *grouped.values()) for reason in each["partial"]]
    return CostReport(
        period_start=_moment(costs["starting_at"]),
        period_end=_moment(costs["ending_at"]),
        total_cost=totals["cost_usd"],
        at_least=totals["at_least"],
        total_tokens=totals["tokens"]["total"],
        total_requests=totals["calls"],
        unpriced_requests=totals["unpriced_calls"],
        cache_hits=cache["response_hits"],
        cache_savings=cache["response_saved_usd"],
        cached_tokens=cache["cached_tokens"],
        prompt_cache_savings=cache["saved_usd"],
        partial=tuple(dict.fromkeys(partial)),
        **{f"by_{name}": _groups(name, each) for name, each in grouped.items()},
    )


def _groups(dimension: str, costs: Document) -> Any:  # noqa: ANN401 - one of several fields
    return tuple(
        UsageGroup(
            name=row["group"].get(dimension),
            cost=row["cost_usd"],
            at_least=row["at_least"],
            requests=row["calls"],
            tokens=row["tokens"]["total"],
            cache_hits=row["response_cache_hits"],
            groups=row["groups"],
        )
        for row in costs["data"]
    )


@_of_known_version
def budgets(document: Document) -> tuple[BudgetState, ...]:
    """How budgets stand."""
    return tuple(
        BudgetState(
            starting_at=_moment(row["starting_at"]),
            ending_at=_moment(row["ending_at"]),
            **{name: row[name] for name in _OF_BUDGETS},
        )
        for row in document["data"]
    )


@_of_known_version
def verdict(document: Document) -> BudgetVerdict:
    """Whether a call may be made."""
    return verdict_of(document)


_OF_BUDGETS: Final = (
    "budget", "scope", "scope_id", "window", "state", "ratio", "at_least", "limit_usd",
    "spent_usd", "remaining_usd", "limit_tokens", "spent_tokens", "remaining_tokens",
)  # fmt: skip
