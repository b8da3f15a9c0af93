"""Where each signal is posted to over HTTP, below the base endpoint.

Source: OTLP specification, "OTLP/HTTP Request".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from processor.core.model import Signal

PATHS: Final[Mapping[Signal, str]] = {
    "traces": "/v1/traces",
    "metrics": "/v1/metrics",
    "logs": "/v1/logs",
}
