"""Prometheus' configuration, its alerts and the dashboard's queries, checked by promtool."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml
from backends.running import free_ports
from e2e.applications import run_agents, tracer
from e2e.processes import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = DEPLOY / "compose" / "tempo" / "dashboards" / "llm-cost.json"

pytestmark = pytest.mark.backend


def test_prometheus_accepts_configuration_and_rules(promtool, passes):
    """Guarantees: a Prometheus that is given the folder starts."""
    assert "SUCCESS" in passes(promtool, "check", "config", PROMETHEUS / "prometheus.yaml")
    linted = ["check", "rules", "--lint=all", "--lint-fatal"]
    assert "SUCCESS" in passes(promtool, *linted, PROMETHEUS / "alerts.yaml")


def test_every_alert_comes_when_it_should_and_only_then(promtool, passes):
    """Guarantees: what alerts.test.yaml says, which has a case for each alert."""
    assert "SUCCESS" in passes(promtool, "test", "rules", PROMETHEUS / "alerts.test.yaml")
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    cases = (PROMETHEUS / "alerts.test.yaml").read_text()
    assert not [rule["alert"] for rule in rules if rule["alert"] not in cases]


def test_the_cases_notice_an_alert_that_does_not_come(promtool, tmp_path):
    """Guarantees: the checker that is content above can also be discontented."""
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    rules = tmp_path / "prometheus" / "alerts.yaml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace('up{job="llm-cost"} == 0', 'up{job="llm-cost"} == 2'))
    command = [promtool, "test", "rules", rules.with_name("alerts.test.yaml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_the_dashboard_asks_prometheus_in_its_language(promtool, passes, tmp_path):
    """Guarantees: every query of the dashboard parses."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"] if "expr" in target]
    assert asked
    rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(asked)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    passes(promtool, "check", "rules", file)


@pytest.fixture
def processor(serve, backend):
    """A running processor that has had some calls."""
    found = serve("--forward-to", f"127.0.0.1:{backend.port}")
    provider, app = tracer(found.port)
    run_agents(app)
    provider.shutdown()
    return found


@pytest.fixture
def prometheus(promtool, tmp_path, processor):
    """A running Prometheus with our configuration, whose target is a running processor."""
    program = Path(promtool).with_name("prometheus")
    if not program.exists():
        pytest.skip("NO prometheus beside promtool: the configuration is checked but not run")
    target = processor.wait_for("metrics ").split()[1].removeprefix("http://").partition("/")[0]
    (port,) = free_ports(1)
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    config = folder / "prometheus.yaml"
    config.write_text(config.read_text().replace("processor:8888", target).replace("15s", "1s"))
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(20)


def test_prometheus_with_our_configuration_scrapes_a_processor(prometheus):
    """Guarantees: the target is up, the calls are there, and nothing alerts while all is well."""
    question = "llm_cost_processor_ledger_charged_calls_total > 0"
    found = wait_until(lambda: _ask(prometheus, question), what="Prometheus has not scraped it")
    assert found[0]["metric"]["job"] == "llm-cost"
    assert _ask(prometheus, "up")[0]["value"][1] == "1"
    assert _ask(prometheus, "ALERTS") == []


def test_prometheus_has_what_the_ledger_has(prometheus, processor):
    """Guarantees: under the names that were promised, what was spent is what the API answers."""
    address = processor.wait_for("metrics ").split()[1].partition("/metrics")[0]
    with urllib.request.urlopen(f"{address}/api/v1/costs", timeout=5) as answer:
        totals = json.load(answer)["totals"]
    assert totals["calls"] > 0
    wait_until(lambda: _ask(prometheus, "llm_requests_total > 0"), what="Prometheus has no calls")
    spent = "sum(llm_cost_total_dollars)" + "".join(
        f' {sign} sum(llm_cost_corrections_dollars_total{{direction="{direction}"}})'
        for sign, direction in (("+", "up"), ("-", "down"))
    )
    assert _value(prometheus, spent) == pytest.approx(float(totals["cost_usd"]), rel=1e-12)
    assert _value(prometheus, "sum(llm_requests_total)") == totals["calls"]
    assert _value(prometheus, "sum(llm_unpriced_calls_total)") == totals["unpriced_calls"]
    assert _value(prometheus, "count(llm_budget_ratio)") > 0
    by_model = _ask(prometheus, "sum by (model) (llm_cost_total_dollars) > 0")
    assert all(each["metric"]["model"] for each in by_model)


def test_every_query_of_the_dashboard_about_spend_is_answered(prometheus):
    """Guarantees: no panel is empty because of a name, or a label, that is not there."""
    wait_until(lambda: _ask(prometheus, "llm_requests_total > 0"), what="Prometheus has no calls")
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"] if "expr" in target]
    about_spend = [text for text in asked if "llm_cost_processor" not in text]
    assert len(about_spend) > 8

    def unanswered():
        return [text for text in about_spend if not _ask(prometheus, text)]

    wait_until(lambda: not unanswered(), what=f"no answer to {unanswered()}")


def _value(address, query):
    (found,) = _ask(address, query)
    return float(found["value"][1])


def _ask(address, query):
    question = f"http://{address}/api/v1/query?query={urllib.request.quote(query)}"
    try:
        with urllib.request.urlopen(question, timeout=5) as answer:
            return json.load(answer)["data"]["result"]
    except (urllib.error.URLError, ConnectionError):
        return []
