"""The parameters of every endpoint, as models: they validate, and OpenAPI is made of them."""

from processor.surfaces.api.parameters.of_costs import (
    CostsParameters,
    OwnerParameters,
    OwnersParameters,
)
from processor.surfaces.api.parameters.of_lists import (
    AuditParameters,
    CallsParameters,
    DimensionsParameters,
    ListParameters,
    PageParameters,
    PricesParameters,
    TraceParameters,
    TracesParameters,
    TreeParameters,
    UnpricedParameters,
)
from processor.surfaces.api.parameters.of_time import PATH, InTime, Parameters

__all__ = [
    "PATH",
    "AuditParameters",
    "CallsParameters",
    "CostsParameters",
    "DimensionsParameters",
    "InTime",
    "ListParameters",
    "OwnerParameters",
    "OwnersParameters",
    "PageParameters",
    "Parameters",
    "PricesParameters",
    "TraceParameters",
    "TracesParameters",
    "TreeParameters",
    "UnpricedParameters",
]
