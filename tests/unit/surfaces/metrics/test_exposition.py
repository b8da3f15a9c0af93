"""What is served is what is declared."""

import re

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from processor.surfaces.metrics import DECLARED, Exposition, spend_metrics
from processor.surfaces.metrics.declaration import PREFIX

UNITS = (
    "requests", "spans", "bytes", "items", "answers", "attempts", "calls", "corrections",
    "crossings", "batches", "jobs", "traces", "totals", "files", "seconds", "connections",
    "ratio", "dollars", "tokens", "hits", "reads", "ids", "at_least", "notifications",
)  # fmt: skip
TRUTHS = ("info", "is_away", "is_stale", "is_in_force")


@pytest.fixture
def text(sources):
    return Exposition(sources).render().decode()


def named(metric):
    return metric.name


def test_every_metric_is_declared_and_every_declared_one_is_served(text):
    """Guarantees: the table of declarations is complete, and promises nothing that is not there."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert types == {metric.name: metric.kind for metric in DECLARED}


def test_every_sample_has_the_labels_that_were_declared(text):
    """Guarantees: nobody finds a label that the declaration does not name."""
    labels = {metric.name: set(metric.labels) for metric in DECLARED}
    for metric in spend_metrics.METRICS:
        labels[metric.name] |= {"model", "provider"}  # As the settings have it.
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # This parser gives every counter the ending ``_total``.
            name = sample.name if sample.name in labels else sample.name.removesuffix("_total")
            assert set(sample.labels) == labels[name]


@pytest.mark.parametrize("metric", DECLARED, ids=named)
def test_a_declaration_is_a_name_with_its_unit_and_a_sentence(metric):
    """Guarantees: names follow one rule, and each has a sentence that ends."""
    assert metric.name.startswith((PREFIX, "llm_"))
    is_asked_for = metric.name == "llm_cost_total_dollars"
    assert metric.name.endswith("_total") == (metric.kind == "counter" and not is_asked_for)
    bare = metric.name.removesuffix("_total")
    assert bare.endswith(UNITS if metric.kind == "counter" else UNITS + TRUTHS)
    assert metric.sentence.endswith(".")
    assert metric.sentence[0].isupper() or metric.sentence[0].isdigit()
    assert "\n" not in metric.sentence


def test_every_name_is_declared_once():
    assert len({metric.name for metric in DECLARED}) == len(DECLARED)


def test_nothing_else_of_the_process_is_shown(text):
    """Guarantees: what other libraries register is not shown, nor times of creation."""
    prometheus_client.Counter("somebody_elses", "Not ours.").inc()
    assert "somebody_elses" not in text
    assert "python_gc" not in text
    assert "_created" not in text


def test_values_are_those_of_the_sources(text):
    for line in (
        'exporter_refused_requests_total{exporter="127.0.0.1:5317",reason="permission_denied"} 2.0',
        'queue_waiting_requests{exporter="127.0.0.1:5317"} 3.0',
        'queue_set_aside_requests_total{exporter="127.0.0.1:5317",reason="invalid_argument"} 1.0',
        'queue_dropped_requests_total{exporter="127.0.0.1:5317",reason="too_old"} 2.0',
        "ledger_charged_calls_total 7.0",
        "ledger_file_bytes 4096.0",
        'pipeline_handled_spans_total{outcome="stamped"} 9.0',
        'receiver_answered_requests_total{code="OK"} 11.0',
        'config_file_is_in_force{file="pricing"} 0.0',
        'config_last_success_timestamp_seconds{file="pricing"} 12.5',
        "pricing_catalogue_age_seconds 172800.0",
        "pricing_catalogue_is_stale 1.0",
        'budgets_info{version="cd34"} 1.0',
        'build_info{python="3.11",version="0.1"} 1.0',
    ):
        assert f"\n{PREFIX}{line}\n" in text


def test_a_reason_is_there_before_it_happens(text):
    """Guarantees: the first rejected request is an increase, and not a new series."""
    sample = 'receiver_rejected_requests_total{reason="undecodable",signal="logs",transport="http"}'
    assert f"\n{PREFIX}{sample} 0.0\n" in text


def test_a_destination_without_a_queue_shows_none(sources, states):
    states.destinations = [states.destinations[0]._replace(backlog=None)]
    assert f"{PREFIX}queue_" not in Exposition(sources).render().decode()
