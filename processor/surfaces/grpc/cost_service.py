"""The processor's gRPC service: what has been spent, and whether more may be spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from processor.core.errors import (
    ForbiddenError,
    InvalidQuestionError,
    TooLargeError,
    UndecodableError,
)
from processor.core.model import TIME_NS_MAX
from processor.core.money import parse_usd
from processor.core.ports import Caller, Method
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    ExcludeRequest,
    ForgetRequest,
    GetHealthRequest,
    GetHealthResponse,
    GetJobProgressRequest,
    GetTotalsRequest,
    ListAuditRequest,
    ListUnpricedRequest,
    RepriceRequest,
)
from processor.surfaces.grpc.messages import (
    audit_message,
    exclusion_message,
    forgetting_message,
    progress_message,
    repricing_message,
    standing_message,
    totals_message,
    unpriced_message,
)
from processor.surfaces.queries import (
    CostChanges,
    CostQueries,
    Report,
    check_scopes,
    check_totals,
    objections,
)
from processor.surfaces.queries import ExcludeRequest as WantedCalls

ELSEWHERE: Final = Caller(is_local=False)
_SOMEBODY: Final = "a caller on this machine"

_REQUEST_LIMIT_BYTES = 64 * 1024
_NOT_LOCAL = (
    "this changes the ledger, so only callers over the loopback interface may ask for it: run it "
    "on the machine, or in the container, that the processor runs in"
)

_Question = TypeVar("_Question", bound=Message)


class CostService:
    """Answers the methods of ``llm_cost.v1.CostService``."""

    name: Final = "llm_cost.v1.CostService"

    def __init__(
        self, costs: CostQueries, changes: CostChanges, health: Callable[[], Report]
    ) -> None:
        """Answer from `costs`, and about the processor itself with what `health` reports.

        What changes the ledger is done by `changes`.
        """
        self._costs = costs
        self._changes = changes
        self._report = health
        self.methods: Mapping[str, Method] = {
            "GetTotals": self.totals,
            "CheckBudget": self.check,
            "ListUnpriced": self.unpriced,
            "Reprice": self.reprice,
            "GetJobProgress": self.job_progress,
            "Exclude": self.exclude,
            "Forget": self.forget,
            "ListAudit": self.audit,
            "GetHealth": self.health,
        }

    async def totals(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """GetTotals, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(GetTotalsRequest, body)
        window = question.window or "none"
        check_totals(question.scope, question.id, window, self._costs.dimensions)
        found = await self._costs.totals(
            question.scope, question.id, window, question.at_unix_nano or None
        )
        return totals_message(found).SerializeToString()

    async def check(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """CheckBudget, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(CheckBudgetRequest, body)
        check_scopes(question.scopes, self._costs.dimensions)
        estimate_usd = question.estimated_cost_usd
        if not math.isfinite(estimate_usd) or estimate_usd < 0:
            message = f"must be finite and not negative, got {estimate_usd!r}"
            raise InvalidQuestionError("estimated_cost_usd", message)
        estimate = parse_usd(repr(estimate_usd))
        scopes = {"call": "", "total": "", **question.scopes}
        standings = await self._costs.standing(scopes, None)
        reasons = objections(standings, estimate)
        return CheckBudgetResponse(
            allowed=not reasons,
            standings=[standing_message(standing) for standing in standings],
            message="; ".join(reasons),
        ).SerializeToString()

    async def unpriced(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """ListUnpriced, from bytes to bytes. Raises a ProcessorError."""
        _parse(ListUnpricedRequest, body)
        return unpriced_message(await self._costs.unpriced()).SerializeToString()

    async def reprice(self, body: bytes, caller: Caller) -> bytes:
        """Reprice, from bytes to bytes, for callers on this machine. Raises a ProcessorError."""
        _check_local(caller)
        question = _parse(RepriceRequest, body)
        start_ns, end_ns = question.start_unix_nano, question.end_unix_nano or TIME_NS_MAX
        if not start_ns < end_ns <= TIME_NS_MAX:
            raise InvalidQuestionError("end_unix_nano", "must be after start_unix_nano, or 0")
        result = await self._changes.reprice(
            start_ns, end_ns, is_dry_run=question.dry_run, actor=question.actor or _SOMEBODY
        )
        return repricing_message(result).SerializeToString()

    async def job_progress(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """GetJobProgress, from bytes to bytes. Raises a ProcessorError."""
        _parse(GetJobProgressRequest, body)
        return progress_message(self._changes.job_progress).SerializeToString()

    async def exclude(self, body: bytes, caller: Caller) -> bytes:
        """Exclude, from bytes to bytes, for callers on this machine. Raises a ProcessorError."""
        _check_local(caller)
        question = _parse(ExcludeRequest, body)
        actor, is_dry_run = question.actor or _SOMEBODY, question.dry_run
        given = WantedCalls(
            question.trace, question.span, question.session, question.user,
            question.start_unix_nano, question.end_unix_nano, question.reason,
        )  # fmt: skip
        if not question.undo:
            found = await self._changes.exclude(given, actor, is_dry_run=is_dry_run)
        elif given != WantedCalls():
            raise InvalidQuestionError("undo", "takes the number of an exclusion, and nothing else")
        else:
            found = await self._changes.undo(question.undo, actor, is_dry_run=is_dry_run)
        return exclusion_message(found).SerializeToString()

    async def forget(self, body: bytes, caller: Caller) -> bytes:
        """Forget, from bytes to bytes, for callers on this machine. Raises a ProcessorError."""
        _check_local(caller)
        question = _parse(ForgetRequest, body)
        found = await self._changes.forget(
            question.user, question.actor or _SOMEBODY, is_dry_run=question.dry_run
        )
        return forgetting_message(found).SerializeToString()

    async def audit(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """ListAudit, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(ListAuditRequest, body)
        since_ns = min(question.since_unix_nano, TIME_NS_MAX)
        page = await self._costs.audit(since_ns, question.cursor, limit=question.limit or 100)
        return audit_message(page).SerializeToString()

    async def health(self, body: bytes, _caller: Caller = ELSEWHERE) -> bytes:
        """GetHealth, from bytes to bytes. Raises a ProcessorError."""
        _parse(GetHealthRequest, body)
        report = self._report()
        return GetHealthResponse(status=report.status, reasons=report.reasons).SerializeToString()


def _check_local(caller: Caller) -> None:
    if not caller.is_local:
        raise ForbiddenError(_NOT_LOCAL)


def _parse(kind: type[_Question], body: bytes) -> _Question:
    if len(body) > _REQUEST_LIMIT_BYTES:
        raise TooLargeError(f"the request is larger than {_REQUEST_LIMIT_BYTES} bytes")
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise UndecodableError(f"not a {kind.DESCRIPTOR.full_name}") from error
