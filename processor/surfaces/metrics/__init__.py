"""What the processor says of itself over HTTP: Prometheus text on /metrics, JSON on /health.

Reads what other rooms count and changes nothing. Every metric is declared with its sentence, and
what is served is what is declared. All values of one answer are read in one step of the event
loop, so the equations of `processor.core.flow` hold in each of them.
"""

from processor.surfaces.metrics.declaration import Metric
from processor.surfaces.metrics.exposition import DECLARED, Exposition
from processor.surfaces.metrics.health import Health
from processor.surfaces.metrics.server import TelemetryServer
from processor.surfaces.metrics.sources import Build, Sources

__all__ = [
    "DECLARED",
    "Build",
    "Exposition",
    "Health",
    "Metric",
    "Sources",
    "TelemetryServer",
]
