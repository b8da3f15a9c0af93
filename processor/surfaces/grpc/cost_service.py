"""The processor's gRPC service: what has been spent, and whether more may be spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from processor.core.access import Access, Right
from processor.core.errors import (
    InvalidQuestionError,
    TooLargeError,
    UndecodableError,
)
from processor.core.model import TIME_NS_MAX
from processor.core.money import parse_usd
from processor.core.ports import Caller, Method
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    ExcludeRequest,
    ForgetRequest,
    GetHealthResponse,
    GetJobProgressRequest,
    GetTotalsRequest,
    ListAuditRequest,
    ListUnpricedRequest,
    ReleaseReservationRequest,
    ReleaseReservationResponse,
    RepriceRequest,
)
from processor.surfaces.grpc.messages import (
    audit_message,
    check_message,
    exclusion_message,
    forgetting_message,
    progress_message,
    repricing_message,
    totals_message,
    unpriced_message,
)
from processor.surfaces.queries import (
    RESERVED_S,
    BudgetCheckRequest,
    BudgetChecks,
    CostChanges,
    CostQueries,
    Report,
    check_totals,
)
from processor.surfaces.queries import ExcludeRequest as WantedCalls

_SOMEBODY: Final = "a caller over gRPC"

_REQUEST_LIMIT_BYTES = 64 * 1024
_Question = TypeVar("_Question", bound=Message)


class CostService:
    """Answers the methods of ``llm_cost.v1.CostService``."""

    name: Final = "llm_cost.v1.CostService"
    without_message: Final = frozenset({"GetHealth"})
    """Whoever may send asks for it, of whom nothing is read without a limit of memory."""

    def __init__(
        self,
        costs: CostQueries,
        checks: BudgetChecks,
        changes: CostChanges,
        health: Callable[[], Report],
        access: Access,
    ) -> None:
        """Answer from `costs`, and about the processor itself with what `health` reports.

        What changes the ledger is done by `changes`, and who may call what is said by `access`;
        `checks` decide about calls before they are made.
        """
        self._costs = costs
        self._checks = checks
        self._changes = changes
        self._report = health
        self._access = access
        self._procedures: dict[str, tuple[Right, Method]] = {
            "GetTotals": ("read", self.totals),
            "CheckBudget": ("read", self.budget),
            "ReleaseReservation": ("read", self.release),
            "ListUnpriced": ("read", self.unpriced),
            "Reprice": ("change", self.reprice),
            "GetJobProgress": ("progress", self.job_progress),
            "Exclude": ("change", self.exclude),
            "Forget": ("change", self.forget),
            "ListAudit": ("read", self.audit),
            "GetHealth": ("health", self.health),
        }
        self.methods: Mapping[str, Method] = {
            name: method for name, (_, method) in self._procedures.items()
        }

    def check(self, method: str, caller: Caller) -> None:
        """Raise ForbiddenError or UnauthenticatedError unless a caller may call a method."""
        right, _ = self._procedures[method]
        self._access.check(right, caller)

    async def totals(self, body: bytes) -> bytes:
        """GetTotals, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(GetTotalsRequest, body)
        window = question.window or "none"
        check_totals(question.scope, question.id, window, self._costs.dimensions)
        found = await self._costs.totals(
            question.scope, question.id, window, question.at_unix_nano or None
        )
        return totals_message(found).SerializeToString()

    async def budget(self, body: bytes) -> bytes:
        """CheckBudget, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(CheckBudgetRequest, body)
        estimate_usd = question.estimated_cost_usd
        if not math.isfinite(estimate_usd) or estimate_usd < 0:
            message = f"must be finite and not negative, got {estimate_usd!r}"
            raise InvalidQuestionError("estimated_cost_usd", message)
        request = BudgetCheckRequest(
            dict(question.scopes),
            parse_usd(repr(estimate_usd)) or None,
            question.tokens or None,
            question.model,
            question.provider,
            question.input_tokens,
            question.output_tokens,
            question.cached_tokens,
            question.reserve,
            question.reservation_id,
            question.ttl_s or RESERVED_S,
        )
        return check_message(await self._checks.check(request)).SerializeToString()

    async def release(self, body: bytes) -> bytes:
        """ReleaseReservation, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(ReleaseReservationRequest, body)
        is_released = self._checks.release(question.reservation_id)
        return ReleaseReservationResponse(released=is_released).SerializeToString()

    async def unpriced(self, body: bytes) -> bytes:
        """ListUnpriced, from bytes to bytes. Raises a ProcessorError."""
        _parse(ListUnpricedRequest, body)
        return unpriced_message(await self._costs.unpriced()).SerializeToString()

    async def reprice(self, body: bytes) -> bytes:
        """Reprice, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(RepriceRequest, body)
        start_ns, end_ns = question.start_unix_nano, question.end_unix_nano or TIME_NS_MAX
        if not start_ns < end_ns <= TIME_NS_MAX:
            raise InvalidQuestionError("end_unix_nano", "must be after start_unix_nano, or 0")
        result = await self._changes.reprice(
            start_ns, end_ns, is_dry_run=question.dry_run, actor=question.actor or _SOMEBODY
        )
        return repricing_message(result).SerializeToString()

    async def job_progress(self, body: bytes) -> bytes:
        """GetJobProgress, from bytes to bytes. Raises a ProcessorError."""
        _parse(GetJobProgressRequest, body)
        return progress_message(self._changes.job_progress).SerializeToString()

    async def exclude(self, body: bytes) -> bytes:
        """Exclude, from bytes to bytes. Raises a ProcessorError."""
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

    async def forget(self, body: bytes) -> bytes:
        """Forget, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(ForgetRequest, body)
        found = await self._changes.forget(
            question.user, question.actor or _SOMEBODY, is_dry_run=question.dry_run
        )
        return forgetting_message(found).SerializeToString()

    async def audit(self, body: bytes) -> bytes:
        """ListAudit, from bytes to bytes. Raises a ProcessorError."""
        question = _parse(ListAuditRequest, body)
        since_ns = min(question.since_unix_nano, TIME_NS_MAX)
        page = await self._costs.audit(since_ns, question.cursor, limit=question.limit or 100)
        return audit_message(page).SerializeToString()

    async def health(self, _body: bytes) -> bytes:
        """GetHealth, whose request says nothing."""
        report = self._report()
        return GetHealthResponse(
            status=report.status,
            reasons=report.reasons,
            time_zone=self._costs.calendar.zone.key,
        ).SerializeToString()


def _parse(kind: type[_Question], body: bytes) -> _Question:
    if len(body) > _REQUEST_LIMIT_BYTES:
        raise TooLargeError(f"the request is larger than {_REQUEST_LIMIT_BYTES} bytes")
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise UndecodableError(f"not a {kind.DESCRIPTOR.full_name}") from error
