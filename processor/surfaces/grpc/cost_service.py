"""The processor's gRPC service: what has been spent, and whether more may be spent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeVar, get_args

from google.protobuf.message import DecodeError, Message

from processor.core.errors import (
    ForbiddenError,
    InvalidQuestionError,
    OverloadedError,
    TooLargeError,
    UndecodableError,
)
from processor.core.model import Scope, Standing, WindowKind
from processor.core.money import format_usd, parse_usd
from processor.core.ports import Caller, Method
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    ListUnpricedRequest,
    RepriceRequest,
)
from processor.surfaces.grpc.messages import (
    repricing_message,
    standing_message,
    totals_message,
    unpriced_message,
)
from processor.surfaces.queries.cost_queries import CostQueries

ELSEWHERE: Final = Caller(is_local=False)

_REQUEST_LIMIT_BYTES = 64 * 1024
_TIME_NS_MAX = 2**63 - 1
_UNPRICED_MAX = 1000
"""Senders choose the names of models, so the list is bounded."""
_REPRICE_DELAY_S = 5.0
_NOT_LOCAL = (
    "this changes the ledger, so only callers over the loopback interface may ask for it: run it "
    "on the machine, or in the container, that the processor runs in"
)
_SCOPES: Final[tuple[str, ...]] = get_args(Scope)
_TOTALLED: Final = tuple(scope for scope in _SCOPES if scope != "call")
_WITHOUT_ID: Final = frozenset({"call", "total"})
_WINDOWS: Final[tuple[str, ...]] = get_args(WindowKind)

_Question = TypeVar("_Question", bound=Message)


class CostService:
    """Answers the methods of ``llm_cost.v1.CostService``."""

    name: Final = "llm_cost.v1.CostService"

    def __init__(self, costs: CostQueries) -> None:
        self._costs = costs
        self._is_repricing = False
        self.methods: Mapping[str, Method] = {
            "GetTotals": self.totals,
            "CheckBudget": self.check,
            "ListUnpriced": self.unpriced,
            "Reprice": self.reprice,
        }

    async def totals(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """GetTotals, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(GetTotalsRequest, body)
        window = question.window or "none"
        _check_scope("scope", question.scope, _TOTALLED)
        _check_id("id", question.scope, question.id)
        if window not in _WINDOWS:
            raise InvalidQuestionError("window", _unknown(window, _WINDOWS))
        totals, start_s, end_s = await self._costs.totals(
            question.scope, question.id, window, question.at_unix_nano or None
        )
        return totals_message(totals, start_s, end_s).SerializeToString()

    async def check(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """CheckBudget, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(CheckBudgetRequest, body)
        for scope, scope_id in question.scopes.items():
            _check_scope("scopes", scope, _SCOPES)
            _check_id(f"scopes[{scope}]", scope, scope_id)
        estimate_usd = question.estimated_cost_usd
        if not math.isfinite(estimate_usd) or estimate_usd < 0:
            message = f"must be finite and not negative, got {estimate_usd!r}"
            raise InvalidQuestionError("estimated_cost_usd", message)
        estimate = parse_usd(repr(estimate_usd))
        scopes = {"call": "", "total": "", **question.scopes}
        standings = await self._costs.standing(scopes, None)
        objections = [text for text in (_objection(s, estimate) for s in standings) if text]
        return CheckBudgetResponse(
            allowed=not objections,
            standings=[standing_message(standing) for standing in standings],
            message="; ".join(objections),
        ).SerializeToString()

    async def unpriced(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """ListUnpriced, from bytes to bytes. Raises a ProcessorError."""
        _parse(ListUnpricedRequest, body)
        unknowns = await self._costs.unpriced()
        return unpriced_message(unknowns[:_UNPRICED_MAX]).SerializeToString()

    async def reprice(self, body: bytes, caller: Caller) -> bytes:
        """Reprice, from bytes to bytes, for callers on this machine. Raises a ProcessorError."""
        if not caller.is_local:
            raise ForbiddenError(_NOT_LOCAL)
        question = _parse(RepriceRequest, body)
        start_ns, end_ns = question.start_unix_nano, question.end_unix_nano or _TIME_NS_MAX
        if not start_ns < end_ns <= _TIME_NS_MAX:
            raise InvalidQuestionError("end_unix_nano", "must be after start_unix_nano, or 0")
        if self._is_repricing:
            raise OverloadedError("another reprice is under way", _REPRICE_DELAY_S)
        self._is_repricing = True
        try:
            result = await self._costs.reprice(start_ns, end_ns, is_dry_run=question.dry_run)
        finally:
            self._is_repricing = False
        return repricing_message(result).SerializeToString()


def _parse(kind: type[_Question], body: bytes) -> _Question:
    if len(body) > _REQUEST_LIMIT_BYTES:
        raise TooLargeError(f"the request is larger than {_REQUEST_LIMIT_BYTES} bytes")
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise UndecodableError(f"not a {kind.DESCRIPTOR.full_name}") from error


def _check_scope(field: str, scope: str, known: tuple[str, ...]) -> None:
    if scope not in known:
        raise InvalidQuestionError(field, _unknown(scope, known))


def _check_id(field: str, scope: str, scope_id: str) -> None:
    if scope in _WITHOUT_ID and scope_id:
        raise InvalidQuestionError(field, f"must be empty, because there is only one {scope}")
    if scope not in _WITHOUT_ID and not scope_id:
        raise InvalidQuestionError(field, f"must say which {scope}")


def _unknown(value: str, known: tuple[str, ...]) -> str:
    return f"unknown value {value[:100]!r}; it takes {', '.join(known)}"


def _objection(standing: Standing, estimate_nano_usd: int) -> str:
    """Why this budget speaks against a further call, or ``""``."""
    owner = f" of {standing.scope} {standing.scope_id}" if standing.scope_id else ""
    whose = f"{standing.budget}{owner}"
    spent = ("at least " if standing.at_least else "") + _quantity(standing.spent, standing.unit)
    limit = _quantity(standing.limit, standing.unit)
    if standing.exceeded:
        return f"Budget exceeded: {whose}: {spent} / {limit}"
    if standing.unit == "usd" and standing.spent + estimate_nano_usd > standing.limit:
        more = _quantity(estimate_nano_usd, "usd")
        return f"Budget would be exceeded: {whose}: {spent} + {more} / {limit}"
    return ""


def _quantity(value: int, unit: str) -> str:
    return f"${format_usd(value)}" if unit == "usd" else f"{value} tokens"
