"""Real backends, built or installed by the project's own scripts and started as processes."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from e2e.conftest import serve, spawn  # noqa: F401 - fixtures that these tests share

HERE = Path(__file__).parent
BUILD_TIMEOUT_S = 1500

JAEGER = """
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: {{receivers: [otlp], processors: [], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  healthcheckv2: {{use_v2: true, http: {{endpoint: "127.0.0.1:{health}"}}}}
  jaeger_query:
    storage: {{traces: mem}}
    http: {{endpoint: "127.0.0.1:{query}"}}
    grpc: {{endpoint: "127.0.0.1:{query_grpc}"}}
  jaeger_storage: {{backends: {{mem: {{memory: {{max_traces: 10000}}}}}}}}
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: mem}}}}
"""


def free_ports(count):
    """Ports that nobody uses at the moment."""
    holders = [socket.socket() for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def get_json(url):
    """The JSON that a backend answers, or None while it is not there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


class Jaeger:
    """A running Jaeger: where it takes OTLP, and what it has stored."""

    def __init__(self, otlp, query):
        self.otlp = otlp
        self.query = query

    def trace(self, trace_id, spans, timeout_s=20.0):
        """The spans of a trace by name, once it has so many: tags as a dict, and their logs."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            answer = get_json(f"http://127.0.0.1:{self.query}/api/traces/{trace_id}")
            found = answer["data"][0]["spans"] if answer and answer.get("data") else []
            if len(found) >= spans:
                return {
                    span["operationName"]: (
                        {tag["key"]: tag["value"] for tag in span["tags"]},
                        [{f["key"]: f["value"] for f in log["fields"]} for log in span["logs"]],
                    )
                    for span in found
                }
            time.sleep(0.1)
        pytest.fail(f"Jaeger did not show {spans} spans of trace {trace_id}")


@pytest.fixture(scope="session")
def jaeger_binary():
    """Jaeger, built once and kept in .cache/."""
    if shutil.which("go") is None:
        pytest.skip("NO GO TOOLCHAIN: Jaeger cannot be built here, so nothing is proven with it")
    built = subprocess.run(
        [HERE / "build_jaeger.sh"],
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    return built.stdout.strip().splitlines()[-1]


@pytest.fixture
def jaeger(jaeger_binary, tmp_path):
    """Jaeger with storage in memory."""
    otlp, query, query_grpc, health = free_ports(4)
    config = tmp_path / "jaeger.yaml"
    config.write_text(JAEGER.format(otlp=otlp, query=query, query_grpc=query_grpc, health=health))
    log = (tmp_path / "jaeger.log").open("w")
    process = subprocess.Popen([jaeger_binary, "--config", config], stdout=log, stderr=log)
    try:
        end_s = time.monotonic() + 60
        while get_json(f"http://127.0.0.1:{query}/api/services") is None:
            assert process.poll() is None, (tmp_path / "jaeger.log").read_text()[-3000:]
            assert time.monotonic() < end_s, "Jaeger did not start"
            time.sleep(0.1)
        yield Jaeger(otlp, query)
    finally:
        process.terminate()
        process.wait(20)
        log.close()
