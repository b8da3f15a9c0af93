"""The settings of what the program says about itself over HTTP."""

# ruff: noqa: RUF009 - setting() and section() declare fields, as dataclasses.field() does

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from processor.config.model import section, setting
from processor.core.files.fields import optional, text

METRICS_ENDPOINT: Final = "127.0.0.1:8888"
"""Where nobody has asked for another place."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Its own metrics for Prometheus at /metrics, its health at /health and /live."""

    endpoint: str = setting(
        METRICS_ENDPOINT,
        optional(text),
        "Where to listen; empty: nowhere. Where this one is taken, perhaps by a Collector, or gRPC "
        "has port 0, any free port is used unless another is set here.",
    )


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the program says about itself over HTTP."""

    metrics: Metrics = section(Metrics)
