"""Alerts and dashboards ask for what the processor has: metrics, attributes, data sources."""

from __future__ import annotations

import json
import re

import pytest
from unit.deploy.shipped import DEPLOY, PORTS, read

from processor.config import Settings
from processor.surfaces.metrics import DECLARED, spend_metrics

ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
TEMPO = DEPLOY / "compose" / "tempo"
DASHBOARD = json.loads((TEMPO / "dashboards" / "llm-cost.json").read_text(encoding="utf-8"))
METRICS = {metric.name: metric for metric in DECLARED}
_SELECTION = re.compile(r"\b(llm_\w+)(?:\{([^}]*)\})?")
PROMETHEUS_ADDS = {"instance", "job"}
RULES = [rule for group in read(ALERTS)["groups"] for rule in group["rules"]]


def labels_of(metric):
    """Its labels, with those that the settings choose unless they say otherwise."""
    chosen = Settings().telemetry.metrics.spend.dimensions
    return {*METRICS[metric].labels, *(chosen if METRICS[metric] in spend_metrics.METRICS else ())}


def queries():
    """Every PromQL query of alerts and dashboard."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            if "expr" in target:
                yield panel["title"], target["expr"]


@pytest.mark.parametrize(("name", "query"), list(queries()))
def test_every_metric_and_label_is_declared(name, query):
    """Guarantees: no query waits for ever for what is never served."""
    found = _SELECTION.findall(query)
    assert found or query.startswith("up{"), name
    for metric, matchers in found:
        assert metric in METRICS, metric
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert used <= labels_of(metric) | PROMETHEUS_ADDS
    grouped = {
        label.strip() for by in re.findall(r"by \(([^)]*)\)", query) for label in by.split(",")
    }
    declared = set().union(*(labels_of(metric) for metric, _ in found)) if found else set()
    assert grouped <= declared | PROMETHEUS_ADDS


@pytest.mark.parametrize(("name", "query"), list(queries()))
def test_rates_are_taken_of_counters_alone(name, query):
    """Guarantees: rate() and increase() stand around what only grows."""
    for metric in re.findall(r"(?:rate|increase)\((llm_\w+)", query):
        assert METRICS[metric].kind == "counter", name


def test_the_metrics_that_unit_tests_of_alerts_make_up_are_declared():
    """Guarantees: an alert is not proven with a metric that does not exist."""
    made_up = ALERTS.with_name("alerts.test.yaml").read_text(encoding="utf-8")
    assert {metric for metric, _ in _SELECTION.findall(made_up)} <= METRICS.keys()


def test_every_alert_says_how_bad_it_is_and_what_to_do():
    """Guarantees: who is woken finds the next step."""
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_conservation_is_checked_with_every_place_a_span_can_be_in():
    """Guarantees: a place that is added later has to be added to the alert."""
    (broken,) = [rule["expr"] for rule in RULES if rule["alert"] == "LlmCostConservationBroken"]
    places = {
        name
        for name in METRICS
        if re.fullmatch(r"llm_cost_processor_(receiver|pipeline)_\w+_spans(_total)?", name)
    }
    assert set(re.findall(r"llm_cost_processor_\w+", broken)) == places - {
        "llm_cost_processor_pipeline_handled_spans_total"
    }


def test_prometheus_scrapes_the_port_of_the_image():
    """Guarantees: the target is the compose service, on the port that is exposed."""
    config = read(DEPLOY / "prometheus" / "prometheus.yaml")
    (job,) = config["scrape_configs"]
    ((target,),) = [each["targets"] for each in job["static_configs"]]
    host, _, port = target.partition(":")
    assert host in read(DEPLOY / "compose" / "tempo.yaml")["services"]
    assert int(port) in PORTS
    assert f'up{{job="{job["job_name"]}"}}' in ALERTS.read_text(encoding="utf-8")
    assert all((DEPLOY / "prometheus" / file).is_file() for file in config["rule_files"])


def test_the_dashboard_uses_data_sources_that_are_provisioned_and_fits_its_grid():
    """Guarantees: no panel asks a stranger, and no two panels lie upon each other."""
    sources = {each["uid"]: each for each in read(TEMPO / "datasources.yaml")["datasources"]}
    services = read(DEPLOY / "compose" / "tempo.yaml")["services"]
    for source in sources.values():
        assert source["url"].removeprefix("http://").partition(":")[0] in services
    cells = set()
    for panel in DASHBOARD["panels"]:
        for each in (panel, *panel["targets"]):
            uid, kind = each["datasource"]["uid"], each["datasource"]["type"]
            assert sources[uid]["type"] == kind
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        covered = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not covered & cells, panel["title"]
        cells |= covered
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_dashboard_asks_tempo_for_attributes_that_are_written():
    """Guarantees: TraceQL names attributes that enrichment writes, in the scope they stand in."""
    source = (DEPLOY.parent / "processor/core/enrich/attributes.py").read_text(encoding="utf-8")
    source += (DEPLOY / "attributes.md").read_text(encoding="utf-8")
    asked = [
        target["query"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == "tempo"
    ]
    named = {name for query in asked for name in re.findall(r"span\.([a-z_.]+[a-z_])", query)}
    assert "llm.cost_usd" in named
    assert not [name for name in named if f'"{name}"' not in source and f"`{name}`" not in source]
