"""Questions over HTTP, of the process as users run it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import urllib.error
import urllib.request

import pytest
import yaml
from conformance.durable import free_port
from e2e.applications import BUDGETS, PRICES, run_agents, tracer
from e2e.processes import ROOT, Process, total_nano_usd, wait_until
from e2e.test_telemetry import base_url

FIRST, SECOND = "first-token-of-some-length", "second-token-of-some-length"
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\$ (curl .*127\.0\.0\.1:8888/api/v1.*)$", README, re.MULTILINE)
SHIPPED = ["deploy/docker/processor.yaml", "deploy/kubernetes/config/processor.yaml"]


def ask(url, token=""):
    """Status and document of an answer."""
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_what_an_application_has_cost_is_answered(serve, tmp_path):
    """Guarantees: the API gives the number that the ledger has, a moment after the spans came."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    processor = serve(
        "--pricing", tmp_path / "pricing.yaml", "--budgets", tmp_path / "budgets.yaml"
    )
    line = processor.wait_for("api ")
    url = re.search(r"http://\S+/api/v1$", line)[0]
    provider, app = tracer(processor.port)
    run_agents(app)
    provider.shutdown()
    status, document = ask(f"{url}/costs?group_by=model&window=7d&bucket=1d")
    assert status == 200
    total = total_nano_usd(processor.port, "total")
    assert document["totals"]["cost_usd"] == f"{total // 10**9}.{total % 10**9:09d}"
    assert document["totals"]["calls"] == 4
    traces = [each["trace_id"] for each in ask(f"{url}/traces")[1]["data"]]
    executions = [ask(f"{url}/executions/{each}")[1]["data"] for each in traces]
    assert sum(each["llm_calls"] for each in executions) == 4
    assert ask(f"{url}/status")[1]["health"] in {"serving", "degraded"}
    for example in EXAMPLES:
        command = shlex.split(example.replace("127.0.0.1:8888/api/v1", url))
        done = subprocess.run([*command, "-sSf"], capture_output=True, check=True, timeout=20)
        assert done.stdout


@pytest.mark.parametrize("shipped", SHIPPED)
def test_shipped_settings_publish_no_costs(spawn, tmp_path, shipped):
    """Guarantees: where the metrics of a container are reachable, its costs are not."""
    settings = yaml.safe_load((ROOT / shipped).read_text())
    assert settings["telemetry"]["metrics"]["endpoint"] == "0.0.0.0:8888"
    port = free_port()
    settings["telemetry"]["metrics"]["endpoint"] = f"0.0.0.0:{port}"
    for each in settings["receivers"]["otlp"]["protocols"].values():
        each["endpoint"] = f"0.0.0.0:{free_port()}"
    settings |= {"data_dir": str(tmp_path), "pricing": {}, "budgets": {}}
    (tmp_path / "processor.yaml").write_text(yaml.safe_dump(settings))
    processor = spawn(
        Process, "-m", "processor.cli", "serve", "--config", tmp_path / "processor.yaml"
    )
    processor.wait_for("closed: others could reach it")
    for path in ("costs", "calls", "traces", "budgets", "status", "openapi.json", "stream"):
        status, problem = ask(f"http://127.0.0.1:{port}/api/v1/{path}")
        assert (status, set(problem)) == (403, {"type", "title", "status", "detail", "errors"})
        assert "read_tokens" in problem["detail"]


def test_tokens_come_from_a_file_that_may_change(serve, tmp_path):
    """Guarantees: a token is needed once one is set, and another file holds within seconds."""
    (tmp_path / "tokens").write_text(FIRST)
    (tmp_path / "processor.yaml").write_text(
        f"api: {{read_token_file: {tmp_path / 'tokens'}}}\nreload: {{interval: 100ms}}\n"
    )
    processor = serve("--config", tmp_path / "processor.yaml")
    url = f"{base_url(processor)}/api/v1/costs"
    assert [ask(url)[0], ask(url, SECOND)[0], ask(url, FIRST)[0]] == [401, 401, 200]
    (tmp_path / "tokens").write_text(SECOND)
    wait_until(lambda: ask(url, SECOND)[0] == 200, what="the new token is not known")
    assert ask(url, FIRST)[0] == 401
