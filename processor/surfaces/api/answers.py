"""How each endpoint is answered: a question to the ledger, and then a document of its answer.

Each function returns what makes the document, which the caller runs in another thread: thousands of
rows take a tenth of a second, for which batches must not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from processor import __version__
from processor.core.model import NS_PER_S
from processor.core.pricing import Catalog
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
from processor.surfaces.api.moments import parse_moment
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
from processor.surfaces.queries import BudgetChecks, CostQueries, Report


@dataclass(frozen=True, slots=True)
class Sources:
    """What answers are made of."""

    costs: CostQueries
    health: Callable[[], Report] | None = None
    """None where a ledger's file is read that no processor has open."""
    other_prices: Catalog | None = None
    """What calls are compared with instead of the prices in force."""
    checks: BudgetChecks | None = None
    """What decides about calls before they are made; None likewise."""


DocumentBuilder = Callable[[], Answer]


async def costs(sources: Sources, asked: CostsParameters) -> DocumentBuilder:
    """Totals, series, rankings, a comparison."""
    report = await sources.costs.usage(asked.request(sources.costs.calendar.zone))
    return lambda: CostsDocument.from_report(report, with_classes=asked.classes)


async def forecast(sources: Sources, asked: ForecastParameters) -> DocumentBuilder:
    """What will have been used by the end of a window."""
    report = await sources.costs.insight.forecast(asked.request())
    return lambda: ForecastDocument.from_report(report, asked.window)


async def what_if(sources: Sources, asked: WhatIfParameters) -> DocumentBuilder:
    """What calls would have cost otherwise."""
    request = asked.request(sources.costs.calendar.zone)
    report = await sources.costs.insight.what_if(request, sources.other_prices)
    return lambda: WhatIfDocument.from_report(report)


async def advice(sources: Sources, asked: AdviceParameters) -> DocumentBuilder:
    """What would have cost less."""
    report = await sources.costs.insight.advice(asked.request(sources.costs.calendar.zone))
    return lambda: AdviceDocument.from_report(report)


async def efficiency(sources: Sources, asked: TaskParameters) -> DocumentBuilder:
    """A task beside others of its type."""
    zone = asked.zone(sources.costs.calendar.zone)
    report = await sources.costs.insight.efficiency(asked.value)
    return lambda: EfficiencyDocument.from_report(report, zone)


async def calls(sources: Sources, asked: CallsParameters) -> DocumentBuilder:
    """Calls one by one."""
    default = sources.costs.calendar.zone
    page = await sources.costs.calls(asked.request(default))
    return lambda: CallsDocument.from_page(page, asked.zone(default))


async def traces(sources: Sources, asked: TracesParameters) -> DocumentBuilder:
    """Traces, or the calls of one of them."""
    zone = asked.zone(sources.costs.calendar.zone)
    if asked.execution_id:
        of_one = await sources.costs.calls(asked.calls())
        return lambda: ExecutionCallsDocument.from_page(of_one, zone)
    page = await sources.costs.traces(asked.request())
    return lambda: TracesDocument.from_page(page, zone)


async def trace(sources: Sources, asked: TraceParameters) -> DocumentBuilder:
    """A trace or an agent's run as a tree."""
    zone = asked.zone(sources.costs.calendar.zone)
    if ":" in asked.trace_id:
        report = await sources.costs.run(asked.trace_id, spans=asked.spans)
    else:
        report = await sources.costs.trace(asked.trace_id, spans=asked.spans)
    return lambda: TraceDocument.from_report(report, zone)


async def execution(sources: Sources, asked: ExecutionParameters) -> DocumentBuilder:
    """A trace as a whole."""
    zone = asked.zone(sources.costs.calendar.zone)
    page = await sources.costs.whole_trace(asked.trace_id)
    return lambda: ExecutionDocument.from_page(page, zone)


async def owner(sources: Sources, dimension: str, asked: OwnerParameters) -> DocumentBuilder:
    """What an owner has used, and its newest traces."""
    request = asked.request(sources.costs.calendar.zone)
    report = await sources.costs.owner(dimension, asked.value, request, traces_limit=asked.traces)
    return lambda: OwnerDocument.from_report(report, with_classes=asked.classes)


async def any_owner(sources: Sources, asked: OwnersParameters) -> DocumentBuilder:
    """The same of any dimension."""
    return await owner(sources, asked.dimension, asked)


async def budgets(sources: Sources, asked: BudgetsParameters) -> DocumentBuilder:
    """Every budget with how it stands."""
    policy = sources.costs.policy
    report = await sources.costs.budgets(ids=asked.limit, with_projections=True)
    zone = asked.zone(policy.calendar.zone)
    return lambda: BudgetsDocument.from_report(report, policy, zone)


async def crossings(sources: Sources, asked: CrossingsParameters) -> DocumentBuilder:
    """Budget crossings."""
    zone = asked.zone(sources.costs.calendar.zone)
    page = await sources.costs.crossings(asked.cursor, limit=asked.limit)
    return lambda: CrossingsDocument.from_page(page, zone)


async def notifications(sources: Sources, asked: NotificationsParameters) -> DocumentBuilder:
    """Notifications, and what of them has not arrived."""
    zone = asked.zone(sources.costs.calendar.zone)
    page = await sources.costs.notifications(asked.cursor, limit=asked.limit)
    return lambda: NotificationsDocument.from_page(page, zone)


async def dimensions(sources: Sources, asked: DimensionsParameters) -> DocumentBuilder:
    """Dimensions and their most used values."""
    time = asked.time(sources.costs.calendar.zone)
    report = await sources.costs.used_values(asked.dimension, time, limit=asked.limit)
    return lambda: DimensionsDocument.from_report(report)


async def unpriced(sources: Sources, asked: UnpricedParameters) -> DocumentBuilder:
    """All that makes totals say "at least"."""
    zone = asked.zone(sources.costs.calendar.zone)
    report = await sources.costs.unknown(limit=asked.limit)
    return lambda: UnpricedDocument.from_report(report, zone)


async def prices(sources: Sources, asked: PricesParameters) -> DocumentBuilder:
    """The models that are used, and what they cost."""
    time = asked.time(sources.costs.calendar.zone)
    report = await sources.costs.prices(time, limit=asked.limit)
    return lambda: PricesDocument.from_report(report, sources.costs.price_file)


async def audit(sources: Sources, asked: AuditParameters) -> DocumentBuilder:
    """Who has changed what."""
    zone = asked.zone(sources.costs.calendar.zone)
    since_ns = 0
    if asked.starting_at:
        since_ns = parse_moment("starting_at", asked.starting_at, zone) * NS_PER_S
    page = await sources.costs.audit(since_ns, asked.cursor, limit=asked.limit)
    return lambda: AuditDocument.from_page(page, zone)


async def status(sources: Sources, asked: Parameters) -> DocumentBuilder:
    """What answers here, and how it is."""
    queries = sources.costs
    policy, catalog = queries.policy, queries.catalog
    zone = policy.calendar.zone
    as_of = await queries.freshness()
    report = sources.health() if sources.health is not None else None
    document = StatusDocument.from_parts(
        version=__version__,
        report=report,
        zone=zone,
        prices=(catalog.version, queries.price_file),
        budgets=(policy.version, len(policy.budgets)),
        dimensions=policy.dimensions,
        as_of=as_of,
        times_in=asked.zone(zone),
    )
    return lambda: document
