"""``llm-cost healthcheck``: for containers and scripts."""

from __future__ import annotations

import argparse
import asyncio

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from processor.cli.calling import (
    CHANNEL_OPTIONS,
    HEALTH_TIMEOUT_S,
    NoAnswerError,
    RefusedError,
    Remote,
    reason_of,
    token_from_environment,
)
from processor.surfaces.terminal.paint import plain


def run(arguments: argparse.Namespace) -> int:
    """Print a line, and one for each reason; 0 when requests are accepted, else 1."""
    endpoint = plain(arguments.endpoint)
    with grpc.insecure_channel(arguments.endpoint, options=CHANNEL_OPTIONS) as channel:
        try:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=HEALTH_TIMEOUT_S)
        except grpc.RpcError as error:
            print(f"{endpoint} cannot be asked: {reason_of(error, HEALTH_TIMEOUT_S)}")
            return 1
    return _show(arguments.endpoint, answer.status)


def _show(endpoint: str, status: int) -> int:
    """The answer, and what only our own service knows: why, and what else is not well."""
    name, is_serving = plain(endpoint), status == HealthCheckResponse.SERVING
    try:
        remote = Remote(endpoint, token_from_environment())
        report = asyncio.run(remote.health())
    except (NoAnswerError, RefusedError) as error:
        said = "serving" if is_serving else "not serving"
        print(f"{name} is {said}; details not available: {plain(str(error))}")
        return 0 if is_serving else 1
    said = "serving, but degraded" if report.status == "degraded" else plain(report.status)
    print(f"{name} is {said}")
    for reason in report.reasons:
        print(f"  {plain(reason)}")
    return 0 if report.is_well else 1
