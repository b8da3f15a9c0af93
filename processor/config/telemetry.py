"""The settings of what the program says about itself over HTTP."""

# ruff: noqa: RUF009 - setting() and section() declare fields, as dataclasses.field() does

from __future__ import annotations

from dataclasses import dataclass

from processor.config.model import section, setting
from processor.fields import optional, text


@dataclass(frozen=True, slots=True)
class Metrics:
    """Its own metrics for Prometheus at /metrics, its health at /health and /live."""

    endpoint: str = setting(
        "127.0.0.1:8888",
        optional(text),
        "Where to listen; empty: nowhere. When gRPC has port 0, any free port of this machine "
        "unless it is set.",
    )


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the program says about itself over HTTP."""

    metrics: Metrics = section(Metrics)
