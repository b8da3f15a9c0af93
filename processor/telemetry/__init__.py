"""What the processor says of itself over HTTP: Prometheus text on /metrics, JSON on /health.

Reads what other rooms count and changes nothing. Every metric is declared with its sentence, and
what is served is what is declared. All values of one answer are read in one step of the event
loop, so the equations of `processor.traffic` hold in each of them.
"""

from processor.telemetry.declaration import Metric
from processor.telemetry.exposition import DECLARED, Exposition
from processor.telemetry.health import Health
from processor.telemetry.server import TelemetryServer
from processor.telemetry.sources import Build, Sources

__all__ = [
    "DECLARED",
    "Build",
    "Exposition",
    "Health",
    "Metric",
    "Sources",
    "TelemetryServer",
]
