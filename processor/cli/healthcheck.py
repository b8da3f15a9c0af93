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
    if answer.status != HealthCheckResponse.SERVING:
        print(f"{endpoint} is not serving: {HealthCheckResponse.ServingStatus.Name(answer.status)}")
        return 1
    return _show_details(arguments.endpoint)


def _show_details(endpoint: str) -> int:
    """What only our own service knows: whether something fails while requests are accepted."""
    name = plain(endpoint)
    try:
        remote = Remote(endpoint, os.environ.get(TOKEN_VARIABLE, "").strip())
        report = asyncio.run(remote.health())
    except (NoAnswerError, RefusedError):
        print(f"{name} is serving (whether all is well, it does not tell; {TOKEN_VARIABLE} unset?)")
        return 0
    status = "serving, but degraded" if report.status == "degraded" else plain(report.status)
    print(f"{name} is {status}")
    for reason in report.reasons:
        print(f"  {plain(reason)}")
    return 0 if report.is_well else 1
