"""Everything that is declared, as Prometheus reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from processor.surfaces.metrics import exporter_metrics
from processor.surfaces.metrics import flow_metrics as traffic_metrics
from processor.surfaces.metrics import processor_metrics as house_metrics
from processor.surfaces.metrics.declaration import Metric, Sample
from processor.surfaces.metrics.exporter_metrics import read_exporter
from processor.surfaces.metrics.flow_metrics import read_flow
from processor.surfaces.metrics.processor_metrics import read_house
from processor.surfaces.metrics.sources import Sources

DECLARED: Final[tuple[Metric, ...]] = (
    *traffic_metrics.METRICS,
    *exporter_metrics.METRICS,
    *house_metrics.METRICS,
)
"""Every metric there is, in the order in which they are served."""

CONTENT_TYPE: Final[str] = CONTENT_TYPE_PLAIN_0_0_4

_Family = CounterMetricFamily | GaugeMetricFamily
_FAMILIES: Final = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


class Exposition(Collector):
    """The collector of a registry of its own: what runs beside it in the process is not shown."""

    def __init__(self, sources: Sources, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._sources = sources
        self._now_ns = now_ns
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """All metrics as text, read in one step: nothing else runs in the meantime."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[_Family]:
        """Every metric without values; asked once, at registration, for clashes of names."""
        return iter(_families(()))

    def collect(self) -> Iterator[_Family]:
        """Every metric with its values; one that has none now is left out."""
        samples = chain(
            read_flow(self._sources.flow),
            read_exporter(self._sources.exporter),
            read_house(self._sources, self._now_ns()),
        )
        return (family for family in _families(samples) if family.samples)


def _families(samples: Iterable[Sample]) -> Iterable[_Family]:
    families = {
        metric.name: _FAMILIES[metric.kind](metric.name, metric.sentence, labels=metric.labels)
        for metric in DECLARED
    }
    for metric, value, labels in samples:
        families[metric.name].add_metric(labels, value)
    return families.values()
