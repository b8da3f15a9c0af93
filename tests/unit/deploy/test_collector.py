"""The Collector configurations fit what the processor writes, sends and listens to.

That a Collector accepts them, and what it does with them, is shown by tests/backends.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from processor.config import Settings
from processor.core.enrich.attributes import enrich
from processor.core.model import Entry, Spans, Stamp, Totals, Usage
from processor.core.money import Amount

FOLDER = Path(__file__).parents[3] / "deploy" / "collector"


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


FRONTS = ["front", "front-two", "front-loadbalancing"]


@pytest.mark.parametrize("name", [*FRONTS, "behind"])
def test_collector_pipelines_use_exactly_what_is_declared(name):
    """Guarantees: no component is missing, and none stands there unused."""
    config = read(name)
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipe in config["service"]["pipelines"].values() for name in pipe[kind]}
        assert used == set(config[kind])


def test_the_balancing_collector_keeps_a_trace_together():
    """Guarantees: all spans of a trace reach the same ledger, on our port."""
    balanced = read("front-loadbalancing")["exporters"]["loadbalancing"]
    assert balanced["routing_key"] == "traceID"
    assert {host[-5:] for host in balanced["resolver"]["static"]["hostnames"]} == {":4317"}


@pytest.mark.parametrize("name", FRONTS)
def test_a_collector_in_front_samples_nothing_and_takes_what_we_take(name):
    """Guarantees: nothing is dropped before it is counted, and no request is too large for it."""
    config = read(name)
    kinds = {processor.partition("/")[0] for processor in config["processors"]}
    assert kinds <= {"memory_limiter", "filter"}
    ours, theirs = Settings().receivers.otlp.protocols, config["receivers"]["otlp"]["protocols"]
    assert theirs["grpc"]["max_recv_msg_size_mib"] >= ours.grpc.max_recv_msg_size_mib
    http_mib = theirs["http"]["max_request_body_size"] / 2**20
    assert http_mib >= ours.http.max_request_body_size_mib


def test_the_two_halves_of_the_traces_are_all_of_them():
    """Guarantees: each first digit of a trace id is let through by one filter, and by only one."""
    filters = [body for kind, body in read("front-two")["processors"].items() if "filter" in kind]
    kept = [
        re.fullmatch(r'not IsMatch\(trace_id\.string, "\^(.+)"\)', body["traces"]["span"][0])[1]
        for body in filters
    ]
    for digit in "0123456789abcdef":
        assert sum(bool(re.match(pattern, digit)) for pattern in kept) == 1


def written_on_an_expensive_root() -> dict[str, object]:
    """What is written on the root of a trace that is itself a call and over a budget."""
    call = Entry(
        status="exact",
        reason="",
        provider="openai",
        model="gpt-4o",
        service="api",
        price_version="v1",
        usage=Usage(input=3, output=4),
        amount=Amount(10**9, 10**9, 0, 0, 0, 0),
        rates=(1,) * 12,
    )
    stamp = Stamp(call, trace=Totals(10**9, 3, 4), exceeded=("per-user-daily",))
    spans = Spans(b"", start_ns=[1], end_ns=[2])
    return dict(enrich(spans, {0: stamp})[0].attributes)


def test_the_collector_behind_samples_by_attributes_as_they_are_written():
    """Guarantees: each policy reads an attribute that exists, in a way that fits its type.

    The policy numeric_attribute sees whole numbers only, string_attribute texts only; both take
    any other value for an empty one without a word.
    """
    policies = read("behind")["processors"]["tail_sampling"]["policies"]
    written = written_on_an_expensive_root()
    read_as = {}
    for policy in policies:
        content = policy.get(policy["type"])
        if policy["type"] == "numeric_attribute":
            read_as[content["key"]] = int
        elif policy["type"] == "string_attribute":
            read_as[content["key"]] = str
        elif policy["type"] == "ottl_condition":
            for condition in content.get("span", ()):
                read_as[re.fullmatch(r'attributes\["([^"]+)"\] >= [0-9.]+', condition)[1]] = float
    assert set(read_as) >= {"llm.cost_usd", "llm.budget.exceeded"}
    for key, kind in read_as.items():
        assert type(written[key]) is kind, key
    budget = next(policy for policy in policies if policy["name"] == "over-budget")
    values = budget["string_attribute"]["values"]
    assert any(re.search(value, written["llm.budget.exceeded"]) for value in values)


def test_the_collector_behind_takes_the_largest_request_we_send():
    """Guarantees: no request is refused for its size between the two."""
    grpc = read("behind")["receivers"]["otlp"]["protocols"]["grpc"]
    assert grpc["max_recv_msg_size_mib"] >= Settings().exporters.otlp.max_message_mib
