"""Health of the process by what becomes of requests, and the three ways to ask for it."""

import json
import subprocess
import sys

import grpc
import pytest
from e2e.applications import PRICES
from e2e.processes import ROOT, export, wait_until
from e2e.test_telemetry import base_url, get
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


def grpc_status(process):
    with grpc.insecure_channel(f"127.0.0.1:{process.port}") as channel:
        return HealthStub(channel).Check(HealthCheckRequest(), timeout=5).status


def health_check(process, *flags):
    """Exit code and output of the command."""
    endpoint = ("--endpoint", f"127.0.0.1:{process.port}")
    run = [sys.executable, "-m", "processor.cli", "healthcheck", *endpoint, *flags]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout


def report(process):
    status, body = get(f"{base_url(process)}/health")
    return status, json.loads(body)


def test_a_backend_that_refuses_every_batch_is_a_failure_however_it_says_so(serve, backend):
    """Guarantees: /health, gRPC and the command agree, with a queue on disk too; and it heals."""
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    backend.behave(answer="INVALID_ARGUMENT", message="not today")
    for _ in range(4):
        with pytest.raises(grpc.RpcError, match="not today"):
            export(processor.port, b"")
    status, body = report(processor)
    assert (status, body["status"]) == (503, "failing")
    assert "4 of 4 requests failed in 30 s: 4 backend_refused" in body["reasons"]
    wait_until(lambda: grpc_status(processor) == NOT_SERVING)
    code, shown = health_check(processor)
    assert code == 1
    assert "4 backend_refused" in shown
    backend.behave()
    export(processor.port, b"")
    wait_until(lambda: export(processor.port, b"") == b"" and report(processor)[0] == 200)
    wait_until(lambda: grpc_status(processor) == SERVING)


def test_what_is_refused_from_the_disk_is_degraded_and_named(serve, backend):
    """Guarantees: the queue takes what comes, and does not hide that nothing gets through."""
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    backend.behave(answer="UNAVAILABLE")
    export(processor.port, b"")
    backend.behave(answer="PERMISSION_DENIED", message="who are you")
    wait_until(lambda: "who are you" in str(report(processor)[1]["reasons"]))
    status, body = report(processor)
    assert (status, body["status"]) == (200, "degraded")
    assert f"127.0.0.1:{backend.port}" in str(body["reasons"])


def test_a_refused_price_file_is_named_until_it_is_corrected(serve, backend, tmp_path):
    """Guarantees: who looks at the health learns that an edited price is not charged."""
    pricing, config = tmp_path / "pricing.yaml", tmp_path / "processor.yaml"
    pricing.write_text(PRICES)
    config.write_text("reload: {interval: 100ms}\n")
    flags = ("--forward-to", f"127.0.0.1:{backend.port}", "--pricing", pricing, "--config", config)
    processor = serve(*flags)
    pricing.write_text(PRICES.replace("input: 2.50", "inputs: 2.50"))
    wait_until(lambda: report(processor)[1]["status"] == "degraded")
    status, body = report(processor)
    assert status == 200
    assert str(pricing) in body["reasons"][0]
    assert "inputs" in body["reasons"][0]
    pricing.write_text(PRICES)
    wait_until(lambda: report(processor)[1] == {"status": "serving", "reasons": []})


def test_nonsense_of_a_sender_does_not_take_it_out_of_service(serve, backend):
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    for _ in range(20):
        with pytest.raises(grpc.RpcError):
            export(processor.port, b"\xff\xff")
    status, body = report(processor)
    assert (status, body["status"]) == (200, "degraded")
    assert grpc_status(processor) == SERVING
