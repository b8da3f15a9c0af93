"""Everything that is declared, as Prometheus reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from processor.core.budgets import Policy
from processor.core.counters import (
    ChannelState,
    ExporterState,
    ExportState,
    FileState,
    LedgerState,
    MemoryHeld,
    OpenConnections,
)
from processor.core.flow import FlowCounters
from processor.core.pricing import Catalog
from processor.surfaces.metrics import (
    budget_metrics,
    exporter_metrics,
    flow_metrics,
    outgoing_metrics,
    processor_metrics,
    readings,
    spend_metrics,
)
from processor.surfaces.metrics.declaration import Metric, Sample
from processor.surfaces.metrics.processor_metrics import Build
from processor.surfaces.metrics.readings import CostReadings

_COLLECTED: Final[tuple[Metric, ...]] = (
    *flow_metrics.METRICS,
    *exporter_metrics.METRICS,
    *outgoing_metrics.METRICS,
    *processor_metrics.METRICS,
    *readings.METRICS,
    *budget_metrics.METRICS,
)
DECLARED: Final[tuple[Metric, ...]] = (*_COLLECTED, *spend_metrics.METRICS)
"""Every metric there is, in the order in which they are served."""

CONTENT_TYPE: Final[str] = CONTENT_TYPE_PLAIN_0_0_4

_Family = CounterMetricFamily | GaugeMetricFamily
_FAMILIES: Final = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


@dataclass(frozen=True)
class Sources:
    """Everything that is shown. What changes is asked for at each scrape."""

    flow: FlowCounters
    exporter: Callable[[], ExporterState]
    ledger: Callable[[], LedgerState]
    memory: Callable[[], MemoryHeld]
    grpc_connections: Callable[[], OpenConnections]
    answers: Callable[[], Mapping[str, int]]
    """Answers over gRPC and HTTP by the name of their gRPC status code."""
    catalog: Callable[[], Catalog]
    policy: Callable[[], Policy]
    files: Mapping[str, FileState]
    build: Build
    costs: CostReadings
    exports: Callable[[], Iterable[ExportState]] = tuple
    """Files that are written on a schedule."""
    channels: Callable[[], Iterable[ChannelState]] = tuple
    """Those of notifications."""
    certificates: Callable[[], Mapping[tuple[str, str], float]] = dict
    """When those of the receivers end, in seconds since 1970, by protocol and file."""


class Exposition(Collector):
    """The collector of a registry of its own: what runs beside it in the process is not shown."""

    def __init__(self, sources: Sources, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._sources = sources
        self._now_ns = now_ns
        self._registry = CollectorRegistry()
        self._registry.register(self)

    async def page(self) -> bytes:
        """All metrics as text, after what is read from the ledger, where that is quick."""
        await self._sources.costs.renew()
        return self.render()

    def render(self) -> bytes:
        """All metrics as text, read in one step: nothing else runs in the meantime.

        What was spent is left out unless it was read lately.
        """
        return generate_latest(self._registry) + (self._sources.costs.spend.value or b"")

    def describe(self) -> Iterator[_Family]:
        """Every metric without values; asked once, at registration, for clashes of names."""
        return iter(_families(()))

    def collect(self) -> Iterator[_Family]:
        """Every metric with its values; one that has none now is left out."""
        sources = self._sources
        samples = chain(
            flow_metrics.read_flow(sources.flow),
            exporter_metrics.read_exporter(sources.exporter()),
            processor_metrics.read_answers(sources.answers()),
            processor_metrics.read_certificates(sources.certificates()),
            processor_metrics.read_memory(sources.memory()),
            processor_metrics.read_connections(sources.grpc_connections()),
            processor_metrics.read_ledger(sources.ledger()),
            processor_metrics.read_files(sources.files),
            outgoing_metrics.read_exports(sources.exports()),
            outgoing_metrics.read_channels(sources.channels()),
            processor_metrics.read_policies(
                sources.catalog(), sources.policy().version, self._now_ns()
            ),
            processor_metrics.read_build(sources.build),
            sources.costs.samples(),
            self._budgets(),
        )
        return (family for family in _families(samples) if family.samples)

    def _budgets(self) -> Iterable[Sample]:
        costs = self._sources.costs
        found = costs.budgets.value
        return () if found is None else budget_metrics.read_budgets(*found, costs.crossings)


def _families(samples: Iterable[Sample]) -> Iterable[_Family]:
    families = {
        metric.name: _FAMILIES[metric.kind](metric.name, metric.sentence, labels=metric.labels)
        for metric in _COLLECTED
    }
    for metric, value, labels in samples:
        families[metric.name].add_metric(labels, value)
    return families.values()
