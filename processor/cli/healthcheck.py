"""``llm-cost healthcheck``: for containers and scripts."""

from __future__ import annotations

import argparse

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from processor.cli.calling import CHANNEL_OPTIONS, reason_of
from processor.surfaces.terminal.paint import plain

_TIMEOUT_S = 3.0


def run(arguments: argparse.Namespace) -> int:
    """Print one line; 0 when the processor serves, else 1."""
    endpoint = plain(arguments.endpoint)
    with grpc.insecure_channel(arguments.endpoint, options=CHANNEL_OPTIONS) as channel:
        try:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            print(f"{endpoint} cannot be asked: {reason_of(error, _TIMEOUT_S)}")
            return 1
    if answer.status == HealthCheckResponse.SERVING:
        print(f"{endpoint} is serving")
        return 0
    print(f"{endpoint} is not serving: {HealthCheckResponse.ServingStatus.Name(answer.status)}")
    return 1
