"""``llm-cost healthcheck``: for containers and scripts."""

from __future__ import annotations

import argparse
import asyncio
import os

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from processor.cli.calling import (
    CHANNEL_OPTIONS,
    TOKEN_VARIABLE,
    NoAnswerError,
    RefusedError,
    Remote,
    reason_of,
)
from processor.surfaces.terminal.paint import plain

_TIMEOUT_S = 3.0


def run(arguments: argparse.Namespace) -> int:
    """Print a line, and one for each reason; 0 when requests are accepted, else 1."""
    endpoint = plain(arguments.endpoint)
    with grpc.insecure_channel(arguments.endpoint, options=CHANNEL_OPTIONS) as channel:
        try:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            print(f"{endpoint} cannot be asked: {reason_of(error, _TIMEOUT_S)}")
            return 1
    return _show(arguments.endpoint, answer.status)


def _show(endpoint: str, status: int) -> int:
    """The answer, and what only our own service knows: why, and what else is not well."""
    name, is_serving = plain(endpoint), status == HealthCheckResponse.SERVING
    try:
        remote = Remote(endpoint, os.environ.get(TOKEN_VARIABLE, "").strip())
        report = asyncio.run(remote.health())
    except (NoAnswerError, RefusedError):
        said = "serving" if is_serving else "not serving"
        print(
            f"{name} is {said} (why, or whether all is well, it tells with {TOKEN_VARIABLE} only)"
        )
        return 0 if is_serving else 1
    said = "serving, but degraded" if report.status == "degraded" else plain(report.status)
    print(f"{name} is {said}")
    for reason in report.reasons:
        print(f"  {plain(reason)}")
    return 0 if report.is_well else 1
