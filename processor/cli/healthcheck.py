"""``llm-cost healthcheck``: for containers and scripts."""

from __future__ import annotations

import argparse
import asyncio
import json
import urllib.error
import urllib.request
from typing import Final

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from processor.cli.calling import HEALTH_TIMEOUT_S, Remote, reason_of
from processor.cli.choice import NoAnswerError, RefusedError
from processor.cli.connection import Connection, connection_from
from processor.cli.flags import ENDPOINT_FLAG
from processor.cli.sources import settings_from
from processor.surfaces.queries.health import Report
from processor.surfaces.terminal.paint import plain

_HEALTH_PATH: Final = "/health"
_BODY_MAX_BYTES: Final = 64 * 1024


def run(arguments: argparse.Namespace) -> int:
    """Print a line, and one for each reason; 0 when requests are accepted, else 1.

    Raises ConfigError.
    """
    endpoint: str = arguments.grpc_endpoint or ""
    if endpoint.startswith(("http://", "https://")) and endpoint.endswith(_HEALTH_PATH):
        return _ask_over_http(endpoint)
    settings = settings_from(arguments) if arguments.config else None
    return asyncio.run(_ask(connection_from(arguments, settings, ENDPOINT_FLAG, "health")))


async def _ask(there: Connection) -> int:
    name = plain(there.address)
    async with there.open() as channel:
        try:
            answer = await HealthStub(channel).Check(HealthCheckRequest(), timeout=HEALTH_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            why = reason_of(error, there, HEALTH_TIMEOUT_S)
            print(f"{name} cannot be asked: {why}")
            return 1
    is_serving = answer.status == HealthCheckResponse.SERVING
    try:
        # What only our own service knows: why, and what else is not well.
        return _show(name, await Remote(there).health())
    except (NoAnswerError, RefusedError) as error:
        said = "serving" if is_serving else "not serving"
        print(f"{name} is {said}; details not available: {plain(str(error))}")
        return 0 if is_serving else 1


def _ask_over_http(url: str) -> int:
    """The same of /health, which has no token and no TLS of its own."""
    name = plain(url)
    # Its own opener: a proxy that the environment names must not answer instead.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        try:
            answer = opener.open(url, timeout=HEALTH_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            answer = error  # 503 has a body like any other.
        with answer:
            body = json.loads(answer.read(_BODY_MAX_BYTES))
        report = Report(body["status"], tuple(map(str, body["reasons"])))
    except OSError as error:
        print(f"{name} cannot be asked: {plain(str(getattr(error, 'reason', error)))}")
        return 1
    except (ValueError, KeyError, TypeError):
        print(f"{name} cannot be asked: what listens there is not an llm-cost processor")
        return 1
    return _show(name, report)


def _show(name: str, report: Report) -> int:
    said = "serving, but degraded" if report.status == "degraded" else plain(report.status)
    print(f"{name} is {said}")
    for reason in report.reasons:
        print(f"  {plain(reason)}")
    return 0 if report.is_well else 1
