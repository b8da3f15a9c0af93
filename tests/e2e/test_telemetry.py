"""What the processor says of itself, as a process and over HTTP."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import urllib.error
import urllib.request

import pytest
from e2e.applications import PRICES, run_agents, tracer
from e2e.processes import Process, export, wait_until


def base_url(process):
    """Where it says that it serves its metrics."""
    line = process.wait_for("metrics ")
    return re.search(r"(http://\S+:\d+)/metrics", line)[1]


def get(url):
    """Status and text of an answer; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def metric(url, name):
    """The sum of a metric over all its labels."""
    found = re.findall(
        rf"^llm_cost_processor_{name}(?:\{{.*\}})? (\S+)$", get(f"{url}/metrics")[1], re.MULTILINE
    )
    return sum(map(float, found))


def test_what_came_in_and_went_out_is_in_the_metrics(serve, backend, tmp_path):
    """Guarantees: a real application's spans are seen arriving, being charged and leaving."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    to_backend = ("--forward-to", f"127.0.0.1:{backend.port}")
    processor = serve(*to_backend, "--pricing", tmp_path / "pricing.yaml")
    url = base_url(processor)
    provider, app = tracer(processor.port)
    run_agents(app)
    provider.shutdown()
    spans = len(backend.spans())
    assert metric(url, "receiver_received_spans_total") == spans
    assert metric(url, "pipeline_acknowledged_spans_total") == spans
    assert metric(url, "exporter_delivered_bytes_total") == sum(map(len, backend.requests()))
    # The agent is an aggregate: it has an entry, and adds nothing to its calls.
    assert metric(url, "ledger_charged_calls_total") == 5
    assert metric(url, "config_file_is_in_force") == 1
    status, body = get(f"{url}/health")
    assert (status, json.loads(body)) == (200, {"status": "serving", "reasons": []})


def test_a_backend_that_is_away_makes_it_unhealthy_until_it_is_back(serve, backend, tmp_path):
    """Guarantees: /health says in words what is wrong, /live goes on, and recovery shows."""
    config = tmp_path / "processor.yaml"
    config.write_text("exporters: {otlp: {sending_queue: {enabled: false}}}")
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}", "--config", config)
    url = base_url(processor)
    backend.tell('{"answer": "UNAVAILABLE", "message": "gone fishing"}')
    for _ in range(3):
        with pytest.raises(Exception, match="gone fishing"):
            export(processor.port, b"", timeout_s=1.5)
    status, body = get(f"{url}/health")
    assert status == 503
    assert json.loads(body)["status"] == "failing"
    assert "gone fishing" in body
    assert get(f"{url}/live")[0] == 200
    backend.tell("{}")
    export(processor.port, b"")
    assert get(f"{url}/health")[0] == 200


def test_it_says_that_it_is_stopping_while_it_finishes(serve, backend):
    """Guarantees: load balancers hear of the stop before the last request is done."""
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    url = base_url(processor)
    backend.hold()
    sender = threading.Thread(target=export, args=(processor.port, b""))
    sender.start()
    wait_until(lambda: backend.attempts)
    assert metric(url, "pipeline_under_way_requests") == 1
    processor.popen.terminate()
    wait_until(lambda: get(f"{url}/health")[0] != 200)
    status, body = get(f"{url}/health")
    assert (status, json.loads(body)["status"]) == (503, "stopping")
    assert metric(url, "pipeline_under_way_requests") == 1
    backend.release()
    sender.join()
    assert processor.stop() == 0
    assert get(f"{url}/live")[0] == 0


def test_a_port_that_is_taken_is_an_error_that_names_its_setting(spawn, tmp_path):
    """Guarantees: nobody wonders why there are no metrics, or looks at another program's."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = f"127.0.0.1:{other.getsockname()[1]}"
        config = tmp_path / "processor.yaml"
        config.write_text(f"telemetry: {{metrics: {{endpoint: '{endpoint}'}}}}")
        process = spawn(
            Process, "-m", "processor.cli", "serve", "--listen", "127.0.0.1:0",
            "--data-dir", tmp_path / "data", "--config", config,
        )  # fmt: skip
        process.wait_for(f"telemetry.metrics.endpoint: cannot listen on {endpoint}")
        assert process.popen.wait(20) != 0


def test_the_usual_port_gives_way_where_nobody_asked_for_it(spawn, tmp_path):
    """Guarantees: a Collector on this machine, whose metrics are there too, keeps nobody out."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # Something may listen there already.
            stack.enter_context(socket.create_server(("127.0.0.1", 8888)))
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
        process = spawn(
            Process, "-m", "processor.cli", "serve", "--listen", f"127.0.0.1:{port}",
            "--listen-http", "", "--data-dir", tmp_path / "data",
        )  # fmt: skip
        process.wait_for("metrics and health are at another port")
        url = process.wait_for("metrics      http://").split()[1].removesuffix(",")
        assert ":8888/" not in url
        assert get(url)[0] == 200


def test_it_can_be_switched_off(serve, tmp_path):
    config = tmp_path / "processor.yaml"
    config.write_text("telemetry: {metrics: {endpoint: ''}}")
    processor = serve("--config", config)
    processor.wait_for("ledger ")
    export(processor.port, b"")
    assert not any("/metrics" in line for line in processor.lines)
