"""Real backends, built or installed by the project's own scripts and started as processes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from backends.running import free_ports, made_by, running
from e2e.conftest import backend, serve, spawn, start_backend  # noqa: F401 - shared fixtures
from e2e.processes import wait_until

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

        def found():
            answer = get_json(f"http://127.0.0.1:{self.query}/api/traces/{trace_id}")
            shown = answer["data"][0]["spans"] if answer and answer.get("data") else []
            return shown if len(shown) >= spans else None

        what = f"Jaeger did not show {spans} spans of trace {trace_id}"
        return {
            span["operationName"]: (
                {tag["key"]: tag["value"] for tag in span["tags"]},
                [{f["key"]: f["value"] for f in log["fields"]} for log in span["logs"]],
            )
            for span in wait_until(found, timeout_s, what)
        }


@pytest.fixture(scope="session")
def jaeger_binary():
    """Jaeger, built once and kept in .cache/."""
    return made_by("build_jaeger.sh")


@pytest.fixture
def jaeger(jaeger_binary, tmp_path):
    """Jaeger with storage in memory."""
    otlp, query, query_grpc, health = free_ports(4)
    config = tmp_path / "jaeger.yaml"
    config.write_text(JAEGER.format(otlp=otlp, query=query, query_grpc=query_grpc, health=health))
    with running(jaeger_binary, "--config", config) as process:

        def is_up():
            assert process.popen.poll() is None, "\n".join(process.lines)
            return get_json(f"http://127.0.0.1:{query}/api/services") is not None

        wait_until(is_up, 60, "Jaeger did not start")
        yield Jaeger(otlp, query)
        # It keeps nothing, and would take ten seconds to end by itself.
        process.popen.kill()
