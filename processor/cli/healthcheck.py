"""``llm-cost healthcheck``: for containers and scripts."""

from __future__ import annotations

import argparse

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from processor.cli.terminal import plain

_TIMEOUT_S = 3.0
_OPTIONS = (
    # A proxy of the environment must not answer in the processor's place.
    ("grpc.enable_http_proxy", 0),
)


def run(arguments: argparse.Namespace) -> int:
    """Print one line; 0 when the processor serves, else 1."""
    endpoint = plain(arguments.endpoint)
    with grpc.insecure_channel(arguments.endpoint, options=_OPTIONS) as channel:
        try:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            print(f"{endpoint} cannot be asked: {_reason(error)}")
            return 1
    if answer.status == HealthCheckResponse.SERVING:
        print(f"{endpoint} is serving")
        return 0
    print(f"{endpoint} is not serving: {HealthCheckResponse.ServingStatus.Name(answer.status)}")
    return 1


def _reason(error: grpc.RpcError) -> str:
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return "nobody listens there, or not with plain-text gRPC"
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"no answer within {_TIMEOUT_S:g} s"
    return plain(f"{error.code().name.lower()}: {error.details() or 'no details'}")
