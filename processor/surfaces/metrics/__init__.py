"""What the processor reports of itself as Prometheus text; `surfaces.http` serves it on /metrics.

Reads counters and states that are defined in core, and changes nothing. Every metric is declared
with its sentence, in a table by the field that it shows, and what is served is what is declared.
All values of one answer are read in one step of the event loop, so the equations of
`processor.core.flow` hold in each of them.
"""

from processor.surfaces.metrics.declaration import Metric
from processor.surfaces.metrics.exposition import CONTENT_TYPE, DECLARED, Exposition, Sources
from processor.surfaces.metrics.processor_metrics import Build
from processor.surfaces.metrics.readings import CostReadings

__all__ = [
    "CONTENT_TYPE",
    "DECLARED",
    "Build",
    "CostReadings",
    "Exposition",
    "Metric",
    "Sources",
]
