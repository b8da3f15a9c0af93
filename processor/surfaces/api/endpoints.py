"""The table of endpoints: routes, OpenAPI, commands and tests are made from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from processor.core.errors import InvalidQuestionError, NotFoundError
from processor.surfaces.api import answers
from processor.surfaces.api.answers import DocumentBuilder, Sources
from processor.surfaces.api.documents import (
    AdviceDocument,
    Answer,
    AuditDocument,
    BudgetsDocument,
    CallsDocument,
    CostsDocument,
    CrossingsDocument,
    DimensionsDocument,
    EfficiencyDocument,
    ExecutionCallsDocument,
    ExecutionDocument,
    ForecastDocument,
    NotificationsDocument,
    OwnerDocument,
    PricesDocument,
    StatusDocument,
    TraceDocument,
    TracesDocument,
    UnpricedDocument,
    WhatIfDocument,
)
from processor.surfaces.api.parameters import (
    AdviceParameters,
    AuditParameters,
    BudgetsParameters,
    CallsParameters,
    CostsParameters,
    CrossingsParameters,
    DimensionsParameters,
    ExecutionParameters,
    ForecastParameters,
    NotificationsParameters,
    OwnerParameters,
    OwnersParameters,
    Parameters,
    PricesParameters,
    TaskParameters,
    TraceParameters,
    TracesParameters,
    UnpricedParameters,
    WhatIfParameters,
)
from processor.surfaces.api.paths import segments, values_in
from processor.surfaces.api.problems import InvalidParametersError, ParameterProblem
from processor.surfaces.api.reading import read_parameters

D = TypeVar("D", bound=Answer)
PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be asked."""

    path: str
    """Below `PREFIX`; a segment in braces is a parameter."""
    summary: str
    parameters: type[Parameters]
    documents: tuple[type[Answer], ...]
    """What it may answer with."""
    ask: Callable[[Sources, Any], Awaitable[DocumentBuilder]]
    is_cacheable: bool = True
    """Whether the answer is the same as long as the ledger, prices and budgets are."""

    @property
    def operation(self) -> str:
        """A name for it, made of its path."""
        return "get_" + "_".join(part.strip("{}") for part in segments(self.path))

    async def answer(self, sources: Sources, parameters: Parameters) -> Answer:
        """Ask, and make a document of the answer.

        Raises InvalidParametersError, NotFoundError, and what `CostQueries` raises.
        """
        try:
            made = await self.ask(sources, parameters)
        except InvalidQuestionError as error:
            raise InvalidParametersError([ParameterProblem.from_error(error)]) from error
        return await asyncio.to_thread(made)

    def values_in(self, path: str) -> dict[str, str] | None:
        """The parameters in a path that is still quoted; None where it is another one's."""
        return values_in(self.path, path)


def _of(dimension: str, path: str, what: str) -> Endpoint:
    """The endpoint of one kind of owner."""

    async def ask(sources: Sources, asked: OwnerParameters) -> DocumentBuilder:
        return await answers.owner(sources, dimension, asked)

    summary = f"{what}: what it has used, by model, and its newest traces"
    return Endpoint(path, summary, OwnerParameters, (OwnerDocument,), ask)


ENDPOINTS: Final = (
    Endpoint(
        "/costs",
        "What was used in a time: totals, series, rankings, a comparison",
        CostsParameters, (CostsDocument,), answers.costs,
    ),
    Endpoint(
        "/forecast",
        "What will have been used by the end of today, this week or this month",
        ForecastParameters, (ForecastDocument,), answers.forecast,
    ),
    Endpoint(
        "/what-if",
        "What calls would have cost with other models",
        WhatIfParameters, (WhatIfDocument,), answers.what_if,
    ),
    Endpoint(
        "/advice",
        "What would have cost less, with the calls, and days unlike those before",
        AdviceParameters, (AdviceDocument,), answers.advice,
    ),
    Endpoint("/calls", "Calls, newest first", CallsParameters, (CallsDocument,), answers.calls),
    Endpoint(
        "/traces",
        "Traces, newest first; with `execution_id` the calls of one",
        TracesParameters, (TracesDocument, ExecutionCallsDocument), answers.traces,
    ),
    Endpoint(
        "/traces/{trace_id}",
        "A trace, or the run of an agent, as a tree with what each span is charged",
        TraceParameters, (TraceDocument,), answers.trace,
    ),
    Endpoint(
        "/executions/{trace_id}",
        "A trace as a whole: cost, token usage, duration",
        ExecutionParameters, (ExecutionDocument,), answers.execution,
    ),
    _of("agent", "/agents/{value}", "An agent"),
    _of("session", "/sessions/{value}", "A session"),
    _of("user", "/users/{value}", "A user"),
    _of("task", "/tasks/{value}", "A task"),
    Endpoint(
        "/tasks/{value}/efficiency",
        "A task beside others of its type, and what would have cost less",
        TaskParameters, (EfficiencyDocument,), answers.efficiency,
    ),
    Endpoint(
        "/owners/{dimension}/{value}",
        "One value of any dimension: what it has used, by model, and its newest traces",
        OwnersParameters, (OwnerDocument,), answers.any_owner,
    ),
    Endpoint(
        "/budgets",
        "Every budget, with the scope ids that have spent most in the window of now",
        BudgetsParameters, (BudgetsDocument,), answers.budgets,
    ),
    Endpoint(
        "/crossings", "Budget crossings, latest first",
        CrossingsParameters, (CrossingsDocument,), answers.crossings,
    ),
    Endpoint(
        "/notifications", "Notifications, latest first, and what of each channel has not arrived",
        NotificationsParameters, (NotificationsDocument,), answers.notifications,
        is_cacheable=False,
    ),
    Endpoint(
        "/dimensions",
        "The dimensions that questions may name, and their most used values",
        DimensionsParameters, (DimensionsDocument,), answers.dimensions,
    ),
    Endpoint(
        "/unpriced",
        "All that makes totals say at least, with what to do about it",
        UnpricedParameters, (UnpricedDocument,), answers.unpriced,
    ),
    Endpoint(
        "/prices",
        "The models that are used, what each costs now, and who says so",
        PricesParameters, (PricesDocument,), answers.prices,
    ),
    Endpoint(
        "/audit", "Who has changed what, latest first",
        AuditParameters, (AuditDocument,), answers.audit,
    ),
    Endpoint(
        "/status", "What answers here, and how it is",
        Parameters, (StatusDocument,), answers.status, is_cacheable=False,
    ),
)  # fmt: skip


def find_endpoint(path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint of a path below `PREFIX`, still quoted, and the parameters in it."""
    for endpoint in ENDPOINTS:
        values = endpoint.values_in(path)
        if values is not None:
            return endpoint, values
    return None


async def get(sources: Sources, path: str, query: Iterable[tuple[str, str]] = ()) -> Answer:
    """Answer a question as the API does, without any transport.

    `path` is below `PREFIX`, and quoted as in an address. Raises InvalidParametersError,
    NotFoundError, and what `CostQueries` raises.
    """
    found = find_endpoint(path)
    if found is None:
        raise NotFoundError(f"there is nothing at {path[:200]}")
    endpoint, values = found
    parameters = read_parameters(endpoint.parameters, values, query)
    return await endpoint.answer(sources, parameters)


def as_kind(document: Answer, kind: type[D], path: str) -> D:
    """The answer at a path as the document that its asker counts on. Raises TypeError."""
    if not isinstance(document, kind):
        raise TypeError(f"{path} answers with a {type(document).__name__}, not {kind.__name__}")
    return document
