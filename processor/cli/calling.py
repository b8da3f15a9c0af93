"""Questions to a running processor over gRPC, and in words why one failed."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import grpc
from google.protobuf.message import Message

from processor.cli.actor import user_name
from processor.cli.choice import NoAnswerError, RefusedError
from processor.cli.connection import Connection
from processor.cli.tokens import TOKEN_VARIABLE
from processor.core.model import (
    TIME_NS_MAX,
    Difference,
    Exclusion,
    Forgetting,
    JobProgress,
    Repricing,
)
from processor.surfaces import queries
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    BudgetDifference,
    ExcludeRequest,
    ExcludeResponse,
    ForgetRequest,
    ForgetResponse,
    GetHealthRequest,
    GetHealthResponse,
    GetJobProgressRequest,
    GetJobProgressResponse,
    ModelDifference,
    RepriceRequest,
    RepriceResponse,
)
from processor.surfaces.grpc.messages import number
from processor.surfaces.queries.health import Report, Status
from processor.surfaces.terminal.paint import plain

HEALTH_TIMEOUT_S: Final = 3.0
"""For every question about health: an orchestrator does not wait for long either."""

_SERVICE: Final = "/llm_cost.v1.CostService/"
_PROGRESS_TIMEOUT_S = 5.0
_ZONE_TIMEOUT_S = 30.0
_REPRICE_TIMEOUT_S = 3600.0
"""A processor that has many calls to price again answers only when it is done."""

_DETAILS_MAX_CHARS = 300
_WHICH_PORT: Final = "it is asked where spans are sent to over gRPC, such as HOST:4317"
_IS_HTTP: Final = f"a processor answers there over HTTP; {_WHICH_PORT}"
_HOW_TLS: Final = "for TLS give --config, --ca-file, or an address with https://"

_Answer = TypeVar("_Answer", bound=Message)


class Remote:
    """Questions to a running processor. Raises NoAnswerError and RefusedError."""

    def __init__(self, there: Connection) -> None:
        self._there = there

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``."""
        question = RepriceRequest(
            start_unix_nano=start_ns,
            end_unix_nano=end_ns,
            dry_run=is_dry_run,
            actor=user_name(),
        )
        answer = await self._ask("Reprice", question, RepriceResponse, _REPRICE_TIMEOUT_S)
        return _repricing(answer)

    async def job_progress(self) -> JobProgress | None:
        """How far long work has come; None without any."""
        answer = await self._ask(
            "GetJobProgress",
            GetJobProgressRequest(),
            GetJobProgressResponse,
            _PROGRESS_TIMEOUT_S,
        )
        if not answer.job:
            return None
        return JobProgress(answer.job, answer.counted, answer.done, answer.left, answer.changed)

    async def exclude(
        self, request: queries.ExcludeRequest, undo: int, *, is_dry_run: bool
    ) -> Exclusion:
        """Take calls out of all sums, or put back what the exclusion `undo` has taken out."""
        question = ExcludeRequest(
            trace=request.trace,
            span=request.span,
            session=request.session,
            user=request.user,
            start_unix_nano=request.start_ns,
            end_unix_nano=request.end_ns,
            reason=request.reason,
            undo=undo,
            dry_run=is_dry_run,
            actor=user_name(),
        )
        answer = await self._ask("Exclude", question, ExcludeResponse, _REPRICE_TIMEOUT_S)
        return _exclusion(answer)

    async def forget(self, user: str, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept."""
        question = ForgetRequest(user=user, dry_run=is_dry_run, actor=user_name())
        answer = await self._ask("Forget", question, ForgetResponse, _REPRICE_TIMEOUT_S)
        places = tuple((name, count) for name, count in answer.places.items())
        return Forgetting(answer.tombstone, answer.calls, places)

    async def health(self) -> Report:
        """Whether the processor can do its work, and in words why not."""
        answer = await self._health(HEALTH_TIMEOUT_S)
        return Report(cast("Status", answer.status), tuple(answer.reasons))

    async def zone(self) -> ZoneInfo | None:
        """The time zone that the processor reads dates in; None where it does not say.

        One of an older version does not, and this machine may not know its zone.
        """
        answer = await self._health(_ZONE_TIMEOUT_S)
        try:
            return ZoneInfo(answer.time_zone)
        except (ValueError, ZoneInfoNotFoundError):
            return None

    async def _health(self, timeout_s: float) -> GetHealthResponse:
        return await self._ask("GetHealth", GetHealthRequest(), GetHealthResponse, timeout_s)

    async def _ask(
        self, method: str, question: Message, kind: type[_Answer], timeout_s: float
    ) -> _Answer:
        there = self._there
        async with there.open() as channel:
            # Without (de)serialisers it takes and gives bytes.
            call: Any = channel.unary_unary(f"{_SERVICE}{method}", None, None)
            try:
                body = question.SerializeToString()
                return kind.FromString(await call(body, timeout=timeout_s, metadata=there.metadata))
            except grpc.aio.AioRpcError as error:
                why = reason_of(error, there, timeout_s)
                has_answered = _has_answered(error)
                if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                    # It was asked, and its sentence names the field, as a ledger's file does.
                    raise RefusedError(plain(error.details() or why)) from error
                message = f"{there.address} cannot be asked: {why}"
                raise (RefusedError if has_answered else NoAnswerError)(message) from error


def _repricing(answer: RepriceResponse) -> Repricing:
    return Repricing(
        answer.calls,
        tuple(map(_of_model, answer.models)),
        tuple(map(_of_budget, answer.budgets)),
        number(answer, "before_nano_usd"),
        number(answer, "after_nano_usd"),
        answer.price_version,
        answer.price_file,
        answer.renamed_calls,
        (answer.start_unix_nano, answer.end_unix_nano or TIME_NS_MAX),
        answer.is_partial,
        answer.kept_from_unix_s,
    )


def _exclusion(answer: ExcludeResponse) -> Exclusion:
    return Exclusion(
        answer.number,
        answer.calls,
        answer.agents,
        number(answer, "before_nano_usd"),
        number(answer, "after_nano_usd"),
        tuple(map(_of_model, answer.models)),
        tuple(map(_of_budget, answer.budgets)),
        answer.lost,
        answer.is_partial,
        answer.kept_from_unix_s,
    )


def _of_model(item: ModelDifference) -> Difference:
    return Difference(
        item.model,
        "",
        item.calls,
        number(item, "before_nano_usd"),
        number(item, "after_nano_usd"),
        unpriced_before=item.unpriced_before,
        unpriced_after=item.unpriced_after,
    )


def _of_budget(item: BudgetDifference) -> Difference:
    return Difference(
        item.budget,
        item.scope_id,
        item.calls,
        number(item, "before_nano_usd"),
        number(item, "after_nano_usd"),
        item.limit_nano_usd,
        item.window_start_unix_s,
    )


def _has_answered(error: grpc.RpcError) -> bool:
    """Whether a processor refused.

    UNIMPLEMENTED is another program; to UNAVAILABLE and DEADLINE_EXCEEDED only a processor adds
    details.
    """
    if error.code() == grpc.StatusCode.UNIMPLEMENTED:
        return False
    if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        trailers: Any = error.trailing_metadata() or ()
        return any(key == "grpc-status-details-bin" for key, _ in trailers)
    return True


def reason_of(error: grpc.RpcError, there: Connection, timeout_s: float) -> str:
    """Why a call failed, in plain words."""
    code = error.code()
    if code == grpc.StatusCode.UNAVAILABLE and not _has_answered(error):
        return _unreached(error, there)
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"no answer within {timeout_s:g} s"
    if code == grpc.StatusCode.UNAUTHENTICATED:
        return plain(
            f"{error.details() or code.name} (set {TOKEN_VARIABLE} to a token that it knows)"
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return f"what listens there is not an llm-cost processor ({_WHICH_PORT})"
    return plain(f"{code.name.lower()}: {error.details() or 'no details'}")


def _unreached(error: grpc.RpcError, there: Connection) -> str:
    if there.answers_over_http():
        return _IS_HTTP
    if there.tls is not None:
        why = plain(error.details() or "")[:_DETAILS_MAX_CHARS]
        return f"nothing listens there, or not with TLS that is trusted here ({why})"
    return f"nothing listens there, or not with plain-text gRPC ({_WHICH_PORT}; {_HOW_TLS})"
