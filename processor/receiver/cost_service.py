"""Our own gRPC service: what has been spent, and whether more may be spent."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeVar, get_args

import grpc
from google.protobuf.message import DecodeError, Message

from processor.errors import TooLargeError, UndecodableError
from processor.generated.cost_service_pb2 import (
    BudgetStanding,
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)
from processor.model import Scope, Standing, Totals, WindowKind
from processor.money import format_usd, parse_usd, usd
from processor.receiver.rpc import Context, Desk
from processor.receiver.status import InvalidQuestionError

SERVICE: Final = "llm_cost.v1.CostService"

_REQUEST_LIMIT_BYTES = 64 * 1024
_SCOPES: Final[tuple[str, ...]] = get_args(Scope)
_TOTALLED: Final = tuple(scope for scope in _SCOPES if scope != "call")
_WITHOUT_ID: Final = frozenset({"call", "total"})
_WINDOWS: Final[tuple[str, ...]] = get_args(WindowKind)

_Question = TypeVar("_Question", bound=Message)


class CostQueries(Protocol):
    """What the service asks the books. Raises LedgerUnavailableError when they cannot be read."""

    async def totals(
        self, scope: str, scope_id: str, window: str, at_ns: int | None
    ) -> tuple[Totals, int, int]:
        """The totals of one scope in the window that holds `at_ns` (None: now).

        Also the start and end of that window in seconds since the Unix epoch; both 0 for ``none``.
        """

    async def standing(self, scopes: Mapping[str, str], at_ns: int | None) -> list[Standing]:
        """How these scopes (scope to id) stand against every budget that applies to them.

        ``call`` and ``total`` come with the id ``""``. A budget on single calls has spent 0.
        """


class CostService:
    """Answers GetTotals and CheckBudget."""

    def __init__(self, costs: CostQueries, desk: Desk) -> None:
        self._costs = costs
        self._desk = desk

    def handler(self) -> grpc.GenericRpcHandler[Any, Any]:
        """What the gRPC server is to be given."""
        methods = {"GetTotals": self.totals, "CheckBudget": self.check}
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(partial(self._answer, work))
                for name, work in methods.items()
            },
        )

    async def _answer(
        self, work: Callable[[bytes], Awaitable[bytes]], body: bytes, context: Context
    ) -> bytes:
        return await self._desk.answer(context, work(body))

    async def totals(self, body: bytes) -> bytes:
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
        return GetTotalsResponse(
            cost_usd=usd(totals.cost_nano_usd),
            cost_nano_usd=totals.cost_nano_usd,
            at_least=totals.unpriced > 0,
            input_tokens=totals.input_tokens,
            output_tokens=totals.output_tokens,
            cached_tokens=totals.cached_tokens,
            calls=totals.calls,
            unpriced_calls=totals.unpriced,
            saved_nano_usd=totals.saved_nano_usd,
            agent_runs=totals.agent_runs,
            window_start_unix_s=start_s,
            window_end_unix_s=end_s,
        ).SerializeToString()

    async def check(self, body: bytes) -> bytes:
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
            standings=[_standing_message(standing) for standing in standings],
            message="; ".join(objections),
        ).SerializeToString()


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
    of_whom = f" of {standing.scope} {standing.scope_id}" if standing.scope_id else ""
    whose = f"{standing.budget}{of_whom}"
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


def _standing_message(standing: Standing) -> BudgetStanding:
    is_money = standing.unit == "usd"
    return BudgetStanding(
        budget=standing.budget,
        scope=standing.scope,
        scope_id=standing.scope_id,
        window=standing.window,
        window_start_unix_s=standing.window_start_s,
        window_end_unix_s=standing.window_end_s,
        limit=standing.limit,
        spent=standing.spent,
        unit=BudgetStanding.UNIT_NANO_USD if is_money else BudgetStanding.UNIT_TOKENS,
        at_least=standing.at_least,
        exceeded=standing.exceeded,
    )
