"""Answers about cost as messages of the gRPC service."""

from __future__ import annotations

from collections.abc import Sequence

from processor.core.model import Repricing, Standing, UnpricedCalls
from processor.core.money import usd
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    BudgetDifference,
    BudgetStanding,
    GetTotalsResponse,
    ListUnpricedResponse,
    ModelDifference,
    RepriceResponse,
    UnpricedModel,
)
from processor.surfaces.queries import WindowTotals


def totals_message(found: WindowTotals) -> GetTotalsResponse:
    """Totals of one scope, with their window in seconds since the Unix epoch."""
    totals = found.totals
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
        window_start_unix_s=found.start_s,
        window_end_unix_s=found.end_s,
        label=found.label,
        doubtful_calls=totals.doubtful_calls,
        cache_hits=totals.cache_hits,
        response_cache_hits=totals.response_cache_hits,
        response_cache_saved_nano_usd=totals.response_cache_saved_nano_usd,
    )


def standing_message(standing: Standing) -> BudgetStanding:
    """How one scope stands against one budget."""
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


def unpriced_message(unknowns: Sequence[UnpricedCalls]) -> ListUnpricedResponse:
    """Calls without a price."""
    return ListUnpricedResponse(
        models=[
            UnpricedModel(
                provider=unknown.provider,
                models=unknown.models,
                reason=unknown.reason,
                service=unknown.service,
                calls=unknown.calls,
                tokens=unknown.tokens,
                first_unix_nano=unknown.first_ns,
                last_unix_nano=unknown.last_ns,
                has_price=unknown.has_price,
            )
            for unknown in unknowns
        ]
    )


def repricing_message(repricing: Repricing) -> RepriceResponse:
    """What a reprice has changed, or would change."""
    return RepriceResponse(
        calls=repricing.calls,
        before_nano_usd=repricing.before_nano_usd,
        after_nano_usd=repricing.after_nano_usd,
        models=[
            ModelDifference(
                model=item.name,
                calls=item.calls,
                before_nano_usd=item.before_nano_usd,
                after_nano_usd=item.after_nano_usd,
                unpriced_before=item.unpriced_before,
                unpriced_after=item.unpriced_after,
            )
            for item in repricing.models
        ],
        budgets=[
            BudgetDifference(
                budget=item.name,
                scope_id=item.scope_id,
                window_start_unix_s=item.window_start_s,
                limit_nano_usd=item.limit_nano_usd,
                calls=item.calls,
                before_nano_usd=item.before_nano_usd,
                after_nano_usd=item.after_nano_usd,
            )
            for item in repricing.budgets
        ],
        price_version=repricing.price_version,
        price_file=repricing.price_file,
        renamed_calls=repricing.renamed,
    )
