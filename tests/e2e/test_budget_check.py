"""Budgets that are asked before a call, of a real process: nothing passes them together."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
import urllib.error
import urllib.request
from decimal import Decimal

import aiohttp
import pytest
from e2e.applications import PRICES
from e2e.processes import ask
from e2e.test_http import http_port
from e2e.test_telemetry import base_url
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    ReleaseReservationRequest,
    ReleaseReservationResponse,
)

CALLERS = 200
LIMIT_USD, ESTIMATE_USD = Decimal("0.50"), Decimal("0.0045")
INPUT, OUTPUT = 1000, 200  # what the estimate is for, at the prices of the test
BUDGETS = f"""
budgets:
  - {{name: daily, scope: user, window: day, limit_usd: {LIMIT_USD}}}
"""


def call_of(user, reservation_id, input_tokens=INPUT, output_tokens=OUTPUT):
    """An export with the span of one call that has just ended."""
    request = ExportTraceServiceRequest()
    now_ns = time.time_ns()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=secrets.token_bytes(16), span_id=secrets.token_bytes(8), name="chat",
        start_time_unix_nano=now_ns - 10**6, end_time_unix_nano=now_ns,
    )  # fmt: skip
    texts = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o", "user.id": user,
        "llm.budget.reservation": reservation_id,
    }  # fmt: skip
    for key, value in texts.items():
        span.attributes.add(key=key).value.string_value = value
    for key, count in (("input", input_tokens), ("output", output_tokens)):
        span.attributes.add(key=f"gen_ai.usage.{key}_tokens").value.int_value = count
    return request.SerializeToString()


@pytest.fixture
def processor(serve, tmp_path):
    """A processor with a budget of half a dollar a day for each user."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    files = ("--pricing", tmp_path / "pricing.yaml", "--budgets", tmp_path / "budgets.yaml")
    return serve(*files, "--listen-http", "127.0.0.1:0")


def post(url, body):
    sent = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent, timeout=20) as response:
        return json.load(response)


def delete(url):
    sent = urllib.request.Request(url, method="DELETE")
    with urllib.request.urlopen(sent, timeout=20) as response:
        return json.load(response)


def checked(api, **body):
    return post(f"{api}/budgets/check", {"scopes": {"user": "ada"}, **body})


def send(processor, payload):
    url = f"http://127.0.0.1:{http_port(processor)}/v1/traces"
    headers = {"Content-Type": "application/x-protobuf"}
    with urllib.request.urlopen(urllib.request.Request(url, payload, headers), timeout=20):
        pass


def test_what_is_reserved_is_released_by_the_charge_of_its_call(processor):
    """Guarantees: as soon as the call is acknowledged, it is in what was spent, and not held."""
    api = f"{base_url(processor)}/api/v1"
    held = checked(api, model="gpt-4o", input_tokens=INPUT, output_tokens=OUTPUT, reserve=True)
    assert held["estimate"]["cost_usd"] == f"{ESTIMATE_USD}00000"
    before = checked(api)["deciding"]
    assert (before["spent_usd"], before["reserved_usd"]) == ("0.000000000", "0.004500000")
    send(processor, call_of("ada", held["reservation"]["id"]))
    after = checked(api)["deciding"]
    assert (after["spent_usd"], after["reserved_usd"]) == ("0.004500000", "0.000000000")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        delete(f"{api}/budgets/reservations/{held['reservation']['id']}")


def test_both_surfaces_know_the_same_reservations(processor):
    """Guarantees: what is held over gRPC counts over HTTP, and is let go there."""
    api = f"{base_url(processor)}/api/v1"
    question = CheckBudgetRequest(
        scopes={"user": "ada"}, estimated_cost_usd=0.3, reserve=True, reservation_id="r-1", ttl_s=60
    )
    answer = ask(processor.port, "CheckBudget", question, CheckBudgetResponse)
    assert (answer.allowed, answer.reservation_id) == (True, "r-1")
    refused = checked(api, estimate_usd="0.3")
    assert (refused["allowed"], refused["deciding"]["reserved_usd"]) == (False, "0.300000000")
    assert delete(f"{api}/budgets/reservations/r-1")["released"]
    again = ReleaseReservationRequest(reservation_id="r-1")
    answer = ask(processor.port, "ReleaseReservation", again, ReleaseReservationResponse)
    assert not answer.released
    assert checked(api, estimate_usd="0.3")["allowed"]


class Caller:
    """One of many that call at the same time, each as often as it may."""

    def __init__(self, session, api, otlp, chance, surprises):
        self.session, self.api, self.otlp, self.chance = session, api, otlp, chance
        self.surprises = surprises
        self.calls = 0

    async def run(self):
        while True:
            body = {
                "scopes": {"user": "ada"}, "model": "gpt-4o", "input_tokens": INPUT,
                "output_tokens": OUTPUT, "reserve": True,
            }  # fmt: skip
            async with self.session.post(f"{self.api}/budgets/check", json=body) as response:
                found = await response.json()
                assert response.status == 200, found
            if not found["allowed"]:
                return
            await asyncio.sleep(self.chance.random() * 0.05)
            output = OUTPUT
            if self.surprises:
                output += self.surprises.pop()
            elif self.chance.random() < 0.5:
                output -= self.chance.randrange(OUTPUT)
            payload = call_of("ada", found["reservation"]["id"], output_tokens=output)
            headers = {"Content-Type": "application/x-protobuf"}
            async with self.session.post(self.otlp, data=payload, headers=headers) as response:
                assert response.status == 200
            self.calls += 1


async def callers_at_once(processor, surprises):
    """How many calls were made until the last caller was refused."""
    api, otlp = (
        f"{base_url(processor)}/api/v1",
        f"http://127.0.0.1:{http_port(processor)}/v1/traces",
    )
    connections = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connections) as session:
        callers = [
            Caller(session, api, otlp, random.Random(seed), surprises) for seed in range(CALLERS)
        ]
        await asyncio.gather(*(each.run() for each in callers))
    return sum(each.calls for each in callers)


@pytest.mark.parametrize("surprises", [[], [400]], ids=["at most", "one above"])
def test_callers_at_the_same_time_pass_no_limit_together(processor, surprises):
    """Guarantees: what is spent is within the limit, but for the error of an estimate.

    And nobody is refused while there is room for a call as it was estimated.
    """
    error_usd = sum(surprises) * Decimal("0.00001")
    calls = asyncio.run(callers_at_once(processor, surprises))
    found = checked(f"{base_url(processor)}/api/v1")["deciding"]
    spent_usd = Decimal(found["spent_usd"])
    assert found["reserved_usd"] == "0.000000000", "each was released by its charge"
    assert spent_usd <= LIMIT_USD + error_usd
    # Whoever was refused last was so while others held their estimates, of which they used less.
    assert calls >= LIMIT_USD // ESTIMATE_USD - 1


def test_a_restart_forgets_what_is_reserved(processor, serve, tmp_path):
    """Guarantees: as it is documented."""
    checked(f"{base_url(processor)}/api/v1", estimate_usd="0.5", reserve=True)
    processor.stop()
    again = serve("--budgets", tmp_path / "budgets.yaml", "--listen-http", "127.0.0.1:0")
    found = checked(f"{base_url(again)}/api/v1", estimate_usd="0.5")
    assert (found["allowed"], found["deciding"]["reserved_usd"]) == (True, "0.000000000")
