"""The parameters of every endpoint, as models: they validate, and OpenAPI is made of them."""

from processor.surfaces.api.parameters.of_costs import (
    AdviceParameters,
    CostsParameters,
    ForecastParameters,
    OwnerParameters,
    OwnersParameters,
    WhatIfParameters,
)
from processor.surfaces.api.parameters.of_lists import (
    AuditParameters,
    BudgetsParameters,
    CallsParameters,
    CrossingsParameters,
    DimensionsParameters,
    ExecutionParameters,
    NotificationsParameters,
    PricesParameters,
    TaskParameters,
    TraceParameters,
    TracesParameters,
    UnpricedParameters,
)
from processor.surfaces.api.parameters.of_time import PATH, InTime, Parameters

__all__ = [
    "PATH",
    "AdviceParameters",
    "AuditParameters",
    "BudgetsParameters",
    "CallsParameters",
    "CostsParameters",
    "CrossingsParameters",
    "DimensionsParameters",
    "ExecutionParameters",
    "ForecastParameters",
    "InTime",
    "NotificationsParameters",
    "OwnerParameters",
    "OwnersParameters",
    "Parameters",
    "PricesParameters",
    "TaskParameters",
    "TraceParameters",
    "TracesParameters",
    "UnpricedParameters",
    "WhatIfParameters",
]
