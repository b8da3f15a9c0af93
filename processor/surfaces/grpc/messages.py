"""Answers about cost as messages of the gRPC service."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from processor.core.budgets.call_check import BudgetCheck
from processor.core.model import (
    NS_PER_S,
    TIME_NS_MAX,
    Difference,
    Exclusion,
    Forgetting,
    JobProgress,
    Repricing,
    UnpricedCalls,
)
from processor.core.money import usd
from processor.core.questions import UnknownAnswer
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    AuditLine,
    BudgetDifference,
    BudgetStanding,
    CheckBudgetResponse,
    ExcludeResponse,
    ForgetResponse,
    GetJobProgressResponse,
    GetTotalsResponse,
    ListAuditResponse,
    ListUnpricedResponse,
    ModelDifference,
    NamedText,
    RepriceResponse,
    UncheckedBudget,
    UnpricedModel,
)
from processor.surfaces.queries import AuditPage, BudgetCheckAnswer, WindowTotals

_UNPRICED: Final = "unpriced"

_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1
_Message = TypeVar("_Message", bound=Message)


def _message(kind: type[_Message], **fields: Any) -> _Message:  # noqa: ANN401 - the fields of `kind`
    """A message with these fields; numbers that 64 bits do not hold are in `beyond_64_bits`."""
    beyond = {
        name: value
        for name, value in fields.items()
        if type(value) is int and not _INT64_MIN <= value <= _INT64_MAX
    }
    nearest = {name: _INT64_MAX if value > 0 else _INT64_MIN for name, value in beyond.items()}
    texts = {name: str(value) for name, value in beyond.items()}
    return kind(**(fields | nearest), beyond_64_bits=texts)


def number(message: Message, name: str) -> int:
    """A whole number of an answer, exact whatever its size."""
    answer: Any = message
    text = answer.beyond_64_bits.get(name)
    return int(getattr(answer, name) if text is None else text)


def totals_message(found: WindowTotals) -> GetTotalsResponse:
    """Totals of one scope, with their window in seconds since the Unix epoch."""
    totals = found.totals
    return _message(
        GetTotalsResponse,
        cost_usd=usd(totals.cost_nano_usd),
        cost_nano_usd=totals.cost_nano_usd,
        at_least=totals.unpriced > 0 or bool(found.partial),
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cached_tokens=totals.cached_tokens,
        calls=totals.calls,
        unpriced_calls=totals.unpriced,
        saved_nano_usd=totals.saved_nano_usd,
        agent_runs=totals.agent_runs,
        window_start_unix_s=found.start_s,
        window_end_unix_s=found.end_s,
        label=found.label,
        doubtful_calls=totals.doubtful_calls,
        cache_hits=totals.cache_hits,
        response_cache_hits=totals.response_cache_hits,
        response_cache_saved_nano_usd=totals.response_cache_saved_nano_usd,
        partial=found.partial,
    )


def check_message(found: BudgetCheckAnswer) -> CheckBudgetResponse:
    """Whether a call may be made."""
    deciding, priced = found.deciding, found.priced
    return CheckBudgetResponse(
        allowed=found.is_allowed,
        standings=list(map(_standing, found.checks)),
        message=found.message,
        deciding=None if deciding is None else _standing(deciding),
        estimate_nano_usd=found.estimate.cost_nano_usd,
        price_status="" if priced is None else priced.status,
        price_reason="" if priced is None else priced.reason,
        reservation_id=found.reservation_id,
        reservation_expires_unix_s=found.expires_ns / NS_PER_S,
        not_checked=[
            UncheckedBudget(budget=each.budget, missing=each.missing) for each in found.unchecked
        ],
    )


def _standing(check: BudgetCheck) -> BudgetStanding:
    """How one scope stands against one budget."""
    standing = check.standing
    is_money = standing.unit == "usd"
    return _message(
        BudgetStanding,
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
        reserved=check.reserved,
        remaining=check.remaining,
        allows=check.is_allowed,
    )


def unpriced_message(found: UnknownAnswer) -> ListUnpricedResponse:
    """Calls whose cost is unknown."""
    kinds, calls = found.left_out
    return ListUnpricedResponse(
        models_left_out=kinds,
        calls_left_out=calls,
        models=[
            _message(
                UnpricedModel,
                provider=unknown.provider,
                models=unknown.models,
                reason=_reason_text(unknown),
                service=unknown.service,
                calls=unknown.calls,
                tokens=unknown.tokens,
                first_unix_nano=unknown.first_ns,
                last_unix_nano=unknown.last_ns,
                has_price=unknown.has_price,
            )
            for unknown in found.listed
        ],
    )


def _reason_text(unknown: UnpricedCalls) -> str:
    """Why the cost of calls is unknown; begins with their status where they lack no price."""
    if unknown.status == _UNPRICED:
        return unknown.reason
    return f"{unknown.status}: {unknown.reason}" if unknown.reason else unknown.status


def repricing_message(repricing: Repricing) -> RepriceResponse:
    """What a reprice has changed, or would change."""
    return _message(
        RepriceResponse,
        calls=repricing.calls,
        before_nano_usd=repricing.before_nano_usd,
        after_nano_usd=repricing.after_nano_usd,
        models=list(map(_of_model, repricing.models)),
        budgets=list(map(_of_budget, repricing.budgets)),
        price_version=repricing.price_version,
        price_file=repricing.price_file,
        renamed_calls=repricing.renamed,
        start_unix_nano=repricing.span_ns[0],
        end_unix_nano=repricing.span_ns[1] % TIME_NS_MAX,
        is_partial=repricing.is_partial,
        kept_from_unix_s=repricing.kept_from_s,
    )


def exclusion_message(found: Exclusion) -> ExcludeResponse:
    """What an exclusion has taken out of all sums, or an undo has put back; or would."""
    return _message(
        ExcludeResponse,
        number=found.number,
        calls=found.calls,
        agents=found.agents,
        before_nano_usd=found.before_nano_usd,
        after_nano_usd=found.after_nano_usd,
        models=list(map(_of_model, found.models)),
        budgets=list(map(_of_budget, found.budgets)),
        lost=found.lost,
        is_partial=found.is_partial,
        kept_from_unix_s=found.kept_from_s,
    )


def forgetting_message(found: Forgetting) -> ForgetResponse:
    """Where the id of a user was found."""
    # Its numbers are of rows, of which there are fewer than 64 bits hold.
    return ForgetResponse(
        tombstone=found.tombstone,
        calls=found.calls,
        places=dict(found.places),
    )


def _of_model(item: Difference) -> ModelDifference:
    return _message(
        ModelDifference,
        model=item.name,
        calls=item.calls,
        before_nano_usd=item.before_nano_usd,
        after_nano_usd=item.after_nano_usd,
        unpriced_before=item.unpriced_before,
        unpriced_after=item.unpriced_after,
    )


def _of_budget(item: Difference) -> BudgetDifference:
    return _message(
        BudgetDifference,
        budget=item.name,
        scope_id=item.scope_id,
        window_start_unix_s=item.window_start_s,
        limit_nano_usd=item.limit_nano_usd,
        calls=item.calls,
        before_nano_usd=item.before_nano_usd,
        after_nano_usd=item.after_nano_usd,
    )


def audit_message(page: AuditPage) -> ListAuditResponse:
    """A page of the audit."""
    return ListAuditResponse(
        lines=[
            AuditLine(
                number=entry.number,
                time_unix_nano=entry.time_ns,
                actor=entry.actor,
                action=entry.action,
                subject=entry.subject,
                before=_texts(entry.before),
                after=_texts(entry.after),
            )
            for entry in page.entries
        ],
        cursor=page.cursor,
    )


def _texts(values: str) -> list[NamedText]:
    return [NamedText(name=name, text=text) for name, text in json.loads(values).items()]


def progress_message(progress: JobProgress | None) -> GetJobProgressResponse:
    """How far long work has come."""
    if progress is None:
        return GetJobProgressResponse()
    return GetJobProgressResponse(**progress._asdict())
